//! The contract: every route, for every kind of client, on both stores.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[macro_use]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/code_of_app.rs"]
mod code_of_app;
#[path = "../common/forms.rs"]
mod forms;

mod account_confirm;
mod account_delete;
mod account_devices;
mod account_email;
mod account_export;
mod account_history;
mod account_mails;
mod account_password;
mod account_profile;
mod account_recent;
mod account_rules;
mod account_sessions;
mod codes_at_once;
mod documents;
mod end_of_second_factors;
mod errors;
mod forgot_password;
mod former_second_factors;
mod headers;
mod health;
mod login;
mod logout;
mod not_me;
mod notices;
mod openapi;
mod packages;
mod pages;
mod passkey_attacks;
mod passkey_limits;
mod passkey_login;
mod passkeys;
mod recent_code;
mod refusals;
mod refused_codes;
mod refused_passkeys;
mod reset_links;
mod reset_password;
mod restored_second_factors;
mod second_factors;
mod second_factors_stay;
mod second_step;
mod second_step_unfinished;
mod sessions;
mod signup;
mod token_check;
mod upload_tokens;
mod who;

use std::time::Duration;

use common::{
    Client, Encoding, Kind, PASSWORD, Registry,
    authenticator_app::TOTP,
    mails::{CONFIRM, NOT_ME},
};
use who::{FORWARD, WHOAMI};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const ADA: &str = "ada@example.org";
const SECOND_FACTOR: &str = "/auth/second-factor";
const PROGRAM: Kind = Kind::Program(Encoding::Form);

/// What opens the pages that are not for everybody: a session, and the links of mails.
struct Keys {
    session: String,
    confirm: String,
    not_me: String,
    pending: String,
}

impl Keys {
    async fn of(registry: &Registry) -> Self {
        let owner = registry.confirmed(PROGRAM, "owner@keys.example").await;
        let new_device = registry.program();
        new_device.login("owner@keys.example", PASSWORD).await;
        owner.post(TOTP, &[]).await;
        registry.add_user("new@keys.example").await;
        let with_app = registry.signed_up(PROGRAM, "app@keys.example").await;
        with_app.add_app().await;
        let waits = registry.browser();
        waits.login("app@keys.example", PASSWORD).await;
        Self {
            session: owner.cookie("uuid").unwrap(),
            confirm: registry.mailed_link("new@keys.example", CONFIRM).await,
            not_me: registry.mailed_link("owner@keys.example", NOT_ME).await,
            pending: waits.cookie("pending").unwrap(),
        }
    }

    fn are_needed(path: &str) -> bool {
        path.starts_with("/account")
            || [CONFIRM, NOT_ME, SECOND_FACTOR, WHOAMI, FORWARD].contains(&path)
    }

    /// A client without cookies but the one that the page of this path asks for.
    fn visitor<'a>(&self, registry: &'a Registry, kind: Kind, path: &str) -> Client<'a> {
        let client = registry.client(kind);
        match path {
            CONFIRM => client.set_cookie("confirm", &self.confirm),
            NOT_ME => client.set_cookie("not-me", &self.not_me),
            SECOND_FACTOR => client.set_cookie("pending", &self.pending),
            _ if Self::are_needed(path) => client.set_cookie("uuid", &self.session),
            _ => {}
        }
        client
    }
}

/// The value of a hidden field of a page's form.
fn hidden_field(page: &str, name: &str) -> String {
    let marker = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&marker).expect("the field");
    rest.split('"').next().unwrap().to_owned()
}

/// Whether this is the second of this moment, as programs are told, or one just before.
fn is_now(registry: &Registry, moment: &serde_json::Value) -> bool {
    let now = registry.clock.now();
    let seconds = (0..20).map(Duration::from_secs);
    seconds
        .map(|ago| now.minus(ago).rfc3339())
        .any(|second| *moment == second)
}

/// What the form of a page has to bring back; nothing where there is none.
fn form_token(page: &str) -> String {
    let field = page.split("name=\"csrf_token\" value=\"").nth(1);
    let value = field.and_then(|rest| rest.split('"').next());
    value.unwrap_or_default().to_owned()
}
