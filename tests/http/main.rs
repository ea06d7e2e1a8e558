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
#[path = "../common/forms.rs"]
mod forms;

mod documents;
mod errors;
mod forgot_password;
mod headers;
mod login;
mod logout;
mod notices;
mod pages;
mod reset_links;
mod reset_password;
mod sessions;
mod signup;

use std::time::Duration;

use common::{Encoding, Kind};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const ADA: &str = "ada@example.org";
const PROGRAM: Kind = Kind::Program(Encoding::Form);

/// What the form of a page has to bring back; nothing where there is none.
fn form_token(page: &str) -> String {
    let field = page.split("name=\"csrf_token\" value=\"").nth(1);
    let value = field.and_then(|rest| rest.split('"').next());
    value.unwrap_or_default().to_owned()
}
