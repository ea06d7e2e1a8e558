//! `POST /account/passkeys`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::PAGE;
use crate::forms::{
    field::{Field, NAME},
    form::{Button, Done, Form, Gate, Notice},
    passkey::CREDENTIAL_FIELD,
    reply::{Refusal, Reply},
};

/// The form to add a passkey, which the script of the page fills in and sends.
pub static FORM: Form = Form {
    path: <AddPasskey as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::LoggedIn,
    fields: &[Field {
        label: "Name of the passkey",
        hint: Some("For you to recognize it by: the device or password manager that keeps it."),
        autocomplete: "off",
        ..NAME
    }],
    hidden: &[],
    secret: &[CREDENTIAL_FIELD],
    button: Button {
        idle: "Add a passkey",
        sending: "Adding…",
    },
    done: Done {
        message: "Passkey added",
        page: PAGE,
        notice: Some(Notice {
            word: "passkey-added",
            sentence: "The passkey was added.",
        }),
    },
};

/// Adds a passkey.
#[server(prefix = "/account", endpoint = "passkeys")]
pub async fn add_passkey(
    #[server(default)] name: String,
    #[server(default)] credential: String,
) -> Result<Reply, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    let challenge = context.take_challenge();
    accounts
        .add_passkey(caller, challenge.as_ref(), &credential, &name)
        .await?;
    Ok(FORM.done())
}
