//! A login with a second factor: `POST /auth/login` of a program, `/auth/second-factor` of a browser.

use serde_json::json;

use crate::{
    ADA, MINUTE, PROGRAM, SECOND_FACTOR,
    common::{
        Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry, WRONG_PASSWORD as WRONG,
        authenticator_app::SecondFactor,
        mails::{NEW_DEVICE, RESET},
    },
    hidden_field,
    refused_codes::{ENTER, NOT_VALID, OTHER_MINUTE, USED, waiting},
};

contract! {
    a_page_asks_for_the_code_and_goes_on
    a_program_sends_the_code_along
    a_client_with_scripts_is_asked_by_the_page
    a_recovery_code_works_once
    codes_that_are_refused
    a_known_device_does_not_skip_it
    wrong_codes_are_failed_logins
    five_wrong_codes_end_a_waiting_login
    a_waiting_login_opens_nothing_else
    a_waiting_login_is_of_its_browser
    a_waiting_login_lives_ten_minutes
    another_password_ends_a_waiting_login
    who_leaves_a_browser_leaves_no_waiting_login
    only_the_right_password_tells_of_a_second_factor
    a_disabled_user_is_kept_out
}

const LOGIN: &str = "/auth/login";
const DONE: &str = "Login successful";
const NO_PAIR: &str = "Invalid email or password";
const NO_COOKIE: &str = "pending=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
const TO_LOGIN: &str = "/auth/login";

/// Logs in by a program that nobody knows, with a code if there is one.
pub async fn log_in(registry: &Registry, email: &str, code: &str) -> Answer {
    send_both(&registry.program(), email, code).await
}

/// The same by this client.
pub async fn send_both(client: &Client<'_>, email: &str, code: &str) -> Answer {
    let fields = [("email", email), ("password", PASSWORD), ("code", code)];
    client.post(LOGIN, &fields).await
}

async fn send_code(client: &Client<'_>, code: &str) -> Answer {
    client.post(SECOND_FACTOR, &[("code", code)]).await
}

async fn with_app<'r>(registry: &'r Registry, email: &str) -> (Client<'r>, SecondFactor) {
    let owner = registry.confirmed(PROGRAM, email).await;
    let factor = owner.add_app().await;
    (owner, factor)
}

fn is_set(answer: &Answer, name: &str) -> bool {
    let cookies = answer.set_cookies();
    cookies.iter().any(|cookie| cookie.starts_with(name))
}

async fn a_page_asks_for_the_code_and_goes_on(registry: Registry) {
    let (_, factor) = with_app(&registry, ADA).await;
    let browser = registry.browser();
    let page = browser.get("/auth/login?next=/packages").await;
    let fields = |page: &Answer| ["next", "csrf_token"].map(|name| hidden_field(&page.body, name));
    let [next, token] = fields(&page);
    let typed = [
        ("email", ADA),
        ("password", PASSWORD),
        ("next", &*next),
        ("csrf_token", &*token),
    ];
    let asked = browser.post(LOGIN, &typed).await;
    asked.assert_leads_to("/auth/second-factor?next=/packages");
    let [cookie] = &asked.set_cookies()[..] else {
        panic!("one cookie: {:?}", asked.set_cookies());
    };
    let pending = browser.cookie("pending").unwrap();
    let whole = format!("pending={pending}; HttpOnly; SameSite=Lax; Path=/; Max-Age=600");
    assert_eq!(*cookie, whole);
    assert!(!browser.is_logged_in().await);

    for _ in 0..2 {
        let page = browser.get(asked.header("location")).await;
        assert_eq!(
            (page.status.as_u16(), page.header("cache-control")),
            (200, "no-store")
        );
        assert!(page.body.contains("<h1>Second step</h1>"));
        assert!(page.body.contains("autocomplete=\"one-time-code\""));
        assert!(!page.body.contains(&pending));
    }
    let page = browser.get(asked.header("location")).await;
    let [next, token] = fields(&page);
    let code = registry.next_code(&factor.app);
    let wrong = factor.app.wrong_code(&registry);
    let typed = [("code", &*wrong), ("next", &*next), ("csrf_token", &*token)];
    let refused = browser.post(SECOND_FACTOR, &typed).await;
    refused.assert_refused(Kind::Browser, 401, NOT_VALID, Some("code"));
    assert!(!refused.body.contains(&wrong));
    let [next, token] = fields(&refused);
    let typed = [("code", &*code), ("next", &*next), ("csrf_token", &*token)];
    let done = browser.post(SECOND_FACTOR, &typed).await;
    done.assert_leads_to("/packages");
    assert!(
        is_set(&done, "uuid=") && is_set(&done, "device="),
        "{:?}",
        done.set_cookies()
    );
    assert!(done.set_cookies().contains(&NO_COOKIE.to_owned()));
    assert!(browser.is_logged_in().await);
    registry.mail(ADA, NEW_DEVICE).await;

    // It opens nothing again.
    browser.set_cookie("pending", &pending);
    let again = send_code(&browser, &registry.next_code(&factor.app)).await;
    assert!(!is_set(&again, "uuid="), "{:?}", again.set_cookies());
}

