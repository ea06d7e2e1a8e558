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
        rest: "Log out",
        work: "Logging out…",
    },
    done: Done {
        message: "Logout successful",
        page: "/auth/login",
        notice: None,
    },
};

/// Ends the session. Without one a browser is led on all the same.
#[server(prefix = "/auth", endpoint = "logout")]
pub async fn logout() -> Result<Reply, Refusal> {
    use crate::accounts::error::Error;

    let context = super::context::Context::of_request();
    let ended = context.accounts.logout(&context.caller).await;
    if matches!(ended, Ok(()) | Err(Error::NoSession)) {
        context.drop_session();
        context.drop_reset();
    }
    let done = FORM.done();
    ended?;
    Ok(done)
}
