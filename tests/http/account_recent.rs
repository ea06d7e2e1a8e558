//! Recent authentication: the password once more, where it was given long ago.

use crate::{
    ADA, MINUTE, PROGRAM,
    common::{
        Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry, WRONG_PASSWORD as WRONG,
    },
    hidden_field,
};

contract! {
    a_signup_and_a_login_count_for_a_quarter_of_an_hour
    an_old_login_needs_the_password_once_more
    a_page_asks_for_the_password_and_then_finishes_the_action
    a_wrong_current_password_is_refused
    a_current_password_has_the_attempts_of_its_device
    an_account_that_strangers_have_closed_does_not_refuse_its_owner
}

const DONE: &str = "A confirmation link has been sent to the new address";
const PAGE: &str = "/account?notice=email-asked";
const ENTER: &str = "Enter your current password";
const NOT_IT: &str = "This is not your current password";
const FIELD: Option<&str> = Some("current_password");

async fn ask(client: &Client<'_>, email: &str, password: &str) -> Answer {
    let fields = [("email", email), ("current_password", password)];
    let fields = match password {
        "" => &fields[..1],
        _ => &fields[..],
    };
    client.post("/account/email", fields).await
}

async fn a_signup_and_a_login_count_for_a_quarter_of_an_hour(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let client = registry.signed_up(kind, &email).await;
        ask(&client, &format!("b{n}@example.org"), "")
            .await
            .assert_done(kind, DONE, PAGE);
        registry.wait(15 * MINUTE);
        let late = ask(&client, &format!("c{n}@example.org"), "").await;
        late.assert_refused(kind, 403, ENTER, FIELD);
        client.login(&email, PASSWORD).await;
        registry.wait(14 * MINUTE);
        ask(&client, &format!("d{n}@example.org"), "")
            .await
            .assert_done(kind, DONE, PAGE);
    }
}

async fn an_old_login_needs_the_password_once_more(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let client = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        let other = registry.client(kind);
        other.login(&format!("ada{n}@example.org"), PASSWORD).await;
        registry.wait(15 * MINUTE);
        let new = format!("new{n}@example.org");
        for _ in 0..2 {
            let answer = ask(&client, &new, "").await;
            answer.assert_refused(kind, 403, ENTER, FIELD);
            assert_eq!(answer.set_cookies(), [""; 0]);
        }
        assert_eq!(registry.subjects_to(&new).await, [""; 0]);
        ask(&client, &new, PASSWORD)
            .await
            .assert_done(kind, DONE, PAGE);

        // For the next minutes of this session, and of no other.
        registry.wait(14 * MINUTE);
        ask(&client, &new, "").await.assert_done(kind, DONE, PAGE);
        ask(&other, &new, "")
            .await
            .assert_refused(kind, 403, ENTER, FIELD);
        registry.wait(MINUTE);
        ask(&client, &new, "")
            .await
            .assert_refused(kind, 403, ENTER, FIELD);
    }
}

/// No detour and no scripts: the same form with one more field.
async fn a_page_asks_for_the_password_and_then_finishes_the_action(registry: Registry) {
    let browser = registry.signed_up(Kind::Browser, ADA).await;
    let fields_in = |page: &str| page.matches("name=\"current_password\"").count();
    let page = browser.get("/account").await;
    assert_eq!(
        fields_in(&page.body),
        2,
        "to change the password, and to delete"
    );
    registry.wait(15 * MINUTE);
    let token = hidden_field(&page.body, "csrf_token");
    let fields = [("email", "new@example.org"), ("csrf_token", &*token)];
    let asked = browser.post("/account/email", &fields).await;
    asked.assert_refused(Kind::Browser, 403, ENTER, FIELD);
    assert_eq!(fields_in(&asked.body), 3);
    assert!(asked.body.contains("<h1>Account settings</h1>"));
    assert!(
        asked.body.contains("value=\"new@example.org\""),
        "it is kept"
    );
    let token = hidden_field(&asked.body, "csrf_token");
    let fields = [
        ("email", "new@example.org"),
        ("current_password", PASSWORD),
        ("csrf_token", &*token),
    ];
    let done = browser.post("/account/email", &fields).await;
    done.assert_leads_to(PAGE);
    let page = browser.get(PAGE).await;
    assert_eq!(fields_in(&page.body), 2);
    assert!(page.body.contains(
        "A confirmation link has been sent to the new address. Nothing changes until you open it."
    ));
    registry.wait(15 * MINUTE);
    assert_eq!(
        fields_in(&browser.get("/account").await.body),
        3,
        "asked at once"
    );
}