async fn a_program_sends_the_code_along(registry: Registry) {
    let (_, factor) = with_app(&registry, ADA).await;
    for kind in EVERY_CLIENT {
        let client = registry.client(kind);
        let done = send_both(&client, ADA, &registry.next_code(&factor.app)).await;
        done.assert_done(kind, DONE, "/");
        let [session, device] = &done.set_cookies()[..] else {
            panic!("two cookies: {:?}", done.set_cookies());
        };
        assert!(session.starts_with("uuid=") && device.starts_with("device="));
        assert!(client.is_logged_in().await);
        registry.wait(MINUTE);
    }
    for kind in EVERY_CLIENT
        .into_iter()
        .filter(|kind| *kind != Kind::Browser)
    {
        for code in ["", "  "] {
            let client = registry.client(kind);
            let refused = send_both(&client, ADA, code).await;
            refused.assert_refused(kind, 401, ENTER, Some("code"));
            assert_eq!(refused.set_cookies(), [""; 0]);
        }
        let without = registry.client(kind).login(ADA, PASSWORD).await;
        without.assert_refused(kind, 401, ENTER, Some("code"));
    }
    let failed = registry.program();
    let code = registry.next_code(&factor.app);
    send_both(&failed, ADA, &code)
        .await
        .assert_done(PROGRAM, DONE, "/");
    let history = failed.facts("/account/history").await;
    assert_eq!(
        history["failed_logins"],
        json!(0),
        "to be asked is no failure"
    );
}

/// The island lacks the field, and so submits the form natively; that gets the page.
async fn a_client_with_scripts_is_asked_by_the_page(registry: Registry) {
    let (_, factor) = with_app(&registry, ADA).await;
    let island = registry.client(Kind::HydratedForm);
    let refused = island.login(ADA, PASSWORD).await;
    refused.assert_refused(Kind::HydratedForm, 401, ENTER, Some("code"));
    let page = island.copy(Kind::Browser);
    page.login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    let island = page.copy(Kind::HydratedForm);
    let wrong = factor.app.wrong_code(&registry);
    let refused = send_code(&island, &wrong).await;
    refused.assert_refused(Kind::HydratedForm, 401, NOT_VALID, Some("code"));
    let code = registry.next_code(&factor.app);
    let fields = [("code", &*code), ("next", "/packages")];
    let done = island.post(SECOND_FACTOR, &fields).await;
    done.assert_done(Kind::HydratedForm, DONE, "");
    assert_eq!(done.header("location"), "/packages");
    assert!(island.is_logged_in().await);
}

async fn a_recovery_code_works_once(registry: Registry) {
    let (owner, factor) = with_app(&registry, ADA).await;
    let mut codes = factor.recovery_codes.into_iter();
    for kind in EVERY_CLIENT {
        let code = codes.next().unwrap();
        let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
        let done = match kind {
            Kind::Browser => send_code(&waiting(&registry, ADA).await, &typed).await,
            _ => send_both(&registry.client(kind), ADA, &typed).await,
        };
        done.assert_done(kind, DONE, "/");
        let again = log_in(&registry, ADA, &code).await;
        again.assert_refused(PROGRAM, 401, NOT_VALID, Some("code"));
        registry.wait(16 * MINUTE);
    }
    registry
        .mail(ADA, "Recovery code of your fpm-registry account used")
        .await;
    let security = owner.facts("/account/security").await;
    assert_eq!(security["recovery_codes"]["left"], json!(5));
}

