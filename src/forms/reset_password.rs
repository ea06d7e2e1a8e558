//! `POST /auth/reset-password`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{EMAIL, Field, LINK_FIELD, NEW_PASSWORD, OptionalText, UUID_FIELD},
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The form to choose a new password by a mailed link.
pub static FORM: Form = Form {
    path: <ResetPassword as ServerFn>::PATH,
    page: Some("/auth/reset-password"),
    gate: Gate::Anyone,
    fields: &[
        // Read-only: the account's e-mail, so that a password manager saves it with the new password.
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
        idle: "Change password",
        sending: "Changing…",
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

/// Sets the new password.
#[server(prefix = "/auth", endpoint = "reset-password")]
pub async fn reset_password(
    #[server(default)] uuid: OptionalText,
    #[server(default)] link: OptionalText,
    #[server(default)] password: String,
) -> Result<Reply, Refusal> {
    use super::cookie::Kind;

    let context = super::context::Context::of_request();
    let token = context.link_token(Kind::Reset, uuid.text(), link.text());
    let (accounts, caller) = (&context.accounts, &context.caller);
    let device = accounts
        .reset_password(caller, token.as_ref(), &password)
        .await?;
    context.set_device_cookie(&device);
    context.remove_reset_cookie();
    Ok(FORM.done())
}
