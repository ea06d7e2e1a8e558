//! The contract: every route, for every kind of client, on both stores.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[macro_use]
mod common;

use std::{collections::HashSet, time::Duration};

use axum::{body::Body, http::Request};
use common::{Answer, EVERY_CLIENT, Encoding, Kept, Kind, PASSWORD, Registry};
use fpm_registry::accounts::token::Token;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const ADA: &str = "ada@example.org";
const PROGRAM: Kind = Kind::Program(Encoding::Form);

contract! {
    login_with_the_right_password
    login_with_a_wrong_or_unknown_pair
    login_without_a_field
    login_gives_a_new_session_and_ends_the_old
    login_adopts_no_made_up_session
    login_leads_to_next
    login_page
    login_refused_keeps_what_was_typed
    signup_makes_an_account_and_logs_in
    signup_with_a_taken_email
    signup_with_a_bad_field
    logout_ends_the_session
    logout_without_a_session
    logout_ends_one_device_only
    forgot_password_answers_all_addresses_alike
    forgot_password_with_a_bad_address
    reset_password_from_the_mailed_link
    reset_password_with_a_field
    reset_password_by_get_for_old_programs
    reset_password_with_a_dead_uuid
    reset_password_with_a_bad_password
    reset_password_ends_all_sessions_and_tells_the_user
    reset_link_opened_often_is_not_consumed
    reset_link_dies_after_thirty_minutes
    reset_link_dies_when_a_newer_is_sent
    reset_link_that_is_dead
    reset_cookie_yields_to_a_field_and_survives_a_made_up_link
    reset_form_holds_on_to_its_link
    reset_cookie_ends_with_a_login_a_signup_and_a_logout
    a_user_who_keeps_the_old_password_leaves_no_link_in_the_browser
    a_user_who_asks_for_another_link_is_told_to_look_for_it
    session_ends_after_thirty_days
    session_ends_after_fourteen_days_without_use
    a_clock_that_jumps_back_and_is_put_right
    bodies_that_cannot_be_read
    errors_on_every_path
    head_goes_where_get_does
    the_way_to_change_a_password_is_well_known
    made_up_errors_and_notices_show_nothing
    notices_stay_on_their_own_page
    links_are_apart_without_the_style_too
    a_password_of_any_unicode
    requests_from_other_sites
    headers_of_every_answer
}

async fn login_with_the_right_password(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        let answer = client.login("  ADA@example.org ", PASSWORD).await;
        answer.assert_done(kind, "Login successful", "/");
        let [session, device] = &answer.set_cookies()[..] else {
            panic!("two cookies: {:?}", answer.set_cookies());
        };
        for (cookie, name, life) in [(session, "uuid", "2592000"), (device, "device", "31536000")] {
            let attributes = format!("; HttpOnly; SameSite=Lax; Path=/; Max-Age={life}");
            assert!(cookie.starts_with(name), "{cookie}");
            assert!(cookie.ends_with(&attributes), "{cookie}");
        }
        assert_eq!(client.cookie("uuid").unwrap().len(), 36);
        assert!(client.is_logged_in().await);
    }
}

async fn login_with_a_wrong_or_unknown_pair(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        for (email, password) in [
            (ADA, "wrong"),
            (ADA, "Correct horse battery"),
            (ADA, " correct horse battery"),
            ("eve@example.org", PASSWORD),
            ("john", "doe"),
            ("\"john\"", "\"doe\""),
        ] {
            let client = registry.client(kind);
            let answer = client.login(email, password).await;
            answer.assert_refused(kind, 401, "Invalid email or password", None);
            assert_eq!(answer.set_cookies(), [""; 0]);
        }
        registry.wait(DAY);
    }
}

async fn login_without_a_field(registry: Registry) {
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        for fields in [
            &[][..],
            &[("email", ""), ("password", "")],
            &[("password", "x")],
        ] {
            let answer = client.post("/auth/login", fields).await;
            answer.assert_refused(kind, 400, "Email is required", Some("email"));
        }
        let answer = client.post("/auth/login", &[("email", "john")]).await;
        answer.assert_refused(kind, 400, "Password is required", Some("password"));
    }
}

