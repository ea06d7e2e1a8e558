//! `POST /account/sessions/end`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The button to end one session.
pub static FORM: Form = Form {
    path: <EndSession as ServerFn>::PATH,
    page: Some("/account/sessions"),
    gate: Gate::LoggedIn,
    fields: &[],
    hidden: &[SESSION_FIELD],
    secret: &[],
    button: Button {
        idle: "End session",
        sending: "Ending…",
    },
    done: Done {
        message: "Session ended",
        page: "/account/sessions",
        notice: Some(Notice {
            word: "session-ended",
            sentence: "The session was ended.",
        }),
    },
};

/// The field with the handle of the session.
pub const SESSION_FIELD: &str = "session";

/// Ends a session of the user by its handle; one's own is a logout.
#[server(prefix = "/account", endpoint = "sessions/end")]
pub async fn end_session(#[server(default)] session: String) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    if accounts.end_session_named(caller, &session).await? {
        context.remove_session_cookie();
        context.remove_link_cookies();
        return Ok(FORM.done_at("/auth/login"));
    }
    Ok(FORM.done())
}
