//! `/account/security`, and how an authenticator app and recovery codes are added and removed.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    ADA, MINUTE, PROGRAM,
    common::{
        Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry, Setup,
        authenticator_app::{AuthenticatorApp, CONFIRM_TOTP, TOTP},
    },
    is_now,
    refused_codes::{ENTER, NOT_VALID, OTHER_MINUTE, waiting},
    second_step::log_in,
};

contract! {
    an_authenticator_app_is_added
    a_page_has_the_secret_to_scan_and_to_type
    a_page_shows_the_secret_where_it_was_begun
    a_secret_is_of_one_session_and_of_ten_minutes
    a_newer_secret_ends_the_older
    a_code_that_confirms_nothing_is_refused
    another_app_takes_the_place_of_the_first
    an_authenticator_app_is_removed
    new_recovery_codes_end_the_older
    codes_are_shown_once_and_to_their_user_alone
    a_change_is_an_event_and_a_mail
    the_page_says_how_the_user_logs_in
}

pub const SECURITY: &str = "/account/security";
const END_TOTP: &str = "/account/totp/end";
const RECOVERY_CODES: &str = "/account/recovery-codes";
const ADDED: &str = "/account/security?notice=app-added";
const EXPIRED: &str = "Begin again: an authenticator app has to be confirmed within 10 minutes";
const CODES_COOKIE: &str = "recovery-codes";

/// What stands in a page between these.
fn between<'p>(page: &'p str, start: &str, end: &str) -> &'p str {
    let (_, rest) = page
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {page}"));
    rest.split_once(end).unwrap().0
}

/// The codes that a page shows.
fn shown(page: &Answer) -> Vec<String> {
    let codes = between(&page.body, "<pre class=\"codes\">", "</pre>");
    codes.lines().map(str::to_owned).collect()
}

fn shows_codes(page: &Answer) -> bool {
    page.body.contains("<pre class=\"codes\">")
}

/// The codes in a JSON answer that says this and nothing else.
fn told(answer: &Answer, message: &str) -> Vec<String> {
    let codes = &answer.json()["recovery_codes"];
    let whole = json!({ "message": message, "code": 200, "recovery_codes": codes });
    assert_eq!((answer.status.as_u16(), answer.json()), (200, whole));
    serde_json::from_value(codes.clone()).unwrap()
}

fn assert_are_recovery_codes(codes: &[String]) {
    let different: HashSet<&String> = codes.iter().collect();
    assert_eq!(different.len(), 10, "{codes:?}");
    for code in codes {
        let groups: Vec<&str> = code.split('-').collect();
        let is_right = |group: &&str| {
            let is_of_crockford =
                |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && !"ILOU".contains(c));
            group.len() == 4 && group.chars().all(is_of_crockford)
        };
        assert!(groups.len() == 4 && groups.iter().all(is_right), "{code}");
    }
}

/// The secret that a client is told.
async fn begin(client: &Client<'_>, kind: Kind) -> String {
    let begun = client.post(TOTP, &[]).await;
    assert_eq!(begun.header("cache-control"), "no-store");
    assert_eq!(begun.set_cookies(), [""; 0]);
    if kind == Kind::Browser {
        begun.assert_leads_to(TOTP);
        let page = client.get(TOTP).await;
        return between(&page.body, "<code class=\"text\">", "</code>").to_owned();
    }
    begun.json()["secret"].as_str().unwrap().to_owned()
}

async fn facts(client: &Client<'_>) -> Value {
    client.facts(SECURITY).await
}

