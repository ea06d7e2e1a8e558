//! `POST /auth/forgot-password`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::EMAIL,
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The form to ask for a reset link.
pub static FORM: Form = Form {
    path: <ForgotPassword as ServerFn>::PATH,
    page: Some("/auth/reset-password"),
    gate: Gate::Anyone,
    fields: &[EMAIL],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Send reset link",
        sending: "Sending…",
    },
    done: Done {
        message: "If this email has an account, a password reset link has been sent to it",
        page: "/auth/reset-password",
        notice: Some(SENT),
    },
};

/// The notice that a link was requested.
pub const SENT: Notice = Notice {
    word: "sent",
    sentence: "If this email has an account, a password reset link has been sent to it.",
};

/// Queues a mail with a reset link. The answer is the same whether the address has an account or not.
#[server(prefix = "/auth", endpoint = "forgot-password")]
pub async fn forgot_password(#[server(default)] email: String) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let caller = &context.caller;
    context.accounts.forgot_password(caller, &email).await?;
    context.remove_reset_cookie();
    Ok(FORM.done())
}
