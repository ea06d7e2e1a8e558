//! How a code of a second factor is refused, by each form that takes one.

use fpm_registry::{
    accounts::{
        email::Email,
        store::{Key, Replaced},
    },
    forms::form::{Form, Gate},
};

use crate::{
    MINUTE, PROGRAM, SECOND_FACTOR,
    common::{
        Answer, Client, Kept, PASSWORD, Registry, Setup,
        authenticator_app::{AuthenticatorApp, CONFIRM_TOTP, TOTP},
    },
    forms::fields_of,
    refusals::address,
};

pub const ENTER: &str = "Enter the code of your second factor";
pub const NOT_VALID: &str = "This code is not valid";
pub const USED: &str = "This code has been used already: wait for the next one";
pub const OTHER_MINUTE: &str = "Your code is from another minute: check the clock of your phone";
pub const CLOSED: &str = "Too many wrong codes: use a recovery code or a passkey";
pub const UNREADABLE: &str =
    "Your authenticator app cannot be checked: use a recovery code or a passkey";

/// A key that is not that of the other processes of a test.
pub const OTHER_KEY: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

/// An answer that refuses a form for its code, with this sentence.
pub async fn refused_code(registry: &Registry, form: &Form, sentence: &str) -> Answer {
    if sentence == CLOSED {
        let unlimited = Setup {
            rate_limits: false,
            ..Setup::default()
        };
        let registry = Registry::start_as(Kept::Embedded, unlimited).await;
        return refuse(&registry, &registry, form, sentence).await;
    }
    if sentence != UNREADABLE {
        return refuse(registry, registry, form, sentence).await;
    }
    let registry = Registry::start(Kept::Mongo).await;
    let with_other_key = Setup {
        secret_key: Some(OTHER_KEY),
        ..Setup::default()
    };
    let other = registry.twin_as(with_other_key).await;
    refuse(&registry, &other, form, sentence).await
}

/// The user signs up at one process, and the other one is asked.
async fn refuse(registry: &Registry, asked: &Registry, form: &Form, sentence: &str) -> Answer {
    let email = address();
    let owner = registry.signed_up(PROGRAM, &email).await;
    let app = match form.path {
        CONFIRM_TOTP => begin(&owner).await,
        _ => owner.add_app().await.app,
    };
    if sentence == CLOSED {
        match form.gate {
            Gate::Recent => close_app(asked, &owner, &app).await,
            _ => close_app_to_strangers(registry, &email).await,
        }
    }
    if form.gate == Gate::Recent {
        asked.wait(16 * MINUTE);
    }
    let code = match sentence {
        ENTER => String::new(),
        CLOSED => asked.next_code(&app),
        NOT_VALID => app.wrong_code(asked),
        USED => used_code(asked, &email, &app).await,
        OTHER_MINUTE => app.code_off(asked, -10),
        UNREADABLE => asked.next_code(&app),
        _ => panic!("how is a code refused with {sentence}?"),
    };
    let client = match form.path {
        SECOND_FACTOR => waiting(asked, &email).await.as_program(),
        _ => asked.program(),
    };
    client.set_cookie("uuid", &owner.cookie("uuid").unwrap());
    let fields = fields_of(form).into_iter().map(|(name, text)| match name {
        "email" => (name, email.as_str()),
        "code" => (name, code.as_str()),
        _ => (name, text),
    });
    client.post(form.path, &fields.collect::<Vec<_>>()).await
}

/// Types wrong codes until no code of the app is accepted any more.
async fn close_app(registry: &Registry, owner: &Client<'_>, app: &AuthenticatorApp) {
    registry.wait(16 * MINUTE);
    let wrong = app.wrong_code(registry);
    for _ in 0..100 {
        let typed = [("code", &*wrong)];
        let refused = owner.post("/account/recovery-codes", &typed).await;
        refused.assert_refused(PROGRAM, 403, NOT_VALID, Some("code"));
    }
}

/// The account itself is closed after as many failed logins, until its owner has another password: the count is kept.
async fn close_app_to_strangers(registry: &Registry, email: &str) {
    let email = Email::parse(email).unwrap();
    let user = registry.store.find(Key::Email(&email)).await;
    let before = user.unwrap().unwrap();
    let mut after = before.clone();
    after.totp.as_mut().unwrap().wrong = 100;
    let replaced = registry.store.replace(&before, &after).await;
    assert!(matches!(replaced, Ok(Replaced::Done)));
}

/// Begins to add an app.
async fn begin(owner: &Client<'_>) -> AuthenticatorApp {
    let begun = owner.post(TOTP, &[]).await;
    AuthenticatorApp::with_secret(begun.json()["secret"].as_str().unwrap())
}

/// A browser that has sent the right password.
pub async fn waiting<'r>(registry: &'r Registry, email: &str) -> Client<'r> {
    let browser = registry.browser();
    let asked = browser.login(email, PASSWORD).await;
    asked.assert_leads_to(SECOND_FACTOR);
    browser
}

/// A code by which somebody has just logged in.
async fn used_code(registry: &Registry, email: &str, app: &AuthenticatorApp) -> String {
    let code = registry.next_code(app);
    let fields = [("email", email), ("password", PASSWORD), ("code", &*code)];
    let done = registry.program().post("/auth/login", &fields).await;
    done.assert_done(PROGRAM, "Login successful", "/");
    code
}

/// An answer that refuses a code of an account at which too many logins failed.
pub async fn limited_code(registry: &Registry) -> Answer {
    let email = address();
    registry.signed_up(PROGRAM, &email).await.add_app().await;
    let client = waiting(registry, &email).await.as_program();
    registry.fail_logins(&email, 10).await;
    client.post(SECOND_FACTOR, &[("code", "000000")]).await
}

/// An answer that refuses an authenticator app where none can be added.
pub async fn not_offered() -> Answer {
    let without_key = Setup {
        secret_key: None,
        ..Setup::default()
    };
    let registry = Registry::start_as(Kept::Embedded, without_key).await;
    let client = registry.signed_up(PROGRAM, &address()).await;
    client.post(TOTP, &[]).await
}
