//! `POST /account/name`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::NAME,
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The form to go by another name.
pub static FORM: Form = Form {
    path: <ChangeName as ServerFn>::PATH,
    page: Some("/account"),
    gate: Gate::LoggedIn,
    fields: &[NAME],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Change name",
        sending: "Changing…",
    },
    done: Done {
        message: "Name changed",
        page: "/account",
        notice: Some(Notice {
            word: "name-changed",
            sentence: "Your name was changed.",
        }),
    },
};

/// Gives the user another name.
#[server(prefix = "/account", endpoint = "name")]
pub async fn change_name(#[server(default)] name: String) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    accounts.change_name(caller, &name).await?;
    Ok(FORM.done())
}