async fn login_gives_a_new_session_and_ends_the_old(registry: Registry) {
    registry.add_user(ADA).await;
    registry.add_user("bob@example.org").await;
    let client = registry.program();
    client.login(ADA, PASSWORD).await;
    let first = client.cookie("uuid").unwrap();
    for email in [ADA, "bob@example.org"] {
        let before = client.cookie("uuid").unwrap();
        client.login(email, PASSWORD).await;
        assert_ne!(client.cookie("uuid").unwrap(), before);
        let thief = registry.program();
        thief.set_cookie("uuid", &before);
        assert!(
            !thief.is_logged_in().await,
            "the session before {email}'s login lives on"
        );
    }
    assert_ne!(client.cookie("uuid").unwrap(), first);
    assert!(client.is_logged_in().await);
}

async fn login_adopts_no_made_up_session(registry: Registry) {
    registry.add_user(ADA).await;
    let client = registry.program();
    for made_up in [
        "936da01f-9abd-4d9d-80c7-02af85c822a8",
        "john",
        "{\"$ne\":1}",
    ] {
        client.set_cookie("uuid", made_up);
        assert!(!client.is_logged_in().await);
        client.login(ADA, PASSWORD).await;
        assert_ne!(client.cookie("uuid").unwrap(), made_up);
    }
}

async fn login_leads_to_next(registry: Registry) {
    registry.add_user(ADA).await;
    for (next, location) in [
        ("/packages?q=a%20b", "/packages?q=a%20b"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/%2fevil.example", "/"),
    ] {
        let fields = [("email", ADA), ("password", PASSWORD), ("next", next)];
        let answer = registry.browser().post("/auth/login", &fields).await;
        answer.assert_done(Kind::Browser, "", location);
        let hydrated = registry
            .client(Kind::HydratedForm)
            .post("/auth/login", &fields)
            .await;
        assert_eq!(hydrated.header("location"), location);
        assert!(hydrated.headers.contains_key("serverfnredirect"));
    }
    let page = registry
        .browser()
        .get("/auth/login?next=/packages%3Fq=x")
        .await;
    assert!(
        page.body
            .contains("<input type=\"hidden\" name=\"next\" value=\"/packages?q=x\""),
        "{}",
        page.body
    );
    assert!(
        page.body
            .contains("href=\"/auth/signup?next=/packages%3Fq%3Dx\"")
    );
}

async fn login_page(registry: Registry) {
    registry.add_user(ADA).await;
    for path in ["/auth/login", "/auth/signup"] {
        for client in [registry.program(), registry.browser()] {
            let page = client.get(path).await;
            assert_eq!(
                (page.status.as_u16(), page.header("content-type")),
                (200, "text/html; charset=utf-8")
            );
            assert_eq!(page.header("cache-control"), "no-store");
            assert!(page.header("vary").contains("Accept"));
            assert!(page.body.contains("autocomplete=\"username\""));
            assert!(page.body.ends_with("</body></html>"), "{}", page.body);
            assert!(page.body.contains("-password\">Password</label>"));
        }
        let program = registry.program();
        program.login(ADA, PASSWORD).await;
        assert_eq!(program.get(path).await.status, 200);
        let browser = registry.browser();
        browser.login(ADA, PASSWORD).await;
        for (query, location) in [
            ("", "/"),
            ("?next=/packages", "/packages"),
            ("?next=//evil", "/"),
        ] {
            let answer = browser.get(&format!("{path}{query}")).await;
            answer.assert_done(Kind::Browser, "", location);
        }
    }
}

async fn login_refused_keeps_what_was_typed(registry: Registry) {
    let fields = [
        ("email", "<b>\"ada\"</b>"),
        ("password", "hunter2-secret"),
        ("next", "/packages"),
    ];
    let page = registry.browser().post("/auth/login", &fields).await;
    assert_eq!(page.status, 401);
    assert!(
        page.body
            .contains("value=\"&lt;b&gt;&quot;ada&quot;&lt;/b&gt;\""),
        "{}",
        page.body
    );
    assert!(page.body.contains("name=\"next\" value=\"/packages\""));
    assert!(!page.body.contains("hunter2-secret"));
    assert!(!page.body.contains("<b>"));
}

async fn signup_makes_an_account_and_logs_in(registry: Registry) {
    for (number, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("Ada{number}@Example.org");
        let client = registry.client(kind);
        let fields = [
            ("name", " Ada \u{1F986} "),
            ("email", &email),
            ("password", PASSWORD),
            ("next", "/packages"),
            ("role", "admin"),
        ];
        let answer = client.post("/auth/signup", &fields).await;
        answer.assert_done(kind, "Signup successful", "/packages");
        assert!(client.is_logged_in().await);
        let page = client.get("/").await;
        assert!(page.body.contains("Ada \u{1F986}") && page.body.contains(&email.to_lowercase()));
        registry
            .program()
            .login(&email, PASSWORD)
            .await
            .assert_done(Kind::HydratedForm, "Login successful", "");
    }
}

async fn signup_with_a_taken_email(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let fields = [
            ("name", "Eve"),
            ("email", "ADA@EXAMPLE.ORG"),
            ("password", PASSWORD),
        ];
        let answer = registry.client(kind).post("/auth/signup", &fields).await;
        answer.assert_refused(
            kind,
            400,
            "A user with this email already exists",
            Some("email"),
        );
        assert_eq!(answer.set_cookies(), [""; 0]);
    }
    assert_eq!(registry.program().login(ADA, PASSWORD).await.status, 200);
}