async fn codes_that_are_refused(registry: Registry) {
    for (n, kind) in [PROGRAM, Kind::Browser].into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let (_, SecondFactor { app, .. }) = with_app(&registry, &email).await;
        // The one that confirmed the app has been used by that.
        let first = app.code(&registry);
        let used = registry.next_code(&app);
        log_in(&registry, &email, &used)
            .await
            .assert_done(PROGRAM, DONE, "/");
        for (code, sentence) in [
            (first, USED),
            (used.clone(), USED),
            (app.wrong_code(&registry), NOT_VALID),
            ("12345".to_owned(), NOT_VALID),
            ("0123-4567-89AB-CDEF".to_owned(), NOT_VALID),
            ("{\"$ne\":1}".to_owned(), NOT_VALID),
            (app.code_off(&registry, -10), OTHER_MINUTE),
            (app.code_off(&registry, 10), OTHER_MINUTE),
        ] {
            let client = match kind {
                Kind::Browser => waiting(&registry, &email).await,
                _ => registry.program(),
            };
            let refused = match kind {
                Kind::Browser => send_code(&client, &code).await,
                _ => send_both(&client, &email, &code).await,
            };
            refused.assert_refused(kind, 401, sentence, Some("code"));
            assert_eq!(
                refused.set_cookies().len(),
                usize::from(is_set(&refused, "form="))
            );
        }
        // A clock that is off by less than half a minute is good enough.
        registry.wait(MINUTE);
        let next = app.code_off(&registry, 1);
        log_in(&registry, &email, &next)
            .await
            .assert_done(PROGRAM, DONE, "/");
        let earlier = app.code(&registry);
        let refused = log_in(&registry, &email, &earlier).await;
        refused.assert_refused(PROGRAM, 401, USED, Some("code"));
    }
}

async fn a_known_device_does_not_skip_it(registry: Registry) {
    let (owner, factor) = with_app(&registry, ADA).await;
    assert!(owner.cookie("device").is_some());
    let refused = owner.login(ADA, PASSWORD).await;
    refused.assert_refused(PROGRAM, 401, ENTER, Some("code"));
    let browser = owner.copy(Kind::Browser);
    browser
        .login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    let done = send_code(&browser, &registry.next_code(&factor.app)).await;
    done.assert_leads_to("/");
    assert!(
        !is_set(&done, "device="),
        "it is known: {:?}",
        done.set_cookies()
    );
    assert!(!registry.subjects_to(ADA).await.contains(&NEW_DEVICE));
}

async fn wrong_codes_are_failed_logins(registry: Registry) {
    let (owner, SecondFactor { app, .. }) = with_app(&registry, ADA).await;
    let wrong = app.wrong_code(&registry);
    let waits = waiting(&registry, ADA).await;
    for _ in 0..4 {
        send_code(&waits, &wrong)
            .await
            .assert_refused(Kind::Browser, 401, NOT_VALID, Some("code"));
    }
    for _ in 0..6 {
        log_in(&registry, ADA, &wrong)
            .await
            .assert_refused(PROGRAM, 401, NOT_VALID, Some("code"));
    }
    let code = app.code_off(&registry, 1);
    log_in(&registry, ADA, &code).await.assert_wait(PROGRAM, 30);
    send_code(&waits, &code)
        .await
        .assert_wait(Kind::Browser, 30);
    let history = owner.facts("/account/history").await;
    assert_eq!(history["failed_logins"], json!(10));
    // Its owner gets in from a device that the account knows.
    send_both(&owner, ADA, &code)
        .await
        .assert_done(PROGRAM, DONE, "/");

    // All those of one network count together.
    registry.wait(60 * MINUTE);
    let network = "192.0.2.1".parse().unwrap();
    for n in 0..10 {
        let email = format!("bob{n}@example.org");
        registry.signed_up(PROGRAM, &email).await.add_app().await;
        for _ in 0..10 {
            let refused = send_both(&registry.client_at(PROGRAM, network), &email, "x").await;
            refused.assert_refused(PROGRAM, 401, NOT_VALID, Some("code"));
        }
    }
    let refused = registry
        .client_at(PROGRAM, network)
        .login("x@example.org", WRONG)
        .await;
    refused.assert_wait(PROGRAM, 15 * 60);
}

