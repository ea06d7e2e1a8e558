//! `/auth/confirm-email` and `POST /account/confirm-email`: the links that confirm an address.

use serde_json::json;

use crate::{
    ADA, DAY, MINUTE, PROGRAM,
    common::{
        EVERY_CLIENT, Kept, Kind, PASSWORD, Registry,
        mails::{CONFIRM, NOT_ME, RESET, link_to},
    },
    hidden_field,
};

contract! {
    a_signup_is_confirmed_by_its_mail
    a_link_opened_often_is_not_consumed
    a_link_moves_into_a_cookie
    a_link_that_is_dead
    a_link_needs_a_login_as_its_user
    a_link_dies_after_a_day
    a_link_is_sent_again
    a_reset_link_confirms_the_address
    a_form_holds_on_to_its_link
}

const SUBJECT: &str = "Confirm your email for fpm-registry";
const PAGE: &str = "/account?notice=email-confirmed";
const NO_COOKIE: &str = "confirm=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
const DEAD: &str = "User not found";

async fn a_signup_is_confirmed_by_its_mail(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let client = registry.signed_up(kind, &email).await;
        let mail = registry.mail(&email, SUBJECT).await;
        let uuid = link_to(&mail, CONFIRM).expect("a link");
        assert!(
            mail.link()
                .unwrap()
                .starts_with("http://localhost:9090/auth/confirm-email?uuid=")
        );
        assert_eq!(
            client.facts("/account").await["email_confirmed"],
            json!(false)
        );
        let answer = client.post(CONFIRM, &[("uuid", &uuid)]).await;
        answer.assert_done(kind, "Email confirmed", PAGE);
        assert_eq!(answer.set_cookies(), [""; 0]);
        assert_eq!(
            client.facts("/account").await["email_confirmed"],
            json!(true)
        );
        let again = client.post(CONFIRM, &[("uuid", &uuid)]).await;
        again.assert_refused(kind, 404, DEAD, None);
        assert_eq!(
            registry.subjects_to(&email).await,
            [""; 0],
            "nobody is told"
        );
    }
}

async fn a_link_opened_often_is_not_consumed(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let uuid = registry.mailed_link(ADA, CONFIRM).await;
    let path = format!("{CONFIRM}?uuid={uuid}");
    for _ in 0..3 {
        let page = registry.program().get(&path).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Confirm this email") && page.body.contains(ADA));
        assert!(!page.body.contains(&uuid));
        assert_eq!(page.body.matches("<button").count(), 1, "{}", page.body);
        assert_eq!(registry.program().head(&path).await.status, 200);
        assert_eq!(registry.browser().get(&path).await.status, 303);
    }
    assert_eq!(ada.facts("/account").await["email_confirmed"], json!(false));
    let answer = ada.post(CONFIRM, &[("uuid", &uuid)]).await;
    answer.assert_done(PROGRAM, "Email confirmed", PAGE);
}

async fn a_link_moves_into_a_cookie(registry: Registry) {
    let browser = registry.signed_up(Kind::Browser, ADA).await;
    let uuid = registry.mailed_link(ADA, CONFIRM).await;
    let moved = browser.get(&format!("{CONFIRM}?uuid={uuid}")).await;
    moved.assert_leads_to(CONFIRM);
    let cookie = format!("confirm={uuid}; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400");
    assert_eq!(moved.set_cookies(), [cookie]);
    let page = browser.get(CONFIRM).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains(&uuid));
    let (link, token) = (
        hidden_field(&page.body, "link"),
        hidden_field(&page.body, "csrf_token"),
    );
    assert!(link.len() == 16 && !uuid.contains(&link), "{link}");
    let fields = [("link", &*link), ("csrf_token", &*token)];
    let answer = browser.post(CONFIRM, &fields).await;
    answer.assert_leads_to(PAGE);
    assert_eq!(answer.set_cookies(), [NO_COOKIE]);
    assert!(
        browser
            .get(PAGE)
            .await
            .body
            .contains("Your email is confirmed.")
    );
}