async fn signup_with_a_bad_field(registry: Registry) {
    let long = "x".repeat(257);
    for kind in EVERY_CLIENT {
        for (name, email, password, message, field) in [
            ("", "", "", "Name is required", "name"),
            ("Ada", "", "", "Email is required", "email"),
            ("Ada", "ada", "", "Enter a valid email address", "email"),
            (
                "Ada",
                "ada@example.org\r\nBcc: x@y.org",
                PASSWORD,
                "Enter a valid email address",
                "email",
            ),
            ("Ada", ADA, "", "Password is required", "password"),
            (
                "Ada",
                ADA,
                "short",
                "Password must be at least 8 characters",
                "password",
            ),
            (
                "Ada",
                ADA,
                &long,
                "Password must be at most 256 characters",
                "password",
            ),
            (
                "Ada",
                ADA,
                "password",
                "Password is too easy to guess: it is one of the most common passwords",
                "password",
            ),
        ] {
            let fields = [("name", name), ("email", email), ("password", password)];
            let answer = registry.client(kind).post("/auth/signup", &fields).await;
            answer.assert_refused(kind, 400, message, Some(field));
        }
    }
    assert_eq!(registry.program().login(ADA, "password").await.status, 401);
}

async fn logout_ends_the_session(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        client.login(ADA, PASSWORD).await;
        let session = client.cookie("uuid").unwrap();
        let answer = client.post("/auth/logout", &[]).await;
        answer.assert_done(kind, "Logout successful", "/auth/login");
        assert_eq!(
            answer.set_cookies(),
            ["uuid=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]
        );
        client.set_cookie("uuid", &session);
        assert!(!client.is_logged_in().await);
    }
}

async fn logout_without_a_session(registry: Registry) {
    for kind in EVERY_CLIENT {
        for cookie in ["", "john", "936da01f-9abd-4d9d-80c7-02af85c822a8"] {
            let client = registry.client(kind);
            client.set_cookie("uuid", cookie);
            let answer = client.post("/auth/logout", &[]).await;
            match kind {
                Kind::Browser => answer.assert_done(kind, "", "/auth/login"),
                _ => answer.assert_refused(kind, 404, "User not found", None),
            }
            assert_eq!(
                answer.set_cookies(),
                ["uuid=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]
            );
        }
    }
}

async fn logout_ends_one_device_only(registry: Registry) {
    registry.add_user(ADA).await;
    let (laptop, phone) = (registry.program(), registry.browser());
    laptop.login(ADA, PASSWORD).await;
    phone.login(ADA, PASSWORD).await;
    laptop.post("/auth/logout", &[]).await;
    assert!(!laptop.is_logged_in().await);
    assert!(phone.is_logged_in().await);
}

const PROMISE: &str = "If this email has an account, a password reset link has been sent to it";

async fn forgot_password_answers_all_addresses_alike(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let known = registry
            .client(kind)
            .post("/auth/forgot-password", &[("email", ADA)])
            .await;
        let unknown = registry
            .client(kind)
            .post("/auth/forgot-password", &[("email", "eve@example.org")])
            .await;
        known.assert_done(kind, PROMISE, "/auth/reset-password?notice=sent");
        assert_eq!(known.status, unknown.status);
        assert_eq!(known.headers, unknown.headers);
        assert_eq!(known.body, unknown.body);
        let mail = registry.inbox.next(ADA).await.expect("a mail arrives");
        assert_eq!(mail.subject, "Reset your fpm-registry password");
        registry.wait(5 * MINUTE);
    }
    assert!(registry.inbox.take("eve@example.org").is_none());
    let page = registry
        .browser()
        .get("/auth/reset-password?notice=sent")
        .await;
    assert!(page.body.contains(PROMISE));
}

