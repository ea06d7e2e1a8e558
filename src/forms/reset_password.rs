//! `POST /auth/reset-password`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{EMAIL, Field, Given, NEW_PASSWORD},
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The form to choose a new password by a mailed link.
pub static FORM: Form = Form {
    path: <ResetPassword as ServerFn>::PATH,
    page: Some("/auth/reset-password"),
    gate: Gate::Anyone,
    fields: &[
        // Whose password it is, so that a password manager saves the pair.
        Field {
            label: "Account",
            readonly: true,
            ..EMAIL
        },
        NEW_PASSWORD,
    ],
    hidden: &[LINK_FIELD],
    secret: &[UUID_FIELD],
    button: Button {
        rest: "Change password",
        work: "Changing…",
    },
    done: Done {
        message: "Password reset successful",
        page: "/auth/login",
        notice: Some(Notice {
            word: "password-changed",
            sentence: "Your password was changed. Log in with the new one.",
        }),
    },
};

/// The field with the uuid of the mailed link. A browser has it in a cookie.
pub const UUID_FIELD: &str = "uuid";

/// The field that says which link the form was drawn for, so that it changes no other account's password if the
/// browser is given another link meanwhile.
pub const LINK_FIELD: &str = "link";

/// Sets the new password.
#[server(prefix = "/auth", endpoint = "reset-password")]
pub async fn reset_password(
    #[server(default)] uuid: Given,
    #[server(default)] link: Given,
    #[server(default)] password: String,
) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let token = context.reset_token(uuid.text(), link.text());
    let (accounts, caller) = (&context.accounts, &context.caller);
    let device = accounts
        .reset_password(caller, token.as_ref(), &password)
        .await?;
    context.keep_device(&device);
    context.drop_reset();
    Ok(FORM.done())
}
