//! Reset links, and the cookie that has one: how long each works, and who ends it.

use axum::{body::Body, http::Request};

use crate::{
    ADA, MINUTE, PROGRAM,
    common::{EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
    hidden_field,
};

contract! {
    reset_link_opened_often_is_not_consumed
    reset_link_dies_after_thirty_minutes
    reset_link_dies_when_a_newer_is_sent
    reset_link_that_is_dead
    reset_cookie_yields_to_a_field_and_survives_a_made_up_link
    reset_form_holds_on_to_its_link
    reset_cookie_ends_with_a_login_a_signup_and_a_logout
    a_user_who_keeps_the_old_password_leaves_no_link_in_the_browser
    a_user_who_asks_for_another_link_is_told_to_look_for_it
}

async fn reset_link_opened_often_is_not_consumed(registry: Registry) {
    registry.add_user(ADA).await;
    let uuid = registry.reset_uuid(ADA).await;
    let path = format!("/auth/reset-password?uuid={uuid}");
    for _ in 0..3 {
        let page = registry.program().get(&path).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("autocomplete=\"new-password\"") && !page.body.contains(&uuid));
        assert_eq!(registry.program().head(&path).await.status, 200);
        assert_eq!(registry.browser().get(&path).await.status, 303);
    }
    let fields = [("uuid", uuid.as_str()), ("password", "plum tractor glow")];
    assert_eq!(
        registry
            .program()
            .post("/auth/reset-password", &fields)
            .await
            .status,
        200
    );
}

async fn reset_link_dies_after_thirty_minutes(registry: Registry) {
    registry.add_user(ADA).await;
    let uuid = registry.reset_uuid(ADA).await;
    let path = format!("/auth/reset-password?uuid={uuid}");
    registry.wait(29 * MINUTE);
    assert_eq!(registry.program().get(&path).await.status, 200);
    registry.wait(MINUTE);
    assert_eq!(registry.program().get(&path).await.status, 404);
    let fields = [("uuid", uuid.as_str()), ("password", "plum tractor glow")];
    let answer = registry
        .program()
        .post("/auth/reset-password", &fields)
        .await;
    answer.assert_refused(EVERY_CLIENT[0], 404, "User not found", None);
    assert_eq!(registry.program().login(ADA, PASSWORD).await.status, 200);
}

async fn reset_link_dies_when_a_newer_is_sent(registry: Registry) {
    registry.add_user(ADA).await;
    let older = registry.reset_uuid(ADA).await;
    let newer = registry.reset_uuid(ADA).await;
    for (uuid, status) in [(older, 404), (newer, 200)] {
        let page = registry
            .program()
            .get(&format!("/auth/reset-password?uuid={uuid}"))
            .await;
        assert_eq!(page.status.as_u16(), status);
    }
}

async fn reset_link_that_is_dead(registry: Registry) {
    for uuid in ["", "john", "936da01f-9abd-4d9d-80c7-02af85c822a8", "%ff"] {
        let path = format!("/auth/reset-password?uuid={uuid}");
        for kind in EVERY_CLIENT {
            let answer = registry.client(kind).get(&path).await;
            answer.assert_refused(kind, 404, "User not found", None);
            if kind == Kind::Browser {
                assert!(
                    answer.body.contains("action=\"/auth/forgot-password\""),
                    "the way to a new link"
                );
            }
        }
    }
    let browser = registry.browser();
    browser.set_cookie("reset", "936da01f-9abd-4d9d-80c7-02af85c822a8");
    let page = browser.get("/auth/reset-password").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("action=\"/auth/forgot-password\""));
    assert_eq!(browser.cookie("reset"), None, "a dead cookie is removed");
    assert!(page.body.contains("<h1>This link no longer works</h1>"));
}

async fn reset_cookie_yields_to_a_field_and_survives_a_made_up_link(registry: Registry) {
    registry.add_user(ADA).await;
    let uuid = registry.reset_uuid(ADA).await;
    let browser = registry.browser();
    browser.set_cookie("reset", &uuid);
    for made_up in ["", "john", "936da01f-9abd-4d9d-80c7-02af85c822a8"] {
        let fields = [("uuid", made_up), ("password", "plum tractor glow")];
        let answer = browser.post("/auth/reset-password", &fields).await;
        answer.assert_refused(Kind::Browser, 404, "User not found", None);
        let answer = browser
            .get(&format!("/auth/reset-password?uuid={made_up}"))
            .await;
        answer.assert_refused(Kind::Browser, 404, "User not found", None);
        let program = registry.program();
        program.set_cookie("reset", &uuid);
        let path = format!("/auth/reset-password?uuid={made_up}&password=plum+tractor+glow");
        let answer = program.get(&path).await;
        answer.assert_refused(EVERY_CLIENT[0], 404, "User not found", None);
    }
    let unreadable = Request::post("/auth/reset-password")
        .header("accept", Kind::Browser.accept())
        .header("cookie", format!("reset={uuid}"))
        .header("content-type", "text/plain")
        .body(Body::from("password=x"));
    let answer = registry.send(unreadable.unwrap()).await;
    answer.assert_refused(Kind::Browser, 415, "Send a form or a JSON object", None);
    assert!(
        answer.body.contains("autocomplete=\"new-password\""),
        "the same page again"
    );
    assert_eq!(browser.cookie("reset"), Some(uuid));
    let answer = browser
        .post("/auth/reset-password", &[("password", "plum tractor glow")])
        .await;
    answer.assert_done(Kind::Browser, "", "/auth/login?notice=password-changed");
}