async fn a_link_that_is_dead(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        client.set_cookie("uuid", &ada.cookie("uuid").unwrap());
        for query in [
            "",
            "?uuid=",
            "?uuid=john",
            "?uuid=%ff",
            "?uuid=936da01f-9abd-4d9d-80c7-02af85c822a8",
        ] {
            let answer = client.get(&format!("{CONFIRM}{query}")).await;
            answer.assert_refused(kind, 404, DEAD, None);
            if kind == Kind::Browser {
                assert!(answer.body.contains("<h1>This link no longer works</h1>"));
            }
        }
        for fields in [
            &[][..],
            &[("uuid", "")],
            &[("uuid", "john")],
            &[("uuid", "936da01f-9abd-4d9d-80c7-02af85c822a8")],
        ] {
            let answer = client.post(CONFIRM, fields).await;
            answer.assert_refused(kind, 404, DEAD, None);
        }
    }
    let browser = registry.browser();
    browser.set_cookie("confirm", "936da01f-9abd-4d9d-80c7-02af85c822a8");
    let page = browser.get(CONFIRM).await;
    page.assert_refused(Kind::Browser, 404, DEAD, None);
    assert_eq!(page.set_cookies(), [NO_COOKIE], "a dead cookie is removed");
    let uuid = registry.mailed_link(ADA, CONFIRM).await;
    browser.set_cookie("confirm", &uuid);
    browser.get(&format!("{CONFIRM}?uuid=john")).await;
    assert_eq!(
        browser.cookie("confirm"),
        Some(uuid),
        "a made-up link ends no other"
    );
}

async fn a_link_needs_a_login_as_its_user(registry: Registry) {
    registry.add_user("eve@example.org").await;
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.signed_up(PROGRAM, &email).await;
        let uuid = registry.mailed_link(&email, CONFIRM).await;
        let eve = registry.client(kind);
        eve.login("eve@example.org", PASSWORD).await;
        let answer = eve.post(CONFIRM, &[("uuid", &uuid)]).await;
        answer.assert_refused(kind, 404, DEAD, None);
        assert_eq!(eve.facts("/account").await["email_confirmed"], json!(false));

        let stranger = registry.client(kind);
        let answer = stranger.post(CONFIRM, &[("uuid", &uuid)]).await;
        match kind {
            Kind::Browser => answer.assert_leads_to(&format!("/auth/login?next={CONFIRM}")),
            _ => answer.assert_refused(kind, 401, "Log in first", None),
        }
        assert_eq!(ada.facts("/account").await["email_confirmed"], json!(false));
    }

    // To login and back, with the link in the browser.
    registry.add_user(ADA).await;
    let uuid = registry.mailed_link(ADA, CONFIRM).await;
    let browser = registry.browser();
    browser.get(&format!("{CONFIRM}?uuid={uuid}")).await;
    let page = browser.get(CONFIRM).await;
    let link = hidden_field(&page.body, "link");
    let sent = browser.post(CONFIRM, &[("link", &link)]).await;
    sent.assert_leads_to("/auth/login?next=/auth/confirm-email");
    let fields = [("email", ADA), ("password", PASSWORD), ("next", CONFIRM)];
    browser
        .post("/auth/login", &fields)
        .await
        .assert_leads_to(CONFIRM);
    let page = browser.get(CONFIRM).await;
    let link = hidden_field(&page.body, "link");
    let answer = browser.post(CONFIRM, &[("link", &link)]).await;
    answer.assert_leads_to(PAGE);
}

async fn a_link_dies_after_a_day(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let uuid = registry.mailed_link(ADA, CONFIRM).await;
    let path = format!("{CONFIRM}?uuid={uuid}");
    registry.wait(DAY - MINUTE);
    assert_eq!(registry.program().get(&path).await.status, 200);
    registry.wait(MINUTE);
    registry
        .program()
        .get(&path)
        .await
        .assert_refused(PROGRAM, 404, DEAD, None);
    let answer = ada.post(CONFIRM, &[("uuid", &uuid)]).await;
    answer.assert_refused(PROGRAM, 404, DEAD, None);
    let answer = ada.post("/account/confirm-email", &[]).await;
    let page = "/account?notice=confirmation-sent";
    answer.assert_done(PROGRAM, "A confirmation link has been sent", page);
    let uuid = registry.mailed_link(ADA, CONFIRM).await;
    let answer = ada.post(CONFIRM, &[("uuid", &uuid)]).await;
    answer.assert_done(PROGRAM, "Email confirmed", PAGE);
}

