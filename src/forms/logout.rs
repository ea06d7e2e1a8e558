//! `POST /auth/logout`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    form::{Button, Done, Form, Gate},
    reply::{Refusal, Reply},
};

/// The button to log out.
pub static FORM: Form = Form {
    path: <Logout as ServerFn>::PATH,
    page: None,
    gate: Gate::Anyone,
    fields: &[],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Log out",
        sending: "Logging out…",
    },
    done: Done {
        message: "Logout successful",
        page: "/auth/login",
        notice: None,
    },
};

/// Ends the session. A browser without one is redirected all the same.
#[server(prefix = "/auth", endpoint = "logout")]
pub async fn logout() -> Result<Reply, Refusal> {
    use crate::accounts::error::Error;

    let context = super::context::Context::of_request();
    let ended = match context.accounts.logout(&context.caller).await {
        Err(error) if !matches!(error, Error::NoSession) => return Err(error.into()),
        ended => ended,
    };
    context.remove_session_cookie();
    context.remove_link_cookies();
    let done = FORM.done();
    ended?;
    Ok(done)
}
