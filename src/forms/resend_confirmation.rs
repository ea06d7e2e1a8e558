//! `POST /account/confirm-email`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The button to get the confirmation link again.
pub static FORM: Form = Form {
    path: <ResendConfirmation as ServerFn>::PATH,
    page: Some("/account"),
    gate: Gate::LoggedIn,
    fields: &[],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Send the confirmation link again",
        sending: "Sending…",
    },
    done: Done {
        message: "A confirmation link has been sent",
        page: "/account",
        notice: Some(Notice {
            word: "confirmation-sent",
            sentence: "A confirmation link has been sent to your email.",
        }),
    },
};

/// Has the link for the address of record sent again.
#[server(prefix = "/account", endpoint = "confirm-email")]
pub async fn resend_confirmation() -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    context
        .accounts
        .resend_confirmation(&context.caller)
        .await?;
    Ok(FORM.done())
}