async fn an_authenticator_app_is_added(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.signed_up(kind, &email).await;
        let app = AuthenticatorApp::with_secret(&begin(&ada, kind).await);
        let before = facts(&ada).await;
        assert_eq!(
            before["authenticator_app"],
            Value::Null,
            "not before it is confirmed"
        );
        log_in(&registry, &email, "")
            .await
            .assert_done(PROGRAM, "Login successful", "/");

        let code = format!(" {} ", app.code(&registry));
        let added = ada.post(CONFIRM_TOTP, &[("code", &code)]).await;
        assert_eq!(added.header("cache-control"), "no-store");
        let codes = match kind {
            Kind::Browser => {
                added.assert_leads_to(ADDED);
                let page = ada.get(ADDED).await;
                assert!(page.body.contains("The authenticator app was added."));
                shown(&page)
            }
            _ => told(&added, "Authenticator app added"),
        };
        assert_are_recovery_codes(&codes);

        let after = facts(&ada).await;
        let whole = json!({
            "password_changed_at": before["password_changed_at"],
            "authenticator_app": { "added_at": after["authenticator_app"]["added_at"], "used_at": null },
            "passkeys": [],
            "recovery_codes": { "made_at": after["recovery_codes"]["made_at"], "left": 10 },
            "second_factors_end_at": null,
        });
        assert_eq!(after, whole);
        assert!(is_now(&registry, &after["authenticator_app"]["added_at"]));
        assert!(is_now(&registry, &after["recovery_codes"]["made_at"]));
        assert!(ada.is_logged_in().await, "this session goes on");
        for code in [registry.next_code(&app), codes[9].clone()] {
            log_in(&registry, &email, &code)
                .await
                .assert_done(PROGRAM, "Login successful", "/");
        }
        let used = facts(&ada).await;
        assert!(is_now(&registry, &used["authenticator_app"]["used_at"]));
        assert_eq!(used["recovery_codes"]["left"], json!(9));
    }
}

async fn a_page_has_the_secret_to_scan_and_to_type(registry: Registry) {
    let ada = registry.signed_up(Kind::Browser, ADA).await;
    ada.get(TOTP).await.assert_leads_to(SECURITY);
    let program = ada.as_program();
    let told = program.post(TOTP, &[]).await.json();
    let secret = told["secret"].as_str().unwrap();
    assert!(secret.len() == 32 && !secret.contains(' '), "{secret}");
    let uri = format!(
        "otpauth://totp/fpm-registry:ada%40example.org?secret={secret}&issuer=fpm-registry"
    );
    let whole = json!({
        "message": "Confirm the authenticator app by one of its codes",
        "code": 200,
        "secret": secret,
        "uri": uri,
    });
    assert_eq!(told, whole);
    let page = ada.get(TOTP).await;
    assert_eq!(
        (page.status.as_u16(), page.header("cache-control")),
        (200, "no-store")
    );
    let typed = between(&page.body, "<code class=\"text\">", "</code>");
    assert!(typed.split(' ').all(|group| group.len() == 4), "{typed}");
    assert_eq!(typed.replace(' ', ""), secret);
    let link = format!("href=\"{}\"", uri.replace('&', "&amp;"));
    assert!(page.body.contains(&link), "{}", page.body);
    assert!(page.body.contains("<svg"), "{}", page.body);
    assert_eq!(page.body.matches("name=\"code\"").count(), 1);
    // However often it is opened.
    assert_eq!(ada.get(TOTP).await.status, 200);
    let security = ada.get(SECURITY).await;
    assert!(!security.body.contains(secret));
}

/// Not to whoever has the cookie of the session alone.
async fn a_page_shows_the_secret_where_it_was_begun(registry: Registry) {
    let ada = registry.signed_up(Kind::Browser, ADA).await;
    ada.get(SECURITY).await;
    let secret = begin(&ada, Kind::Browser).await;
    let thief = registry.browser();
    thief.get("/").await;
    thief.set_cookie("uuid", &ada.cookie("uuid").unwrap());
    let bare = registry.browser();
    bare.set_cookie("uuid", &ada.cookie("uuid").unwrap());
    let wrong = AuthenticatorApp::with_secret(&secret).wrong_code(&registry);
    let wrong = [("code", &*wrong)];
    for other in [&thief, &bare] {
        other.get(TOTP).await.assert_leads_to(SECURITY);
        let refused = other.post(CONFIRM_TOTP, &wrong).await;
        refused.assert_refused(Kind::Browser, 400, NOT_VALID, None);
        for told in [&*secret, "otpauth:", "<svg"] {
            assert!(!refused.body.contains(told), "{told}: {}", refused.body);
        }
    }
    let refused = ada.post(CONFIRM_TOTP, &wrong).await;
    refused.assert_refused(Kind::Browser, 400, NOT_VALID, Some("code"));
    assert!(refused.body.contains(&secret), "{}", refused.body);
    let code = AuthenticatorApp::with_secret(&secret).code(&registry);
    let added = ada.post(CONFIRM_TOTP, &[("code", &code)]).await;
    added.assert_leads_to(ADDED);
}