async fn a_wrong_current_password_is_refused(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let client = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        registry.wait(15 * MINUTE);
        let answer = ask(&client, "new@example.org", WRONG).await;
        answer.assert_refused(kind, 403, NOT_IT, FIELD);
        assert!(!answer.body.contains(WRONG));
        if kind == Kind::Browser {
            assert!(
                answer.body.contains("value=\"new@example.org\""),
                "it is kept"
            );
        }
        let answer = ask(&client, "new@example.org", "").await;
        answer.assert_refused(kind, 403, ENTER, FIELD);
        // What needs the password always does so after a right one too.
        let done = ask(&client, &format!("new{n}@example.org"), PASSWORD).await;
        done.assert_done(kind, DONE, PAGE);
        let fields = [
            ("password", "plum tractor glow"),
            ("email", "x@example.org"),
        ];
        for path in ["/account/password", "/account/delete"] {
            let answer = client.post(path, &fields).await;
            answer.assert_refused(kind, 403, ENTER, FIELD);
        }
    }
    assert_eq!(registry.subjects_to("new@example.org").await, [""; 0]);
}

/// A wrong one is a failed login of this device.
async fn a_current_password_has_the_attempts_of_its_device(registry: Registry) {
    for kind in [PROGRAM, Kind::Browser] {
        let email = match kind {
            Kind::Browser => "bob@example.org",
            _ => ADA,
        };
        let client = registry.signed_up(kind, email).await;
        registry.fail_logins(email, 10).await;
        registry.wait(15 * MINUTE);
        registry.fail_logins(email, 1).await;
        for _ in 0..5 {
            let answer = ask(&client, "new@example.org", WRONG).await;
            answer.assert_refused(kind, 403, NOT_IT, FIELD);
            let other = registry.client(kind);
            other.set_cookie("device", &client.cookie("device").unwrap());
            let answer = other.login(email, WRONG).await;
            answer.assert_refused(kind, 401, "Invalid email or password", None);
        }
        let answer = ask(&client, "new@example.org", PASSWORD).await;
        answer.assert_wait(kind, 60);
        // The session goes on, and so does what needs no password.
        assert!(client.is_logged_in().await);
        let answer = client.post("/account/name", &[("name", "Grace")]).await;
        answer.assert_done(kind, "Name changed", "/account?notice=name-changed");
        registry.wait(MINUTE);
        ask(&client, "new@example.org", PASSWORD)
            .await
            .assert_done(kind, DONE, PAGE);
    }
}

async fn an_account_that_strangers_have_closed_does_not_refuse_its_owner(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let client = registry.signed_up(kind, &email).await;
        // Also a program that keeps no cookie but the session.
        let bare = registry.client(kind);
        bare.login(&email, PASSWORD).await;
        bare.set_cookie("device", "");
        registry.wait(15 * MINUTE);
        registry.fail_logins(&email, 10).await;
        registry
            .client(kind)
            .login(&email, PASSWORD)
            .await
            .assert_wait(kind, 30);
        for client in [&client, &bare] {
            let new = format!("new{n}@example.org");
            let answer = ask(client, &new, WRONG).await;
            answer.assert_refused(kind, 403, NOT_IT, FIELD);
            ask(client, &new, PASSWORD)
                .await
                .assert_done(kind, DONE, PAGE);
        }
    }
}