async fn forgot_password_with_a_bad_address(registry: Registry) {
    for kind in EVERY_CLIENT {
        for (email, message) in [
            ("", "Email is required"),
            ("ada", "Enter a valid email address"),
            (
                "ada@example.org, eve@example.org",
                "Enter a valid email address",
            ),
        ] {
            let answer = registry
                .client(kind)
                .post("/auth/forgot-password", &[("email", email)])
                .await;
            answer.assert_refused(kind, 400, message, Some("email"));
        }
    }
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
            (
                "ada@example.org",
                "Password is too easy to guess: it is little more than one word",
            ),
        ] {
            let fields = [("uuid", uuid.as_str()), ("password", password)];
            let answer = client.post("/auth/reset-password", &fields).await;
            if message.contains("easy") {
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
    let notice = registry.inbox.next(ADA).await.expect("a notice arrives");
    assert_eq!(notice.subject, "Your fpm-registry password was changed");
    assert_eq!(notice.uuid(), None);
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

async fn a_clock_that_jumps_back_and_is_put_right(registry: Registry) {
    registry.add_user(ADA).await;
    let browser = registry.browser();
    assert_eq!(browser.login(ADA, PASSWORD).await.status, 303);
    let page_of = |uuid: &str| format!("/auth/reset-password?uuid={uuid}");
    let before = registry.reset_uuid(ADA).await;
    registry.fail_logins("bob@example.org", 10).await;

    registry.turn_back(60 * MINUTE);
    assert!(browser.is_logged_in().await);
    let answer = registry.program().get(&page_of(&before)).await;
    assert_eq!(answer.status, 200);
    // A wait ends when it would have ended, and says so.
    let answer = registry.program().login("bob@example.org", PASSWORD).await;
    answer.assert_wait(PROGRAM, 60 * 60 + 30);
    // What begins now is as good as ever.
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    let newer = registry.reset_uuid(ADA).await;
    for (uuid, status) in [(&before, 404), (&newer, 200)] {
        let answer = registry.program().get(&page_of(uuid)).await;
        assert_eq!(answer.status.as_u16(), status);
    }
    registry.fail_logins(ADA, 10).await;
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_wait(PROGRAM, 30);

    registry.wait(60 * MINUTE);
    assert!(browser.is_logged_in().await);
    let answer = registry.program().get(&page_of(&newer)).await;
    assert_eq!(answer.status, 404, "no link lives longer than it should");
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    let answer = registry.program().login("bob@example.org", PASSWORD).await;
    answer.assert_wait(PROGRAM, 30);
}

async fn session_ends_after_thirty_days(registry: Registry) {
    registry.add_user(ADA).await;
    let client = registry.program();
    client.login(ADA, PASSWORD).await;
    for _ in 0..2 {
        registry.wait(10 * DAY);
        assert!(client.is_logged_in().await);
    }
    registry.wait(10 * DAY);
    assert!(!client.is_logged_in().await);
    let answer = client.post("/auth/logout", &[]).await;
    answer.assert_refused(EVERY_CLIENT[0], 404, "User not found", None);
}

async fn session_ends_after_fourteen_days_without_use(registry: Registry) {
    registry.add_user(ADA).await;
    let client = registry.program();
    client.login(ADA, PASSWORD).await;
    registry.wait(13 * DAY);
    assert!(client.is_logged_in().await);
    registry.wait(14 * DAY);
    assert!(!client.is_logged_in().await);

    client.login(ADA, PASSWORD).await;
    registry.wait(13 * DAY);
    assert_eq!(client.head("/").await.status, 200);
    registry.wait(2 * DAY);
    assert!(!client.is_logged_in().await, "HEAD was a use");
}

async fn bodies_that_cannot_be_read(registry: Registry) {
    let large = format!("email={}", "a".repeat(16 * 1024));
    for (content_type, body, code, message) in [
        ("text/plain", "email=a", 415, "Send a form or a JSON object"),
        ("", "email=a", 415, "Send a form or a JSON object"),
        (
            "application/json",
            "{\"email\":",
            400,
            "The request cannot be read",
        ),
        (
            "application/x-www-form-urlencoded",
            "email=%ff",
            400,
            "The request cannot be read",
        ),
        (
            "application/x-www-form-urlencoded",
            "email=a&email=b",
            400,
            "A field is given more than once",
        ),
        (
            "application/json",
            "{\"email\":{\"$gt\":\"\"}}",
            400,
            "A field is not text",
        ),
        (
            "application/x-www-form-urlencoded",
            &large,
            413,
            "The request is too large",
        ),
    ] {
        for path in ["/auth/login", "/auth/signup", "/auth/forgot-password"] {
            for kind in [EVERY_CLIENT[0], Kind::Browser] {
                let mut request = Request::post(path).header("accept", kind.accept());
                if !content_type.is_empty() {
                    request = request.header("content-type", content_type);
                }
                let answer = registry
                    .send(request.body(Body::from(body.to_owned())).unwrap())
                    .await;
                answer.assert_refused(kind, code, message, None);
            }
        }
    }
    let nothing = Request::post("/auth/login").body(Body::empty()).unwrap();
    registry.send(nothing).await.assert_refused(
        EVERY_CLIENT[0],
        400,
        "Email is required",
        Some("email"),
    );
}

async fn errors_on_every_path(registry: Registry) {
    for (method, path, code, message, allow) in [
        ("GET", "/nowhere", 404, "Page not found", ""),
        ("POST", "/nowhere", 404, "Page not found", ""),
        ("GET", "/Cargo.toml", 404, "Page not found", ""),
        ("GET", "/Leptos.toml", 404, "Page not found", ""),
        ("GET", "/.git/HEAD", 404, "Page not found", ""),
        ("GET", "/../Cargo.toml", 404, "Page not found", ""),
        ("GET", "/auth/login/", 404, "Page not found", ""),
        (
            "GET",
            "/auth/logout",
            405,
            "This method is not allowed here",
            "POST",
        ),
        (
            "GET",
            "/auth/forgot-password",
            405,
            "This method is not allowed here",
            "POST",
        ),
        (
            "HEAD",
            "/auth/logout",
            405,
            "This method is not allowed here",
            "POST",
        ),
        (
            "PUT",
            "/auth/login",
            405,
            "This method is not allowed here",
            "GET,HEAD,POST",
        ),
        (
            "OPTIONS",
            "/auth/login",
            405,
            "This method is not allowed here",
            "GET,HEAD,POST",
        ),
        (
            "DELETE",
            "/auth/reset-password",
            405,
            "This method is not allowed here",
            "GET,HEAD,POST",
        ),
        (
            "POST",
            "/",
            405,
            "This method is not allowed here",
            "GET,HEAD",
        ),
        (
            "TRACE",
            "/auth/signup",
            405,
            "This method is not allowed here",
            "GET,HEAD,POST",
        ),
    ] {
        for kind in [EVERY_CLIENT[0], Kind::Browser] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("accept", kind.accept());
            let answer: Answer = registry.send(request.body(Body::empty()).unwrap()).await;
            answer.assert_refused(kind, code, message, None);
            let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
            allowed.sort_unstable();
            assert_eq!(allowed.join(","), allow, "{method} {path}");
            assert!(answer.header("vary").contains("Accept"), "{method} {path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
    }
}

/// What password managers open to change a password (W3C, a well-known URL for changing passwords).
async fn the_way_to_change_a_password_is_well_known(registry: Registry) {
    for kind in [PROGRAM, Kind::Browser] {
        let answer = registry
            .client(kind)
            .get("/.well-known/change-password")
            .await;
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), "/auth/reset-password");
    }
}

async fn head_goes_where_get_does(registry: Registry) {
    for path in ["/", "/auth/login", "/auth/signup", "/auth/reset-password"] {
        let answer = registry.program().head(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, ""),
            "{path}"
        );
    }
}

