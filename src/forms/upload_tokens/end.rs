//! `POST /account/tokens/end`

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

/// The button to end one upload token.
pub static FORM: Form = Form {
    path: <EndUploadToken as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::LoggedIn,
    fields: &[],
    hidden: &[TOKEN_FIELD],
    secret: &[],
    button: Button {
        idle: "End",
        sending: "Ending…",
    },
    done: Done {
        message: ENDED,
        page: PAGE,
        notice: Some(Notice {
            word: "token-ended",
            sentence: "The token was ended.",
        }),
    },
};

/// What a program is told when a token was ended.
pub(super) const ENDED: &str = "Token ended";

/// Ends an upload token of the user by its handle.
#[server(prefix = "/account", endpoint = "tokens/end")]
pub async fn end_upload_token(#[server(default)] token: String) -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    accounts.end_upload_token(caller, &token).await?;
    Ok(FORM.done())
}