/// A link opened in another tab does not change whose password the form of this one changes.
async fn reset_form_holds_on_to_its_link(registry: Registry) {
    let mut uuids = Vec::new();
    for email in [ADA, "eve@example.org"] {
        registry.add_user(email).await;
        uuids.push(registry.reset_uuid(email).await);
    }
    let browser = registry.browser();
    browser.set_cookie("reset", &uuids[0]);
    let page = browser.get("/auth/reset-password").await;
    assert!(page.body.contains(ADA), "{}", page.body);
    let link = hidden_field(&page.body, "link");
    assert!(!uuids[0].contains(&link) && link.len() == 16, "{link}");
    browser.set_cookie("reset", &uuids[1]);

    let fields = [("link", &*link), ("password", "plum tractor glow")];
    let answer = browser.post("/auth/reset-password", &fields).await;
    answer.assert_refused(Kind::Browser, 404, "User not found", None);
    assert_eq!(browser.cookie("reset").as_ref(), Some(&uuids[1]));
    for email in [ADA, "eve@example.org"] {
        let answer = registry.program().login(email, PASSWORD).await;
        answer.assert_done(PROGRAM, "Login successful", "/");
    }

    let page = browser.get("/auth/reset-password").await;
    assert!(page.body.contains("eve@example.org"), "{}", page.body);
    let link = hidden_field(&page.body, "link");
    let fields = [("link", &*link), ("password", "plum tractor glow")];
    let answer = browser.post("/auth/reset-password", &fields).await;
    answer.assert_done(Kind::Browser, "", "/auth/login?notice=password-changed");
    let eve = registry.program();
    let answer = eve.login("eve@example.org", "plum tractor glow").await;
    answer.assert_done(PROGRAM, "Login successful", "/");
}

const NO_RESET: &str = "reset=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";

async fn reset_cookie_ends_with_a_login_a_signup_and_a_logout(registry: Registry) {
    registry.add_user(ADA).await;
    let eve = ["name", "email", "password"].into_iter();
    let eve: Vec<_> = eve.zip(["Eve", "eve@example.org", PASSWORD]).collect();
    let ada = &[("email", ADA), ("password", PASSWORD)][..];
    let uuid = registry.reset_uuid(ADA).await;
    let browser = registry.browser();
    for (path, fields) in [
        ("/auth/signup", &eve[..]),
        ("/auth/logout", &[]),
        ("/auth/logout", &[]),
        ("/auth/login", ada),
    ] {
        browser.set_cookie("reset", &uuid);
        let answer = browser.post(path, fields).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(
            answer.set_cookies().contains(&NO_RESET.to_owned()),
            "{path}"
        );
        let page = browser.get("/auth/reset-password").await;
        assert!(page.body.contains("<h1>Reset your password</h1>"), "{path}");
        assert!(!page.body.contains(ADA), "{path}");
    }
    browser.set_cookie("reset", &uuid);
    let refused = browser.login(ADA, "wrong").await;
    assert_eq!(refused.set_cookies(), [""; 0]);
    assert_eq!(browser.cookie("reset"), Some(uuid));
}

async fn a_user_who_keeps_the_old_password_leaves_no_link_in_the_browser(registry: Registry) {
    registry.add_user(ADA).await;
    let uuid = registry.reset_uuid(ADA).await;
    let browser = registry.browser();
    browser.set_cookie("reset", &uuid);
    let page = browser.get("/auth/reset-password").await.body;
    let (before, _) = page.split_once("\">Keep the old password</a>").unwrap();
    let (_, link) = before.rsplit_once("href=\"").unwrap();
    let kept = browser.get(link).await;
    kept.assert_done(Kind::Browser, "", "/");
    assert_eq!(kept.set_cookies(), [NO_RESET]);
    let page = browser.get("/auth/reset-password").await;
    assert!(page.body.contains("<h1>Reset your password</h1>"));
    // The link in the mail goes on working: only this browser has forgotten it.
    let link = format!("/auth/reset-password?uuid={uuid}");
    let opened = browser.get(&link).await;
    opened.assert_done(Kind::Browser, "", "/auth/reset-password");
}

async fn a_user_who_asks_for_another_link_is_told_to_look_for_it(registry: Registry) {
    registry.add_user(ADA).await;
    let uuid = registry.reset_uuid(ADA).await;
    let browser = registry.browser();
    browser.set_cookie("reset", &uuid);
    let eve = [("email", "eve@example.org")];
    let sent = browser.post("/auth/forgot-password", &eve).await;
    let next = "/auth/reset-password?notice=sent";
    sent.assert_done(Kind::Browser, "", next);
    assert_eq!(sent.set_cookies(), [NO_RESET]);
    let page = browser.get(next).await;
    assert!(page.body.contains("<h1>Check your email</h1>"));
    assert!(!page.body.contains(ADA));
}
