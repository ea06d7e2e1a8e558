//! `POST /auth/not-me`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{LINK_FIELD, OptionalText, UUID_FIELD},
    forgot_password::SENT,
    form::{Button, Done, Form, Gate},
    reply::{Refusal, Reply},
};

/// The button behind the link of a security mail.
pub static FORM: Form = Form {
    path: <NotMe as ServerFn>::PATH,
    page: Some("/auth/not-me"),
    gate: Gate::Anyone,
    fields: &[],
    hidden: &[LINK_FIELD],
    secret: &[UUID_FIELD],
    button: Button {
        idle: "Take my account back",
        sending: "Taking it back…",
    },
    done: Done {
        message: "Account secured: a link to choose a new password has been sent",
        page: "/auth/reset-password",
        notice: Some(SENT),
    },
};

/// Takes the account back for the mailbox that got the link. Nobody has to be logged in.
#[server(prefix = "/auth", endpoint = "not-me")]
pub async fn not_me(
    #[server(default)] uuid: OptionalText,
    #[server(default)] link: OptionalText,
) -> Result<Reply, Refusal> {
    use super::cookie::Kind;

    let context = super::context::Context::of_request();
    let token = context.link_token(Kind::NotMe, uuid.text(), link.text());
    let (accounts, caller) = (&context.accounts, &context.caller);
    accounts.secure(caller, token.as_ref()).await?;
    context.remove_cookie(Kind::NotMe);
    Ok(FORM.done())
}
