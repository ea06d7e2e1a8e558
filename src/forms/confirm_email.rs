//! `POST /auth/confirm-email`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{LINK_FIELD, OptionalText, UUID_FIELD},
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The button behind a confirmation link.
pub static FORM: Form = Form {
    path: <ConfirmEmail as ServerFn>::PATH,
    page: Some("/auth/confirm-email"),
    gate: Gate::LoggedIn,
    fields: &[],
    hidden: &[LINK_FIELD],
    secret: &[UUID_FIELD],
    button: Button {
        idle: "Confirm this email",
        sending: "Confirming…",
    },
    done: Done {
        message: "Email confirmed",
        page: "/account",
        notice: Some(Notice {
            word: "email-confirmed",
            sentence: "Your email is confirmed.",
        }),
    },
};

/// Confirms the address of the link, for the user it belongs to alone.
#[server(prefix = "/auth", endpoint = "confirm-email")]
pub async fn confirm_email(
    #[server(default)] uuid: OptionalText,
    #[server(default)] link: OptionalText,
) -> Result<Reply, Refusal> {
    use super::cookie::Kind;

    let context = super::context::Context::of_request();
    let token = context.link_token(Kind::Confirm, uuid.text(), link.text());
    let (accounts, caller) = (&context.accounts, &context.caller);
    accounts.confirm_email(caller, token.as_ref()).await?;
    context.remove_cookie(Kind::Confirm);
    Ok(FORM.done())
}
