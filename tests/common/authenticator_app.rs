//! The phone of a user, whose authenticator app does what RFC 6238 says, and how tests add one.
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::time::Duration;

use base32::Alphabet::Rfc4648;
use totp_rs::{Builder, Totp};

use super::{Client, Registry};

/// How long an app shows a code.
pub const STEP: Duration = Duration::from_secs(30);
/// The form that begins to add one, and the form that confirms it.
pub const TOTP: &str = "/account/totp";
pub const CONFIRM_TOTP: &str = "/account/totp/confirm";

/// An authenticator app that shares a secret with a registry.
pub struct AuthenticatorApp(Totp);

/// An app, and the codes that a user was told beside it.
pub struct SecondFactor {
    pub app: AuthenticatorApp,
    pub recovery_codes: Vec<String>,
}

impl AuthenticatorApp {
    /// The app into which this secret was typed.
    pub fn with_secret(base32: &str) -> Self {
        let chars: String = base32.split_whitespace().collect();
        let secret = base32::decode(Rfc4648 { padding: false }, &chars);
        let builder = Builder::new().with_secret(secret.expect("a secret in base32"));
        Self(builder.build().expect("a secret as RFC 4226 asks for"))
    }

    /// What it shows now.
    pub fn code(&self, registry: &Registry) -> String {
        self.code_off(registry, 0)
    }

    /// What it shows if its clock is off by so many steps.
    pub fn code_off(&self, registry: &Registry, steps: i64) -> String {
        let seconds = registry.clock.now().millis() / 1000 + 30 * steps;
        self.0.generate(seconds.try_into().unwrap()).to_string()
    }

    /// A number that it does not show for hours.
    pub fn wrong_code(&self, registry: &Registry) -> String {
        let shown: Vec<String> = (-500..500)
            .map(|steps| self.code_off(registry, steps))
            .collect();
        let mut numbers = (0..).map(|number| format!("{number:06}"));
        numbers.find(|number| !shown.contains(number)).unwrap()
    }
}

impl Registry {
    /// What an app shows half a minute later: a code that nobody has used.
    pub fn next_code(&self, app: &AuthenticatorApp) -> String {
        self.wait(STEP);
        app.code(self)
    }
}

impl Client<'_> {
    /// Adds an authenticator app to the account that this client is logged in to.
    pub async fn add_app(&self) -> SecondFactor {
        let program = self.as_program();
        let begun = program.post(TOTP, &[]).await;
        assert_eq!(begun.status, 200, "{}", begun.body);
        let app = AuthenticatorApp::with_secret(begun.json()["secret"].as_str().unwrap());
        let code = app.code(self.registry);
        let added = program.post(CONFIRM_TOTP, &[("code", &code)]).await;
        assert_eq!(added.status, 200, "{}", added.body);
        let recovery_codes = serde_json::from_value(added.json()["recovery_codes"].clone());
        SecondFactor {
            app,
            recovery_codes: recovery_codes.unwrap(),
        }
    }
}
