//! `POST /account/totp`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{PAGE, TOTP_PAGE};
use crate::forms::{
    form::{Button, Done, Form, Gate},
    reply::{Refusal, Reply},
};

/// The form to begin to add an authenticator app.
pub static FORM: Form = Form {
    path: <BeginTotp as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::Recent,
    fields: &[],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Add an authenticator app",
        sending: "Going on…",
    },
    done: Done {
        message: "Confirm the authenticator app by one of its codes",
        page: TOTP_PAGE,
        notice: None,
    },
};

/// Makes a secret for an authenticator app. The answer has it for programs; a browser is shown it by another page.
#[server(prefix = "/account", endpoint = "totp")]
pub async fn begin_totp() -> Result<Reply, Refusal> {
    use crate::forms::reply::ShownOnce;

    let context = crate::forms::context::Context::of_request();
    let (secret, uri) = context.accounts.begin_totp(&context.caller).await?;
    Ok(Reply {
        secret: Some(ShownOnce(secret.base32())),
        uri: Some(ShownOnce(uri)),
        ..FORM.done()
    })
}
