//! `POST /auth/reset-password`, and the same by `GET` for old programs.

use crate::{
    ADA, MINUTE,
    common::{
        BREACHED, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry,
        mails::{PASSWORD_CHANGED, RESET, link_to},
    },
};

contract! {
    reset_password_from_the_mailed_link
    reset_password_with_a_field
    reset_password_by_get_for_old_programs
    reset_password_with_a_dead_uuid
    reset_password_with_a_bad_password
    reset_password_ends_all_sessions_and_tells_the_user
}

async fn reset_password_from_the_mailed_link(registry: Registry) {
    registry.add_user(ADA).await;
    let uuid = registry.reset_uuid(ADA).await;
    let browser = registry.browser();
    let moved = browser
        .get(&format!("/auth/reset-password?uuid={uuid}"))
        .await;
    moved.assert_done(Kind::Browser, "", "/auth/reset-password");
    let cookie = format!("reset={uuid}; HttpOnly; SameSite=Lax; Path=/; Max-Age=1800");
    assert_eq!(moved.set_cookies(), [cookie]);

    let page = browser.get("/auth/reset-password").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("autocomplete=\"new-password\"") && page.body.contains(ADA));
    assert!(!page.body.contains(&uuid), "the page holds the uuid");

    let answer = browser
        .post("/auth/reset-password", &[("password", "plum tractor glow")])
        .await;
    answer.assert_done(Kind::Browser, "", "/auth/login?notice=password-changed");
    let [device, reset] = &answer.set_cookies()[..] else {
        panic!("two cookies: {:?}", answer.set_cookies());
    };
    assert!(device.starts_with("device="), "{device}");
    assert_eq!(reset, "reset=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    assert!(!browser.is_logged_in().await, "a reset is no login");
    let page = browser.get("/auth/login?notice=password-changed").await;
    assert!(page.body.contains("Your password was changed"));
    assert_eq!(registry.program().login(ADA, PASSWORD).await.status, 401);
    assert_eq!(
        registry
            .program()
            .login(ADA, "plum tractor glow")
            .await
            .status,
        200
    );
}

async fn reset_password_with_a_field(registry: Registry) {
    registry.add_user(ADA).await;
    registry.wait(15 * MINUTE);
    for kind in EVERY_CLIENT {
        let uuid = registry.reset_uuid(ADA).await;
        let client = registry.client(kind);
        client.set_cookie("reset", "936da01f-9abd-4d9d-80c7-02af85c822a8");
        let fields = [("uuid", uuid.as_str()), ("password", "plum tractor glow")];
        let answer = client.post("/auth/reset-password", &fields).await;
        answer.assert_done(
            kind,
            "Password reset successful",
            "/auth/login?notice=password-changed",
        );
        let again = client.post("/auth/reset-password", &fields).await;
        again.assert_refused(kind, 404, "User not found", None);
        registry.wait(5 * MINUTE);
    }
}

async fn reset_password_by_get_for_old_programs(registry: Registry) {
    registry.add_user(ADA).await;
    let uuid = registry.reset_uuid(ADA).await;
    let path = format!("/auth/reset-password?uuid={uuid}&password=plum+tractor+glow");
    assert_eq!(registry.browser().head(&path).await.status, 400);
    for kind in [Kind::Browser, Kind::HydratedForm] {
        let answer = registry.client(kind).get(&path).await;
        answer.assert_refused(kind, 400, "A password must not be sent in an address", None);
    }
    assert_eq!(registry.program().head(&path).await.status, 200);
    assert_eq!(
        registry.program().login(ADA, PASSWORD).await.status,
        200,
        "HEAD changed the password"
    );

    let program = registry.client(EVERY_CLIENT[0]);
    let bad = program
        .get(&format!("/auth/reset-password?uuid={uuid}&password=short"))
        .await;
    bad.assert_refused(
        EVERY_CLIENT[0],
        400,
        "Password must be at least 8 characters",
        Some("password"),
    );
    let answer = program.get(&path).await;
    answer.assert_done(EVERY_CLIENT[0], "Password reset successful", "");
    let again = program.get(&path).await;
    again.assert_refused(EVERY_CLIENT[0], 404, "User not found", None);
    assert_eq!(
        registry
            .program()
            .login(ADA, "plum tractor glow")
            .await
            .status,
        200
    );
}

async fn reset_password_with_a_dead_uuid(registry: Registry) {
    for kind in EVERY_CLIENT {
        for fields in [
            &[("password", PASSWORD)][..],
            &[("uuid", ""), ("password", PASSWORD)],
            &[("uuid", "john"), ("password", PASSWORD)],
            &[
                ("uuid", "936da01f-9abd-4d9d-80c7-02af85c822a8"),
                ("password", ""),
            ],
        ] {
            let answer = registry
                .client(kind)
                .post("/auth/reset-password", fields)
                .await;
            answer.assert_refused(kind, 404, "User not found", None);
        }
    }
}

async fn reset_password_with_a_bad_password(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        registry.wait(5 * MINUTE);
        let uuid = registry.reset_uuid(ADA).await;
        let client = registry.client(kind);
        for (password, message) in [
            ("", "Password is required"),
            ("short", "Password must be at least 8 characters"),
            BREACHED,
            (
                "ada@example.org",
                "Password is too easy to guess: it is little more than one word",
            ),
        ] {
            let fields = [("uuid", uuid.as_str()), ("password", password)];
            let answer = client.post("/auth/reset-password", &fields).await;
            if password == ADA {
                assert_eq!(answer.status, 400);
                assert!(
                    answer.body.contains("Password is too easy to guess: "),
                    "{}",
                    answer.body
                );
            } else {
                answer.assert_refused(kind, 400, message, Some("password"));
            }
            assert!(!answer.body.contains(&uuid));
        }
        // The refused page goes on with the cookie alone, and the uuid still works.
        let fields = [("password", PASSWORD), ("uuid", uuid.as_str())];
        let fields = if kind == Kind::Browser {
            &fields[..1]
        } else {
            &fields[..]
        };
        let answer = client.post("/auth/reset-password", fields).await;
        answer.assert_done(
            kind,
            "Password reset successful",
            "/auth/login?notice=password-changed",
        );
    }
}

async fn reset_password_ends_all_sessions_and_tells_the_user(registry: Registry) {
    registry.add_user(ADA).await;
    let (laptop, phone) = (registry.program(), registry.browser());
    laptop.login(ADA, PASSWORD).await;
    phone.login(ADA, PASSWORD).await;
    let uuid = registry.reset_uuid(ADA).await;
    let fields = [("uuid", uuid.as_str()), ("password", "plum tractor glow")];
    registry
        .program()
        .post("/auth/reset-password", &fields)
        .await;
    assert!(!laptop.is_logged_in().await && !phone.is_logged_in().await);
    let notice = registry.mail(ADA, PASSWORD_CHANGED).await;
    assert_eq!(link_to(&notice, RESET), None);
}
