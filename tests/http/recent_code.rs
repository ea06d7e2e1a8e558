//! Recent authentication of a user with a second factor: a code of it, and no password.

use serde_json::json;

use crate::{
    ADA, MINUTE, PROGRAM,
    common::{
        Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry,
        authenticator_app::{SecondFactor, TOTP},
    },
    hidden_field,
    refused_codes::{ENTER, NOT_VALID, OTHER_MINUTE, USED},
    second_factors::SECURITY,
    second_step::log_in,
};

contract! {
    a_code_counts_for_a_quarter_of_an_hour
    a_page_asks_for_the_code_and_then_finishes_the_action
    a_button_asks_for_the_code_in_its_place
    a_password_does_not_do
    a_code_of_a_login_is_refused_a_second_later
    a_wrong_code_has_the_attempts_of_its_device
    the_right_password_has_no_wrong_code_forgotten
    a_session_of_before_the_second_factor_needs_a_code
}

const DONE: &str = "A confirmation link has been sent to the new address";
const PAGE: &str = "/account?notice=email-asked";
const FIELD: Option<&str> = Some("code");

async fn ask(client: &Client<'_>, email: &str, code: &str) -> Answer {
    let fields = [("email", email), ("code", code)];
    let fields = match code {
        "" => &fields[..1],
        _ => &fields[..],
    };
    client.post("/account/email", fields).await
}

async fn with_app<'r>(
    registry: &'r Registry,
    kind: Kind,
    email: &str,
) -> (Client<'r>, SecondFactor) {
    let client = registry.signed_up(kind, email).await;
    let factor = client.add_app().await;
    (client, factor)
}

async fn a_code_counts_for_a_quarter_of_an_hour(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let (client, factor) = with_app(&registry, kind, &email).await;
        let new = |letter| format!("{letter}{n}@example.org");
        // To confirm the app was to show it.
        registry.wait(14 * MINUTE);
        ask(&client, &new('b'), "")
            .await
            .assert_done(kind, DONE, PAGE);
        registry.wait(MINUTE);
        for _ in 0..2 {
            let late = ask(&client, &new('c'), "").await;
            late.assert_refused(kind, 403, ENTER, FIELD);
            assert_eq!(late.set_cookies(), [""; 0]);
        }
        assert_eq!(registry.subjects_to(&new('c')).await, [""; 0]);
        let code = factor.app.code(&registry);
        ask(&client, &new('c'), &code)
            .await
            .assert_done(kind, DONE, PAGE);
        registry.wait(14 * MINUTE);
        ask(&client, &new('d'), "")
            .await
            .assert_done(kind, DONE, PAGE);
        registry.wait(MINUTE);
        // A recovery code is as good, and is used up by it.
        let recovery = &factor.recovery_codes[0];
        let security = client.copy(PROGRAM).post(TOTP, &[("code", recovery)]).await;
        assert_eq!(security.status, 200, "{}", security.body);
        registry.wait(15 * MINUTE);
        ask(&client, &new('e'), recovery)
            .await
            .assert_refused(kind, 403, NOT_VALID, FIELD);
    }
}

/// No detour and no scripts: the same form with one more field.
async fn a_page_asks_for_the_code_and_then_finishes_the_action(registry: Registry) {
    let (browser, factor) = with_app(&registry, Kind::Browser, ADA).await;
    let fields_in =
        |page: &Answer, name: &str| page.body.matches(&format!("name=\"{name}\"")).count();
    let page = browser.get("/account").await;
    assert_eq!(fields_in(&page, "code"), 0);
    let passwords = fields_in(&page, "current_password");
    registry.wait(15 * MINUTE);
    let token = hidden_field(&page.body, "csrf_token");
    let fields = [("email", "new@example.org"), ("csrf_token", &*token)];
    let asked = browser.post("/account/email", &fields).await;
    asked.assert_refused(Kind::Browser, 403, ENTER, FIELD);
    assert_eq!(fields_in(&asked, "code"), 1);
    assert_eq!(
        fields_in(&asked, "current_password"),
        passwords,
        "no further password is asked for"
    );
    assert!(asked.body.contains("<h1>Account settings</h1>"));
    assert!(
        asked.body.contains("value=\"new@example.org\""),
        "it is kept"
    );
    let token = hidden_field(&asked.body, "csrf_token");
    let wrong = factor.app.wrong_code(&registry);
    let fields = [
        ("email", "new@example.org"),
        ("code", &*wrong),
        ("csrf_token", &*token),
    ];
    let refused = browser.post("/account/email", &fields).await;
    refused.assert_refused(Kind::Browser, 403, NOT_VALID, FIELD);
    assert!(refused.body.contains("value=\"new@example.org\"") && !refused.body.contains(&wrong));
    let token = hidden_field(&refused.body, "csrf_token");
    let code = factor.app.code(&registry);
    let fields = [
        ("email", "new@example.org"),
        ("code", &*code),
        ("csrf_token", &*token),
    ];
    browser
        .post("/account/email", &fields)
        .await
        .assert_leads_to(PAGE);
    assert_eq!(fields_in(&browser.get(PAGE).await, "code"), 0);
    registry.wait(15 * MINUTE);
    assert_eq!(
        fields_in(&browser.get("/account").await, "code"),
        1,
        "asked at once"
    );
}

