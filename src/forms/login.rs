//! `POST /auth/login`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{EMAIL, PASSWORD},
    form::{Button, Done, Form, Gate},
    reply::{Refusal, Reply},
};

/// The form to log in.
pub static FORM: Form = Form {
    path: <Login as ServerFn>::PATH,
    page: Some("/auth/login"),
    gate: Gate::Anyone,
    fields: &[EMAIL, PASSWORD],
    hidden: &["next"],
    secret: &[],
    button: Button {
        idle: "Log in",
        sending: "Logging in…",
    },
    done: Done {
        message: "Login successful",
        page: "/",
        notice: None,
    },
};

/// Logs a user in.
#[server(prefix = "/auth", endpoint = "login")]
pub async fn login(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let caller = &context.caller;
    let logged_in = context.accounts.login(caller, &email, &password).await?;
    context.set_login_cookies(&logged_in);
    context.remove_reset_cookie();
    Ok(FORM.done_at(&next))
}
