//! `POST /account/tokens/end-all`

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

/// The button to end all upload tokens.
pub static FORM: Form = Form {
    path: <EndUploadTokens as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::LoggedIn,
    fields: &[],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "End all tokens",
        sending: "Ending…",
    },
    done: Done {
        message: "All tokens ended",
        page: PAGE,
        notice: Some(Notice {
            word: "tokens-ended",
            sentence: "All tokens were ended.",
        }),
    },
};

/// Ends all upload tokens of the user.
#[server(prefix = "/account", endpoint = "tokens/end-all")]
pub async fn end_upload_tokens() -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let ended = context.accounts.end_upload_tokens(&context.caller).await?;
    Ok(Reply {
        ended: Some(ended),
        ..FORM.done()
    })
}