async fn five_wrong_codes_end_a_waiting_login(registry: Registry) {
    let (_, SecondFactor { app, .. }) = with_app(&registry, ADA).await;
    let (waits, other) = (waiting(&registry, ADA).await, waiting(&registry, ADA).await);
    let wrong = app.wrong_code(&registry);
    for _ in 0..5 {
        let refused = send_code(&waits, &wrong).await;
        refused.assert_refused(Kind::Browser, 401, NOT_VALID, Some("code"));
    }
    let code = registry.next_code(&app);
    send_code(&waits, &code).await.assert_leads_to(TO_LOGIN);
    waits.get(SECOND_FACTOR).await.assert_leads_to(TO_LOGIN);
    send_code(&waits.as_program(), &code)
        .await
        .assert_refused(PROGRAM, 401, "Log in first", None);
    let fields = [("code", &*code), ("next", "/packages")];
    let ended = waits.post(SECOND_FACTOR, &fields).await;
    ended.assert_leads_to("/auth/login?next=/packages");
    send_code(&other, &code).await.assert_leads_to("/");
}

async fn a_waiting_login_opens_nothing_else(registry: Registry) {
    with_app(&registry, ADA).await;
    let waits = waiting(&registry, ADA).await;
    let pending = waits.cookie("pending").unwrap();
    waits
        .get("/account")
        .await
        .assert_leads_to("/auth/login?next=/account");
    for name in ["uuid", "device", "reset", "confirm", "not-me"] {
        let thief = registry.program();
        thief.set_cookie(name, &pending);
        assert!(!thief.is_logged_in().await);
        for path in ["/account", "/account/security", "/auth/whoami"] {
            thief
                .get(path)
                .await
                .assert_refused(PROGRAM, 401, "Log in first", None);
        }
    }
    for (path, field) in [(RESET, "uuid"), ("/auth/not-me", "uuid")] {
        let fields = [(field, &*pending), ("password", "plum tractor glow")];
        let refused = waits.as_program().post(path, &fields).await;
        refused.assert_refused(PROGRAM, 404, "User not found", None);
    }
    // Nor does anything else open the second step.
    let owner = registry.confirmed(PROGRAM, "bob@example.org").await;
    owner.set_cookie("pending", &owner.cookie("uuid").unwrap());
    let refused = send_code(&owner, "000000").await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
}

async fn a_waiting_login_is_of_its_browser(registry: Registry) {
    let (_, factor) = with_app(&registry, ADA).await;
    let browser = registry.browser();
    browser.get(LOGIN).await;
    browser
        .login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    let code = registry.next_code(&factor.app);
    let thief = registry.browser();
    thief.set_cookie("pending", &browser.cookie("pending").unwrap());
    for _ in 0..2 {
        thief.get(SECOND_FACTOR).await.assert_leads_to(TO_LOGIN);
        send_code(&thief, &code).await.assert_leads_to(TO_LOGIN);
        // Now with a form token, but its own.
        thief.get(LOGIN).await;
    }
    assert!(!thief.is_logged_in().await);
    send_code(&browser, &code).await.assert_leads_to("/");
}

async fn a_waiting_login_lives_ten_minutes(registry: Registry) {
    let (_, factor) = with_app(&registry, ADA).await;
    let [late, in_time] = [waiting(&registry, ADA).await, waiting(&registry, ADA).await];
    registry.wait(9 * MINUTE);
    let code = registry.next_code(&factor.app);
    send_code(&in_time, &code).await.assert_leads_to("/");
    registry.wait(MINUTE);
    late.get(SECOND_FACTOR).await.assert_leads_to(TO_LOGIN);
    let code = registry.next_code(&factor.app);
    send_code(&late, &code).await.assert_leads_to(TO_LOGIN);
    assert!(!late.is_logged_in().await);
}

