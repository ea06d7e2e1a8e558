//! `POST /account/totp/confirm`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{PAGE, TOTP_PAGE};
use crate::forms::{
    field::{CODE, Field},
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The form to add the authenticator app whose secret was told.
pub static FORM: Form = Form {
    path: <ConfirmTotp as ServerFn>::PATH,
    page: Some(TOTP_PAGE),
    gate: Gate::LoggedIn,
    fields: &[Field {
        hint: Some("The 6 digits that the app shows now."),
        ..CODE
    }],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Confirm",
        sending: "Confirming…",
    },
    done: Done {
        message: "Authenticator app added",
        page: PAGE,
        notice: Some(Notice {
            word: "app-added",
            sentence: "The authenticator app was added.",
        }),
    },
};

/// Adds the authenticator app. The answer has recovery codes, which are told only now.
#[server(prefix = "/account", endpoint = "totp/confirm")]
pub async fn confirm_totp(#[server(default)] code: String) -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let codes = context
        .accounts
        .confirm_totp(&context.caller, &code)
        .await?;
    Ok(context.show_codes(&codes, FORM.done()))
}
