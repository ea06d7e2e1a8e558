//! `POST /account/tokens/rotate`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{PAGE, TOKEN_FIELD};
use crate::forms::{
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The button to put another token in the place of one.
pub static FORM: Form = Form {
    path: <RotateUploadToken as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::Recent,
    fields: &[],
    hidden: &[TOKEN_FIELD],
    secret: &[],
    button: Button {
        idle: "Replace",
        sending: "Replacing…",
    },
    done: Done {
        message: "Token replaced",
        page: PAGE,
        notice: Some(Notice {
            word: "token-replaced",
            sentence: "The token was replaced. The old one works for another 24 hours.",
        }),
    },
};

/// Makes a token like the one of this handle, which ends a day later. The answer has the text of the new one.
#[server(prefix = "/account", endpoint = "tokens/rotate")]
pub async fn rotate_upload_token(#[server(default)] token: String) -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    let text = accounts.rotate_upload_token(caller, &token).await?;
    Ok(context.show_once(&text, FORM.done()))
}
