//! `POST /account/totp/end`

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

/// The form to remove the authenticator app.
pub static FORM: Form = Form {
    path: <EndTotp as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::Recent,
    fields: &[],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Remove",
        sending: "Removing…",
    },
    done: Done {
        message: "Authenticator app removed",
        page: PAGE,
        notice: Some(Notice {
            word: "app-removed",
            sentence: "The authenticator app was removed.",
        }),
    },
};

/// Removes the authenticator app.
#[server(prefix = "/account", endpoint = "totp/end")]
pub async fn end_totp() -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    context.accounts.end_totp(&context.caller).await?;
    Ok(FORM.done())
}
