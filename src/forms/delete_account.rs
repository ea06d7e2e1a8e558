//! `POST /account/delete`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{CURRENT_PASSWORD, EMAIL, Field},
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The form to delete the account.
pub static FORM: Form = Form {
    path: <DeleteAccount as ServerFn>::PATH,
    page: Some("/account"),
    gate: Gate::Password,
    fields: &[
        Field {
            label: "Your email, to be sure",
            autocomplete: "off",
            ..EMAIL
        },
        Field {
            label: "Your current password, to be sure",
            ..CURRENT_PASSWORD
        },
    ],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Delete my account",
        sending: "Deleting…",
    },
    done: Done {
        message: "Account deleted",
        page: "/",
        notice: Some(Notice {
            word: "account-deleted",
            sentence: "Your account was deleted.",
        }),
    },
};

/// Removes the account and all that is held about its user.
#[server(prefix = "/account", endpoint = "delete")]
pub async fn delete_account(#[server(default)] email: String) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    accounts.delete_account(caller, &email).await?;
    context.remove_session_cookie();
    context.remove_link_cookies();
    Ok(FORM.done())
}