async fn made_up_errors_and_notices_show_nothing(registry: Registry) {
    // {"message":"Call 555-0100 now","code":401}, as Leptos itself would put it into an address.
    let error = "eyJtZXNzYWdlIjoiQ2FsbCA1NTUtMDEwMCBub3ciLCJjb2RlIjo0MDF9";
    for query in [
        format!("?__path=/auth/login&__err={error}"),
        format!("?__err={error}"),
        "?notice=Call+555-0100+now".to_owned(),
    ] {
        for path in ["/auth/login", "/auth/signup", "/auth/reset-password", "/"] {
            let page = registry.browser().get(&format!("{path}{query}")).await;
            assert_eq!(page.status, 200);
            assert!(!page.body.contains("555-0100"), "{}", page.body);
        }
    }
}

async fn notices_stay_on_their_own_page(registry: Registry) {
    for path in ["/auth/login", "/auth/signup", "/auth/reset-password", "/"] {
        let plain = registry.browser().get(path).await;
        for (notice, home) in [
            ("sent", "/auth/reset-password"),
            ("password-changed", "/auth/login"),
            ("link-died", ""),
        ] {
            let told = registry.browser();
            let told = told.get(&format!("{path}?notice={notice}")).await;
            let bare = |page: &Answer| {
                let page_token = form_token(&page.body);
                let body = page.body.replace(page.nonce(), "");
                if page_token.is_empty() {
                    body
                } else {
                    body.replace(&page_token, "")
                }
            };
            assert_eq!(bare(&told) != bare(&plain), path == home, "{path} {notice}");
        }
    }
}