async fn a_secret_is_of_one_session_and_of_ten_minutes(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.signed_up(kind, &email).await;
        let app = AuthenticatorApp::with_secret(&begin(&ada, kind).await);
        let other = registry.client(kind);
        other.login(&email, PASSWORD).await;
        let confirm = async |client: &Client<'_>| {
            let code = app.code(&registry);
            client.post(CONFIRM_TOTP, &[("code", &code)]).await
        };
        confirm(&other)
            .await
            .assert_refused(kind, 400, EXPIRED, None);
        registry.wait(10 * MINUTE);
        confirm(&ada).await.assert_refused(kind, 400, EXPIRED, None);
        assert_eq!(facts(&ada).await["authenticator_app"], Value::Null);
        ada.as_program().post(TOTP, &[]).await;
        assert_eq!(ada.get(TOTP).await.status, 200);
        registry.wait(10 * MINUTE);
        ada.copy(Kind::Browser)
            .get(TOTP)
            .await
            .assert_leads_to(SECURITY);
    }
}

async fn a_newer_secret_ends_the_older(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let older = AuthenticatorApp::with_secret(&begin(&ada, PROGRAM).await);
    let newer = AuthenticatorApp::with_secret(&begin(&ada, PROGRAM).await);
    let code = older.code(&registry);
    let refused = ada.post(CONFIRM_TOTP, &[("code", &code)]).await;
    refused.assert_refused(PROGRAM, 400, NOT_VALID, Some("code"));
    let code = newer.code(&registry);
    let added = ada.post(CONFIRM_TOTP, &[("code", &code)]).await;
    told(&added, "Authenticator app added");
    // What has added it adds nothing again.
    let code = registry.next_code(&newer);
    let refused = ada.post(CONFIRM_TOTP, &[("code", &code)]).await;
    refused.assert_refused(PROGRAM, 400, EXPIRED, None);
}

async fn a_code_that_confirms_nothing_is_refused(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let ada = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        let app = AuthenticatorApp::with_secret(&begin(&ada, kind).await);
        for (code, sentence) in [
            (String::new(), ENTER),
            ("  ".to_owned(), ENTER),
            (app.wrong_code(&registry), NOT_VALID),
            ("12345".to_owned(), NOT_VALID),
            ("0123-4567-89AB-CDEF".to_owned(), NOT_VALID),
            ("x".repeat(5000), NOT_VALID),
            (app.code_off(&registry, -10), OTHER_MINUTE),
            (app.code_off(&registry, 10), NOT_VALID),
        ] {
            let refused = ada.post(CONFIRM_TOTP, &[("code", &code)]).await;
            refused.assert_refused(kind, 400, sentence, Some("code"));
            assert!(code.trim().is_empty() || !refused.body.contains(&format!("value=\"{code}")));
        }
        assert_eq!(facts(&ada).await["authenticator_app"], Value::Null);
        // The secret is still there, and still the same.
        let code = app.code(&registry);
        let added = ada
            .as_program()
            .post(CONFIRM_TOTP, &[("code", &code)])
            .await;
        told(&added, "Authenticator app added");
    }
}

