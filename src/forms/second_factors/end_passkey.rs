//! `POST /account/passkeys/end`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::PAGE;
use crate::forms::{
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The field with the handle of the passkey.
pub const PASSKEY_FIELD: &str = "passkey";

/// The form to remove a passkey.
pub static FORM: Form = Form {
    path: <EndPasskey as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::Recent,
    fields: &[],
    hidden: &[PASSKEY_FIELD],
    secret: &[],
    button: Button {
        idle: "Remove",
        sending: "Removing…",
    },
    done: Done {
        message: "Passkey removed",
        page: PAGE,
        notice: Some(Notice {
            word: "passkey-removed",
            sentence: "The passkey was removed. Remove it from your device too.",
        }),
    },
};

/// Removes a passkey.
#[server(prefix = "/account", endpoint = "passkeys/end")]
pub async fn end_passkey(#[server(default)] passkey: String) -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    accounts.end_passkey(caller, &passkey).await?;
    Ok(FORM.done())
}
