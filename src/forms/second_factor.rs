//! `POST /auth/second-factor`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{CODE, Field},
    form::{Button, Done, Form, Gate},
    reply::{Refusal, Reply},
};

/// The page that asks for the second factor.
pub const PAGE: &str = "/auth/second-factor";

/// The form to complete a login by a second factor.
pub static FORM: Form = Form {
    path: <SecondFactor as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::Anyone,
    fields: &[Field {
        hint: Some("6 digits of your authenticator app, or one of your recovery codes."),
        ..CODE
    }],
    hidden: &["next"],
    secret: &[],
    button: Button {
        idle: "Log in",
        sending: "Logging in…",
    },
    done: Done {
        message: "Login successful",
        page: "/",
        notice: None,
    },
};

/// Completes a login.
#[server(prefix = "/auth", endpoint = "second-factor")]
pub async fn second_factor(
    #[server(default)] code: String,
    #[server(default)] next: String,
) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    let pending = context.pending_login();
    let completed = accounts.complete_pending_login(caller, pending.as_ref(), &code);
    context.set_login_cookies(&completed.await?);
    Ok(FORM.done_at(&next))
}