async fn another_app_takes_the_place_of_the_first(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let first = ada.add_app().await;
    // The first one works until the second one is confirmed.
    let second = AuthenticatorApp::with_secret(&begin(&ada, PROGRAM).await);
    let code = registry.next_code(&first.app);
    log_in(&registry, ADA, &code)
        .await
        .assert_done(PROGRAM, "Login successful", "/");
    let code = second.code(&registry);
    let added = ada.post(CONFIRM_TOTP, &[("code", &code)]).await;
    let codes = told(&added, "Authenticator app added");
    for dead in [
        registry.next_code(&first.app),
        first.recovery_codes[0].clone(),
    ] {
        log_in(&registry, ADA, &dead)
            .await
            .assert_refused(PROGRAM, 401, NOT_VALID, Some("code"));
    }
    for good in [second.code(&registry), codes[0].clone()] {
        log_in(&registry, ADA, &good)
            .await
            .assert_done(PROGRAM, "Login successful", "/");
    }
}

async fn an_authenticator_app_is_removed(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.signed_up(kind, &email).await;
        ada.post(END_TOTP, &[])
            .await
            .assert_refused(kind, 404, "Not found", None);
        ada.add_app().await;
        let begun = waiting(&registry, &email).await;
        let done = ada.post(END_TOTP, &[]).await;
        done.assert_done(
            kind,
            "Authenticator app removed",
            "/account/security?notice=app-removed",
        );
        let after = facts(&ada).await;
        assert_eq!(
            (&after["authenticator_app"], &after["recovery_codes"]),
            (&Value::Null, &Value::Null),
            "codes without a second factor would only lie around"
        );
        ada.post(END_TOTP, &[])
            .await
            .assert_refused(kind, 404, "Not found", None);
        log_in(&registry, &email, "")
            .await
            .assert_done(PROGRAM, "Login successful", "/");
        let refused = begun
            .post("/auth/second-factor", &[("code", "000000")])
            .await;
        assert_ne!(refused.status, 200);
        assert!(!begun.is_logged_in().await);
    }
}

async fn new_recovery_codes_end_the_older(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.signed_up(kind, &email).await;
        let sentence = "Add an authenticator app or a passkey first";
        ada.post(RECOVERY_CODES, &[])
            .await
            .assert_refused(kind, 400, sentence, None);
        let older = ada.add_app().await.recovery_codes;
        let made = ada.post(RECOVERY_CODES, &[]).await;
        assert_eq!(made.header("cache-control"), "no-store");
        let codes = match kind {
            Kind::Browser => {
                let page = "/account/security?notice=codes-made";
                made.assert_leads_to(page);
                shown(&ada.get(page).await)
            }
            _ => told(&made, "Recovery codes made"),
        };
        assert_are_recovery_codes(&codes);
        assert!(older.iter().all(|code| !codes.contains(code)));
        log_in(&registry, &email, &older[3]).await.assert_refused(
            PROGRAM,
            401,
            NOT_VALID,
            Some("code"),
        );
        log_in(&registry, &email, &codes[3])
            .await
            .assert_done(PROGRAM, "Login successful", "/");
        // To look makes none.
        for _ in 0..2 {
            ada.get(RECOVERY_CODES).await.assert_leads_to(SECURITY);
        }
        assert_eq!(facts(&ada).await["recovery_codes"]["left"], json!(9));
    }
}