async fn a_link_is_sent_again(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let client = registry.signed_up(kind, &email).await;
        let mut older = registry.mailed_link(&email, CONFIRM).await;
        for _ in 0..2 {
            let answer = client.post("/account/confirm-email", &[]).await;
            let page = "/account?notice=confirmation-sent";
            answer.assert_done(kind, "A confirmation link has been sent", page);
            let mail = registry.mail(&email, SUBJECT).await;
            let newer = link_to(&mail, CONFIRM).unwrap();
            let answer = client.post(CONFIRM, &[("uuid", &older)]).await;
            answer.assert_refused(kind, 404, DEAD, None);
            older = newer;
        }
        let answer = client.post("/account/confirm-email", &[]).await;
        answer.assert_wait(kind, 900);
        let answer = client.post(CONFIRM, &[("uuid", &older)]).await;
        answer.assert_done(kind, "Email confirmed", PAGE);
        let answer = client.post("/account/confirm-email", &[]).await;
        answer.assert_refused(kind, 400, "Your email is already confirmed", None);
        assert_eq!(registry.subjects_to(&email).await, [""; 0]);
    }
}

async fn a_reset_link_confirms_the_address(registry: Registry) {
    registry.signed_up(PROGRAM, ADA).await;
    let link = registry.mailed_link(ADA, CONFIRM).await;
    let uuid = registry.reset_uuid(ADA).await;
    let fields = [("uuid", &*uuid), ("password", "plum tractor glow")];
    assert_eq!(registry.program().post(RESET, &fields).await.status, 200);
    let ada = registry.program();
    ada.login(ADA, "plum tractor glow").await;
    assert_eq!(ada.facts("/account").await["email_confirmed"], json!(true));
    let answer = ada.post(CONFIRM, &[("uuid", &link)]).await;
    answer.assert_refused(PROGRAM, 404, DEAD, None);
    let answer = ada.post("/account/confirm-email", &[]).await;
    answer.assert_refused(PROGRAM, 400, "Your email is already confirmed", None);
}

/// Under https, the cookies of mailed links are bound to the host too.
#[tokio::test(flavor = "multi_thread")]
async fn https_marks_the_cookies_of_links() {
    let registry = Registry::start_at(Kept::Embedded, "https://registry.example.org").await;
    let eve = "eve@example.org";
    registry.confirmed(PROGRAM, eve).await;
    registry.program().login(eve, PASSWORD).await;
    registry.add_user(ADA).await;
    for (name, email, page) in [("confirm", ADA, CONFIRM), ("not-me", eve, NOT_ME)] {
        let uuid = registry.mailed_link(email, page).await;
        let browser = registry.browser();
        let moved = browser.get(&format!("{page}?uuid={uuid}")).await;
        moved.assert_leads_to(page);
        let cookie = moved.set_cookies().concat();
        let start = format!("__Host-{name}={uuid}; HttpOnly; SameSite=Lax; Secure; Path=/;");
        assert!(cookie.starts_with(&start), "{cookie}");
        assert_eq!(browser.get(page).await.status, 200);
    }
}

/// A link opened in another tab does not change which address the button of this one confirms.
async fn a_form_holds_on_to_its_link(registry: Registry) {
    let browser = registry.signed_up(Kind::Browser, ADA).await;
    let own = registry.mailed_link(ADA, CONFIRM).await;
    browser.set_cookie("confirm", &own);
    let link = hidden_field(&browser.get(CONFIRM).await.body, "link");
    browser
        .post("/account/email", &[("email", "new@example.org")])
        .await;
    let other = registry.mailed_link("new@example.org", CONFIRM).await;
    browser.set_cookie("confirm", &other);
    let answer = browser.post(CONFIRM, &[("link", &link)]).await;
    answer.assert_refused(Kind::Browser, 404, DEAD, None);
    assert_eq!(browser.facts("/account").await["email"], json!(ADA));
    assert_eq!(
        browser.cookie("confirm"),
        Some(other),
        "it may still be wanted"
    );
    let page = browser.get(CONFIRM).await;
    assert!(page.body.contains("new@example.org"));
    let link = hidden_field(&page.body, "link");
    browser
        .post(CONFIRM, &[("link", &link)])
        .await
        .assert_leads_to(PAGE);
    assert_eq!(
        browser.facts("/account").await["email"],
        json!("new@example.org")
    );
}