async fn links_are_apart_without_the_style_too(registry: Registry) {
    for path in [
        "/",
        "/auth/login",
        "/auth/signup",
        "/auth/reset-password",
        "/nowhere",
    ] {
        let page = registry.browser().get(path).await;
        assert!(!page.body.contains("</a><a"), "{}", page.body);
    }
}

async fn a_password_of_any_unicode(registry: Registry) {
    for (number, password) in [
        "пароль на ночь",
        "🦆🐢🦊🐙🦋🐝🐳🦔",
        "caf\u{e9} r\u{e9}sum\u{e9}",
        &format!("plum tractor glow{}", "\u{5d0}".repeat(239)),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("ada{number}@example.org");
        let fields = [
            ("name", "Ada"),
            ("email", email.as_str()),
            ("password", password),
        ];
        let answer = registry.program().post("/auth/signup", &fields).await;
        answer.assert_done(EVERY_CLIENT[0], "Signup successful", "");
        for kind in EVERY_CLIENT {
            let answer = registry.client(kind).login(&email, password).await;
            answer.assert_done(kind, "Login successful", "/");
        }
    }
    let decomposed = registry
        .program()
        .login("ada2@example.org", "cafe\u{301} re\u{301}sume\u{301}")
        .await;
    decomposed.assert_done(EVERY_CLIENT[0], "Login successful", "");
}

/// The document of a user in MongoDB, as the contract says.
#[tokio::test(flavor = "multi_thread")]
async fn the_users_document_holds_what_the_contract_says() {
    use mongodb::bson::{Bson, Document, doc};

    let registry = Registry::start(Kept::Mongo).await;
    let users = registry
        .database
        .as_ref()
        .unwrap()
        .collection::<Document>("users");
    let client = registry.program();
    let fields = [
        ("name", "Ada"),
        ("email", "Ada@Example.org"),
        ("password", PASSWORD),
    ];
    client.post("/auth/signup", &fields).await;
    let user = users.find_one(doc! {"email": ADA}).await.unwrap().unwrap();
    assert_eq!(user.get_str("name").unwrap(), "Ada");
    assert!(
        user.get_str("password")
            .unwrap()
            .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    );
    assert_eq!(
        user.get_datetime("createdAt").unwrap(),
        user.get_datetime("loginAt").unwrap()
    );
    assert_eq!(user.get_array("sessions").unwrap().len(), 1);
    assert!(!format!("{user:?}").contains(&client.cookie("uuid").unwrap()));

    registry.wait(MINUTE);
    client.post("/auth/logout", &[]).await;
    let user = users.find_one(doc! {"email": ADA}).await.unwrap().unwrap();
    let logged_out = user.get_datetime("lastLogout").unwrap();
    assert!(logged_out > user.get_datetime("loginAt").unwrap());
    assert_eq!(user.get_array("sessions").unwrap().len(), 0);

    client.login(ADA, PASSWORD).await;
    let uuid = registry.reset_uuid(ADA).await;
    let user = users.find_one(doc! {"email": ADA}).await.unwrap().unwrap();
    assert!(user.get_datetime("loginAt").unwrap() >= logged_out);
    assert!(matches!(
        user.get_document("reset").unwrap().get("digest"),
        Some(Bson::Binary(_))
    ));
    assert!(!format!("{user:?}").contains(&uuid));
}

