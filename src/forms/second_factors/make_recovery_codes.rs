//! `POST /account/recovery-codes`

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

/// The form to get new recovery codes.
pub static FORM: Form = Form {
    path: <MakeRecoveryCodes as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::Recent,
    fields: &[],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Make new codes",
        sending: "Making…",
    },
    done: Done {
        message: "Recovery codes made",
        page: PAGE,
        notice: Some(Notice {
            word: "codes-made",
            sentence: "New recovery codes were made. Older ones work no more.",
        }),
    },
};

/// Makes new recovery codes. The answer has them, and they are told only now.
#[server(prefix = "/account", endpoint = "recovery-codes")]
pub async fn make_recovery_codes() -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let codes = context
        .accounts
        .make_recovery_codes(&context.caller)
        .await?;
    Ok(context.show_codes(&codes, FORM.done()))
}
