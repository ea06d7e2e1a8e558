//! `POST /auth/token/used`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::TOKEN_FIELD;
use crate::forms::{
    form::{Button, Done, Form, Gate},
    reply::{Refusal, Reply},
};

/// How the service that takes packages says that a first publication has happened.
pub static FORM: Form = Form {
    path: <UseUploadTokenUp as ServerFn>::PATH,
    page: None,
    gate: Gate::Anyone,
    fields: &[],
    hidden: &["package"],
    secret: &[TOKEN_FIELD],
    button: Button {
        idle: "Use up",
        sending: "Using up…",
    },
    done: Done {
        message: "Token used up",
        page: "/",
        notice: None,
    },
};

/// Ends the upload token for a first publication: of several requests at once one succeeds.
#[server(prefix = "/auth", endpoint = "token/used")]
pub async fn use_upload_token_up(
    #[server(default)] token: String,
    #[server(default)] package: String,
) -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    accounts
        .use_upload_token_up(caller, &token, &package)
        .await?;
    Ok(FORM.done())
}
