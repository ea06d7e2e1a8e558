//! `POST /account/passkeys/begin`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::PAGE;
use crate::forms::{
    field::NAME,
    form::{Button, Done, Form, Gate},
    reply::{Options, Refusal},
};

/// The form by which the script of the page begins to add a passkey. The page shows it as that to add one.
pub static FORM: Form = Form {
    path: <BeginPasskey as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::Recent,
    fields: &[],
    // Given back by the page if it has to ask who is there.
    hidden: &[NAME.name],
    secret: &[],
    button: Button {
        idle: "Add a passkey",
        sending: "Going on…",
    },
    done: Done {
        message: "",
        page: PAGE,
        notice: None,
    },
};

/// Says what a browser is to ask its authenticators for a new passkey.
#[server(prefix = "/account", endpoint = "passkeys/begin")]
pub async fn begin_passkey() -> Result<Options, Refusal> {
    let context = crate::forms::context::Context::of_request();
    let asked = context.accounts.begin_to_add_passkey(&context.caller);
    Ok(context.ask(asked.await?))
}
