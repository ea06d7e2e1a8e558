//! `POST /account/password`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{CURRENT_PASSWORD, Field, NEW_PASSWORD},
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The form to choose another password by the current one.
pub static FORM: Form = Form {
    path: <ChangePassword as ServerFn>::PATH,
    page: Some("/account"),
    gate: Gate::Password,
    fields: &[
        Field {
            label: "Current password",
            ..CURRENT_PASSWORD
        },
        NEW_PASSWORD,
    ],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Change password",
        sending: "Changing…",
    },
    done: Done {
        message: "Password changed",
        page: "/account",
        notice: Some(Notice {
            word: "password-changed",
            sentence: "Your password was changed, and all other devices were logged out.",
        }),
    },
};

/// Sets another password; this session goes on under a new uuid.
#[server(prefix = "/account", endpoint = "password")]
pub async fn change_password(#[server(default)] password: String) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    let logged_in = accounts.change_password(caller, &password).await?;
    context.set_login_cookies(&logged_in);
    Ok(FORM.done())
}
