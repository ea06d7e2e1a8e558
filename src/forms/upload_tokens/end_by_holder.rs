//! `POST /auth/token/end`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{TOKEN_FIELD, end::ENDED};
use crate::forms::{
    form::{Button, Done, Form, Gate},
    reply::{Refusal, Reply},
};

/// How anyone ends an upload token whose text they have.
pub static FORM: Form = Form {
    path: <EndUploadTokenByHolder as ServerFn>::PATH,
    page: None,
    gate: Gate::Anyone,
    fields: &[],
    hidden: &[],
    secret: &[TOKEN_FIELD],
    button: Button {
        idle: "End token",
        sending: "Ending…",
    },
    done: Done {
        message: ENDED,
        page: "/",
        notice: None,
    },
};

/// Ends an upload token for who has its text, perhaps a finder or a scanner.
#[server(prefix = "/auth", endpoint = "token/end")]
pub async fn end_upload_token_by_holder(
    #[server(default)] token: String,
) -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    accounts.end_upload_token_by_holder(caller, &token).await?;
    Ok(FORM.done())
}
