//! `POST /auth/passkey/begin`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::PURPOSE_FIELD;
use crate::forms::{
    form::{Button, Done, Form, Gate},
    reply::{Options, Refusal},
};

/// The form by which a script asks for a passkey.
pub static FORM: Form = Form {
    path: <BeginPasskeyLogin as ServerFn>::PATH,
    page: None,
    gate: Gate::Anyone,
    fields: &[],
    hidden: &[],
    secret: &[PURPOSE_FIELD],
    button: Button {
        idle: "Ask for a passkey",
        sending: "",
    },
    done: Done {
        message: "",
        page: "/",
        notice: None,
    },
};

/// Says what a browser is to ask its authenticators for: a login, the second factor of one, or to show again who is there.
#[server(prefix = "/auth", endpoint = "passkey/begin")]
pub async fn begin_passkey_login(#[server(default)] purpose: String) -> Result<Options, Refusal> {
    use crate::accounts::{challenge::Purpose, error::Error};

    let context = crate::forms::context::Context::of_request();
    let purpose = Purpose::named(&purpose).ok_or(Error::PurposeInvalid)?;
    let (accounts, pending) = (&context.accounts, context.pending_login());
    let asked = accounts.ask_for_passkey(&context.caller, purpose, pending.as_ref());
    Ok(context.ask(asked.await?))
}