async fn another_password_ends_a_waiting_login(registry: Registry) {
    let (owner, SecondFactor { app, .. }) = with_app(&registry, ADA).await;
    let waits = waiting(&registry, ADA).await;
    let fields = [
        ("current_password", PASSWORD),
        ("password", "plum tractor glow"),
    ];
    let changed = owner.post("/account/password", &fields).await;
    changed.assert_done(PROGRAM, "Password changed", "");
    assert_ended(&waits, &registry.next_code(&app)).await;

    let (_, SecondFactor { app, .. }) = with_app(&registry, "bob@example.org").await;
    let waits = waiting(&registry, "bob@example.org").await;
    let uuid = registry.reset_uuid("bob@example.org").await;
    // The same password again ends it too.
    let fields = [("uuid", &*uuid), ("password", PASSWORD)];
    let reset = registry.program().post(RESET, &fields).await;
    reset.assert_done(PROGRAM, "Password reset successful", "");
    assert_ended(&waits, &registry.next_code(&app)).await;
    // The factor stays.
    let done = log_in(&registry, "bob@example.org", &app.code(&registry)).await;
    done.assert_done(PROGRAM, DONE, "/");
}

async fn assert_ended(waits: &Client<'_>, code: &str) {
    waits.get(SECOND_FACTOR).await.assert_leads_to(TO_LOGIN);
    send_code(waits, code).await.assert_leads_to(TO_LOGIN);
    assert!(!waits.is_logged_in().await);
}

async fn who_leaves_a_browser_leaves_no_waiting_login(registry: Registry) {
    let (owner, _) = with_app(&registry, ADA).await;
    let browser = owner.copy(Kind::Browser);
    browser
        .login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    assert!(
        browser.is_logged_in().await,
        "the session goes on until another one takes its place"
    );
    let left = browser.post("/auth/logout", &[]).await;
    left.assert_leads_to("/auth/login");
    assert!(left.set_cookies().contains(&NO_COOKIE.to_owned()));
    browser.get(SECOND_FACTOR).await.assert_leads_to(TO_LOGIN);
}

async fn only_the_right_password_tells_of_a_second_factor(registry: Registry) {
    let (_, factor) = with_app(&registry, ADA).await;
    registry.add_user("bob@example.org").await;
    for kind in EVERY_CLIENT {
        for code in ["", "000000", &factor.recovery_codes[0]] {
            let wrong = async |email| {
                let fields = [("email", email), ("password", WRONG), ("code", code)];
                let refused = registry.client(kind).post(LOGIN, &fields).await;
                refused.assert_refused(kind, 401, NO_PAIR, None);
                assert!(!is_set(&refused, "pending="));
                refused
            };
            let answers = [
                wrong(ADA).await,
                wrong("bob@example.org").await,
                wrong("nobody@example.org").await,
            ];
            if kind != Kind::Browser {
                answers[0].assert_like(&answers[1]);
                answers[0].assert_like(&answers[2]);
            }
            registry.wait(60 * MINUTE);
        }
    }
    // Who has none is not asked for one.
    let bob = send_both(&registry.program(), "bob@example.org", "000000").await;
    bob.assert_done(PROGRAM, DONE, "/");
    let good = log_in(&registry, ADA, &factor.recovery_codes[0]).await;
    good.assert_done(PROGRAM, DONE, "/");
}

async fn a_disabled_user_is_kept_out(registry: Registry) {
    let (_, factor) = with_app(&registry, ADA).await;
    let waits = waiting(&registry, ADA).await;
    registry
        .operate(ADA, fpm_registry::accounts::operator::request::Act::Disable)
        .await;
    let code = registry.next_code(&factor.app);
    assert_ended(&waits, &code).await;
    for code in ["", &*code] {
        let refused = log_in(&registry, ADA, code).await;
        refused.assert_refused(PROGRAM, 401, NO_PAIR, None);
    }
}
