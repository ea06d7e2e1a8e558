//! `POST /auth/passkey`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{CREDENTIAL_FIELD, PURPOSE_FIELD};
use crate::forms::{
    form::{Button, Done, Form, Gate},
    login,
    reply::{Refusal, Reply},
};

/// The form that a script fills in with the answer of a passkey.
pub static FORM: Form = Form {
    path: <LogInByPasskey as ServerFn>::PATH,
    page: Some(login::PAGE),
    gate: Gate::Anyone,
    fields: &[],
    // The purpose says which page asked for the passkey; the challenge says what it is good for.
    hidden: &["next", PURPOSE_FIELD],
    secret: &[CREDENTIAL_FIELD],
    button: Button {
        idle: "Log in with a passkey",
        sending: "Logging in…",
    },
    done: Done {
        message: "Login successful",
        page: "/",
        notice: None,
    },
};

/// Logs a user in by a passkey, completes a login by one, or notes that it was shown again.
#[server(prefix = "/auth", endpoint = "passkey")]
pub async fn log_in_by_passkey(
    #[server(default)] credential: String,
    #[server(default)] next: String,
) -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let (challenge, pending) = (context.take_challenge(), context.pending_login());
    let (accounts, caller) = (&context.accounts, &context.caller);
    let used = accounts.use_passkey(caller, challenge.as_ref(), pending.as_ref(), &credential);
    if let Some(logged_in) = used.await? {
        context.set_login_cookies(&logged_in);
    }
    Ok(FORM.done_at(&next))
}