async fn a_button_asks_for_the_code_in_its_place(registry: Registry) {
    for (path, notice) in [
        (
            "/account/recovery-codes",
            "/account/security?notice=codes-made",
        ),
        (TOTP, TOTP),
        ("/account/totp/end", "/account/security?notice=app-removed"),
    ] {
        let email = format!("{}@example.org", uuid::Uuid::new_v4().simple());
        let (browser, factor) = with_app(&registry, Kind::Browser, &email).await;
        registry.wait(15 * MINUTE);
        let page = browser.get(SECURITY).await;
        // The form to add a passkey, which a script shows, asks at once.
        assert_eq!(page.body.matches("name=\"code\"").count(), 1);
        let token = hidden_field(&page.body, "csrf_token");
        let asked = browser.post(path, &[("csrf_token", &token)]).await;
        asked.assert_refused(Kind::Browser, 403, ENTER, FIELD);
        assert_eq!(
            asked.body.matches("name=\"code\"").count(),
            2,
            "{}",
            asked.body
        );
        let token = hidden_field(&asked.body, "csrf_token");
        let code = factor.app.code(&registry);
        let done = browser
            .post(path, &[("code", &code), ("csrf_token", &token)])
            .await;
        done.assert_leads_to(notice);
    }
}

async fn a_password_does_not_do(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let (client, factor) = with_app(&registry, kind, &email).await;
        registry.wait(15 * MINUTE);
        let fields = [("email", "new@example.org"), ("current_password", PASSWORD)];
        let refused = client.post("/account/email", &fields).await;
        refused.assert_refused(kind, 403, ENTER, FIELD);
        for path in [TOTP, "/account/totp/end", "/account/recovery-codes"] {
            let refused = client.post(path, &[("current_password", PASSWORD)]).await;
            refused.assert_refused(kind, 403, ENTER, FIELD);
        }
        let security = client.facts(SECURITY).await;
        assert_eq!(security["recovery_codes"]["left"], json!(10));
        // Nor does a code where the password is asked for each time.
        let code = factor.app.code(&registry);
        let fields = [("password", "plum tractor glow"), ("code", &*code)];
        let refused = client.post("/account/password", &fields).await;
        let enter = "Enter your current password";
        refused.assert_refused(kind, 403, enter, Some("current_password"));
    }
}

async fn a_code_of_a_login_is_refused_a_second_later(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let (client, factor) = with_app(&registry, kind, &email).await;
        registry.wait(15 * MINUTE);
        let code = factor.app.code(&registry);
        let done = log_in(&registry, &email, &code).await;
        done.assert_done(PROGRAM, "Login successful", "/");
        let new = format!("new{n}@example.org");
        ask(&client, &new, &code)
            .await
            .assert_refused(kind, 403, USED, FIELD);
        let off = factor.app.code_off(&registry, -10);
        ask(&client, &new, &off)
            .await
            .assert_refused(kind, 403, OTHER_MINUTE, FIELD);
        let next = registry.next_code(&factor.app);
        ask(&client, &new, &next)
            .await
            .assert_done(kind, DONE, PAGE);
        // And the other way round.
        let refused = log_in(&registry, &email, &next).await;
        refused.assert_refused(PROGRAM, 401, USED, FIELD);
    }
}

async fn a_wrong_code_has_the_attempts_of_its_device(registry: Registry) {
    for (n, kind) in [PROGRAM, Kind::Browser].into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let (client, factor) = with_app(&registry, kind, &email).await;
        registry.fail_logins(&email, 10).await;
        registry.wait(15 * MINUTE);
        registry.fail_logins(&email, 1).await;
        // An account that strangers have closed does not refuse its owner.
        let wrong = factor.app.wrong_code(&registry);
        for _ in 0..10 {
            let refused = ask(&client, "new@example.org", &wrong).await;
            refused.assert_refused(kind, 403, NOT_VALID, FIELD);
        }
        let code = factor.app.code(&registry);
        ask(&client, "new@example.org", &code)
            .await
            .assert_wait(kind, 60);
        let history = client.facts("/account/history").await;
        assert_eq!(history["failed_logins"], json!(21));
        assert!(client.is_logged_in().await, "the session goes on");
        registry.wait(MINUTE);
        let new = format!("new{n}@example.org");
        let code = factor.app.code(&registry);
        ask(&client, &new, &code)
            .await
            .assert_done(kind, DONE, PAGE);
    }
}

/// Or who has a session and the password could try codes without end.
async fn the_right_password_has_no_wrong_code_forgotten(registry: Registry) {
    let (client, factor) = with_app(&registry, PROGRAM, "ada@example.org").await;
    registry.wait(15 * MINUTE);
    let wrong = factor.app.wrong_code(&registry);
    let try_codes = async |times: usize| {
        for _ in 0..times {
            let refused = ask(&client, "new@example.org", &wrong).await;
            refused.assert_refused(PROGRAM, 403, NOT_VALID, FIELD);
        }
    };
    try_codes(9).await;
    let typed = [
        ("email", "another@example.org"),
        ("current_password", PASSWORD),
    ];
    let refused = client.post("/account/delete", &typed).await;
    refused.assert_refused(PROGRAM, 400, "This is not your email", Some("email"));
    // One of the device is left, and ten of the account.
    try_codes(11).await;
    let refused = ask(&client, "new@example.org", &wrong).await;
    refused.assert_wait(PROGRAM, 30);
}

async fn a_session_of_before_the_second_factor_needs_a_code(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let client = registry.signed_up(kind, &email).await;
        let other = registry.client(kind);
        other.login(&email, PASSWORD).await;
        let factor = client.add_app().await;
        let new = format!("new{n}@example.org");
        ask(&other, &new, "")
            .await
            .assert_refused(kind, 403, ENTER, FIELD);
        let code = registry.next_code(&factor.app);
        ask(&other, &new, &code).await.assert_done(kind, DONE, PAGE);
    }
}
