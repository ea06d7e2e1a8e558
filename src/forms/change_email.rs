//! `POST /account/email`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{EMAIL, Field},
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The form to use another e-mail address.
pub static FORM: Form = Form {
    path: <ChangeEmail as ServerFn>::PATH,
    page: Some("/account"),
    gate: Gate::Recent,
    fields: &[Field {
        label: "New email",
        autocomplete: "email",
        ..EMAIL
    }],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Change email",
        sending: "Sending…",
    },
    done: Done {
        message: "A confirmation link has been sent to the new address",
        page: "/account",
        notice: Some(Notice {
            word: "email-asked",
            sentence: "A confirmation link has been sent to the new address. Nothing changes until you open it.",
        }),
    },
};

/// Has a link sent to the new address.
#[server(prefix = "/account", endpoint = "email")]
pub async fn change_email(#[server(default)] email: String) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    accounts.change_email(caller, &email).await?;
    Ok(FORM.done())
}