async fn codes_are_shown_once_and_to_their_user_alone(registry: Registry) {
    let ada = registry.signed_up(Kind::Browser, ADA).await;
    ada.add_app().await;
    let eve = registry.signed_up(Kind::Browser, "eve@example.org").await;
    eve.add_app().await;
    let made = ada.post(RECOVERY_CODES, &[]).await;
    let [cookie] = &made.set_cookies()[..] else {
        panic!("one cookie: {:?}", made.set_cookies());
    };
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
    let text = pair.strip_prefix("recovery-codes=").unwrap().to_owned();

    // Whoever else is given the cookie sees nothing.
    eve.set_cookie(CODES_COOKIE, &text);
    assert!(!shows_codes(&eve.get(SECURITY).await));
    assert_eq!(eve.cookie(CODES_COOKIE), None);
    // One that only looks, loads ahead, or is a program, takes nothing away.
    ada.head(SECURITY).await;
    let ahead = ada.get_with(SECURITY, "sec-purpose", "prefetch").await;
    assert!(!shows_codes(&ahead));
    facts(&ada).await;
    assert_eq!(ada.cookie(CODES_COOKIE).as_ref(), Some(&text));
    let page = ada.get(SECURITY).await;
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(
        page.set_cookies(),
        ["recovery-codes=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]
    );
    let codes = shown(&page);
    assert_eq!(codes.join("."), text);
    let file = between(&page.body, "href=\"data:text/plain;charset=utf-8,", "\"");
    assert!(
        codes
            .iter()
            .all(|code| file.contains(&code.replace('-', "%2D"))),
        "{file}"
    );
    assert!(!shows_codes(&ada.get(SECURITY).await));

    // Older ones are none any more.
    ada.post(RECOVERY_CODES, &[]).await;
    ada.set_cookie(CODES_COOKIE, &text);
    assert!(!shows_codes(&ada.get(SECURITY).await));
    for made_up in ["0123-4567-89AB-CDEF", "<b>", "..", "x"] {
        ada.set_cookie(CODES_COOKIE, made_up);
        let page = ada.get(SECURITY).await;
        assert!(page.status == 200 && !shows_codes(&page));
    }
}

async fn a_change_is_an_event_and_a_mail(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let app = ada.add_app().await.app;
    let subject = "Authenticator app added to your fpm-registry account";
    registry.mail(ADA, subject).await;
    ada.post(RECOVERY_CODES, &[]).await;
    let subject = "New recovery codes for your fpm-registry account";
    registry.mail(ADA, subject).await;
    registry.wait(16 * MINUTE);
    let code = app.code(&registry);
    ada.post(END_TOTP, &[("code", &code)]).await.assert_done(
        PROGRAM,
        "Authenticator app removed",
        "",
    );
    let subject = "Authenticator app removed from your fpm-registry account";
    let mail = registry.mail(ADA, subject).await;
    assert!(
        mail.link()
            .is_some_and(|link| link.contains("/auth/not-me?uuid="))
    );

    let history = ada.facts("/account/history").await;
    let events = history["events"].as_array().unwrap().iter();
    let kinds: Vec<&str> = events
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "totp-removed",
            "recovery-codes-made",
            "totp-added",
            "email-confirmed",
            "signed-up"
        ]
    );
}

async fn the_page_says_how_the_user_logs_in(registry: Registry) {
    let ada = registry.signed_up(Kind::Browser, ADA).await;
    let page = ada.get(SECURITY).await;
    for words in [
        "<h1>Security</h1>",
        "With a second factor nobody gets into your account by your password alone.",
        "action=\"/account/totp\"",
    ] {
        assert!(page.body.contains(words), "{words} is not in {}", page.body);
    }
    for words in ["action=\"/account/totp/end\"", "Recovery codes"] {
        assert!(!page.body.contains(words), "{words} is in {}", page.body);
    }
    let codes = ada.add_app().await.recovery_codes;
    let page = ada.get(SECURITY).await;
    for words in [
        "not used yet",
        "10 codes are left.",
        "Use another one",
        "action=\"/account/totp/end\"",
        "action=\"/account/recovery-codes\"",
    ] {
        assert!(page.body.contains(words), "{words} is not in {}", page.body);
    }
    assert!(!page.body.contains("Make new ones before they run out."));
    for code in &codes[..7] {
        log_in(&registry, ADA, code)
            .await
            .assert_done(PROGRAM, "Login successful", "/");
    }
    let page = ada.get(SECURITY).await;
    assert!(page.body.contains("3 codes are left."));
    assert!(page.body.contains("Make new ones before they run out."));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_it_is_not_offered() {
    let without_key = Setup {
        secret_key: None,
        ..Setup::default()
    };
    let registry = Registry::start_as(Kept::Embedded, without_key).await;
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let ada = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        let refused = ada.post(TOTP, &[]).await;
        let sentence = "This registry does not offer authenticator apps";
        refused.assert_refused(kind, 403, sentence, None);
        let page = ada.copy(Kind::Browser).get(SECURITY).await;
        assert!(
            page.body
                .contains("This registry does not offer it at the moment.")
        );
        assert!(!page.body.contains("action=\"/account/totp\""));
    }
}