/// A hash of an older backend is a refusal, not a failure.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_phc_string_cannot_log_in() {
    use mongodb::bson::{Document, doc};

    let registry = Registry::start(Kept::Mongo).await;
    let users = registry
        .database
        .as_ref()
        .unwrap()
        .collection::<Document>("users");
    let old = doc! {"name": "Ada", "email": ADA, "password": "9f86d081884c7d659a2feaa0c55ad015"};
    users.insert_one(old).await.unwrap();
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_refused(EVERY_CLIENT[0], 401, "Invalid email or password", None);

    let uuid = registry.reset_uuid(ADA).await;
    let fields = [("uuid", uuid.as_str()), ("password", "plum tractor glow")];
    assert_eq!(
        registry
            .program()
            .post("/auth/reset-password", &fields)
            .await
            .status,
        200
    );
    assert_eq!(
        registry
            .program()
            .login(ADA, "plum tractor glow")
            .await
            .status,
        200
    );
}

/// Under https, cookies are bound to the host and to https.
#[tokio::test(flavor = "multi_thread")]
async fn https_marks_the_cookies() {
    let registry = Registry::start_at(Kept::Embedded, "https://registry.example.org").await;
    registry.add_user(ADA).await;
    let client = registry.browser();
    let answer = client.login(ADA, PASSWORD).await;
    let [session, device] = &answer.set_cookies()[..] else {
        panic!("two cookies");
    };
    for (cookie, name, life) in [
        (session, "__Host-uuid=", "2592000"),
        (device, "__Host-device=", "31536000"),
    ] {
        let attributes = format!("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age={life}");
        assert!(cookie.starts_with(name), "{cookie}");
        assert!(cookie.ends_with(&attributes), "{cookie}");
    }
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=63072000; includeSubDomains"
    );
    assert!(client.is_logged_in().await);
    registry
        .program()
        .post("/auth/forgot-password", &[("email", ADA)])
        .await;
    let mail = registry.inbox.next(ADA).await.unwrap();
    let link = mail.link().unwrap();
    assert!(
        link.starts_with("https://registry.example.org/auth/reset-password?uuid="),
        "{link}"
    );
}

async fn requests_from_other_sites(registry: Registry) {
    registry.add_user(ADA).await;
    let fields = format!(
        "email=ada%40example.org&password={}",
        PASSWORD.replace(' ', "+")
    );
    for path in [
        "/auth/login",
        "/auth/signup",
        "/auth/logout",
        "/auth/forgot-password",
        "/auth/reset-password",
    ] {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            for kind in [EVERY_CLIENT[0], Kind::Browser] {
                let request = Request::post(path)
                    .header("accept", kind.accept())
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header(name, value)
                    .body(Body::from(fields.clone()));
                let answer = registry.send(request.unwrap()).await;
                answer.assert_refused(kind, 403, "This request came from another site", None);
                assert_eq!(answer.set_cookies(), [""; 0]);
            }
        }
    }
    let ours = Request::post("/auth/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "http://127.0.0.1:9090")
        .body(Body::from(fields));
    assert_eq!(registry.send(ours.unwrap()).await.status, 200);
}

async fn headers_of_every_answer(registry: Registry) {
    for answer in [
        registry.browser().get("/").await,
        registry.browser().get("/auth/login").await,
        registry.browser().get("/nowhere").await,
        registry.program().get("/nowhere").await,
        registry.program().login("john", "doe").await,
        registry.browser().login("john", "doe").await,
        registry.browser().post("/auth/logout", &[]).await,
    ] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("strict-transport-security"), "");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }
    let nonces: HashSet<String> = [
        registry.browser().get("/auth/login").await,
        registry.browser().get("/auth/login").await,
    ]
    .iter()
    .map(|page| page.header("content-security-policy").to_owned())
    .collect();
    assert_eq!(nonces.len(), 2, "every page has a nonce of its own");
}

/// A handler that panics costs its client an answer of 500, and nobody else anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_answer() {
    async fn panics() {
        panic!("secret cause");
    }
    let registry = Registry::start(Kept::Embedded).await;
    let registry = registry.with_routes(axum::Router::new().route("/", axum::routing::get(panics)));
    for (kind, client) in [
        (EVERY_CLIENT[0], registry.program()),
        (Kind::Browser, registry.browser()),
    ] {
        let answer = client.get("/").await;
        answer.assert_refused(
            kind,
            500,
            "Something went wrong, try again in a moment",
            None,
        );
        assert!(!answer.body.contains("secret cause"));
    }
}

/// With MongoDB gone, pages that need no user are served, and the rest says when to come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_out_of_reach_is_an_answer() {
    let (registry, mongod) = Registry::start_on_own_mongod().await;
    registry.add_user(ADA).await;
    let visitor = registry.browser();
    visitor.login(ADA, PASSWORD).await;
    drop(mongod);
    for path in ["/auth/login", "/auth/signup"] {
        assert_eq!(visitor.get(path).await.status, 200);
    }
    let message = "The registry is not available right now, try again in a moment";
    let started = std::time::Instant::now();
    let page = visitor.get("/").await;
    page.assert_refused(Kind::Browser, 503, message, None);
    assert_eq!(page.header("retry-after"), "5");
    let link = Token::random().reveal();
    visitor.set_cookie("reset", &link);
    let page = visitor
        .post("/auth/reset-password", &[("password", "plum tractor glow")])
        .await;
    page.assert_refused(Kind::Browser, 503, message, None);
    assert_eq!(page.header("retry-after"), "5");
    assert!(
        !page.body.contains("<form"),
        "not the form of another page: {}",
        page.body
    );
    assert_eq!(visitor.cookie("reset"), Some(link), "going back works");
    for kind in EVERY_CLIENT {
        let answer = registry.client(kind).login(ADA, PASSWORD).await;
        answer.assert_refused(kind, 503, message, None);
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert!(
        started.elapsed() < 7 * Duration::from_secs(3),
        "an answer took over three seconds"
    );
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

/// The value of a hidden field of the page's form.
fn hidden_field(page: &str, name: &str) -> String {
    let marker = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&marker).expect("the field");
    rest.split('"').next().unwrap().to_owned()
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

#[tokio::test]
async fn a_page_that_is_the_same_for_all_tells_nobody_what_is_another_visitors() {
    let registry = Registry::start(Kept::Embedded).await;
    for path in ["/", "/auth/login", "/auth/signup", "/auth/reset-password"] {
        let mut pages = Vec::new();
        for _ in 0..3 {
            let visitor = registry.browser();
            let page = visitor.get(path).await;
            assert_eq!(page.status, 200);
            let nonce = page.nonce().to_owned();
            let token = form_token(&page.body);
            assert_eq!(token.is_empty(), path == "/", "{}", page.body);
            if !token.is_empty() {
                let cookie = Token::parse(&visitor.cookie("form").unwrap()).unwrap();
                assert_eq!(token, cookie.digest().to_string());
            }
            pages.push((page.body, nonce, token));
        }
        let bare = |(body, nonce, token): &(String, String, String)| {
            body.replace(nonce, "").replace(token, "")
        };
        let bodies: HashSet<String> = pages.iter().map(bare).collect();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        let nonces: HashSet<&String> = pages.iter().map(|(_, nonce, _)| nonce).collect();
        assert_eq!(nonces.len(), 3);
    }
}

#[tokio::test]
async fn what_one_visitor_is_shown_no_other_is() {
    let registry = Registry::start(Kept::Embedded).await;
    let visitor = registry.browser();
    for (path, shown) in [
        ("/auth/login?next=/packages/stdlib", "/packages/stdlib"),
        (
            "/auth/login?notice=password-changed",
            "Your password was changed",
        ),
    ] {
        for _ in 0..2 {
            assert!(
                !registry
                    .browser()
                    .get("/auth/login")
                    .await
                    .body
                    .contains(shown)
            );
            assert!(visitor.get(path).await.body.contains(shown));
        }
    }
    registry.add_user("ada@example.org").await;
    visitor.login("ada@example.org", PASSWORD).await;
    assert!(visitor.is_logged_in().await);
    assert!(!registry.browser().is_logged_in().await);
    assert!(visitor.is_logged_in().await);
}

/// What the form of a page has to bring back; nothing where there is none.
fn form_token(page: &str) -> String {
    let field = page.split("name=\"csrf_token\" value=\"").nth(1);
    let value = field.and_then(|rest| rest.split('"').next());
    value.unwrap_or_default().to_owned()
}
