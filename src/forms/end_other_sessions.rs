//! `POST /account/sessions/end-others`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The button to end all sessions but this one.
pub static FORM: Form = Form {
    path: <EndOtherSessions as ServerFn>::PATH,
    page: Some("/account/sessions"),
    gate: Gate::LoggedIn,
    fields: &[],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "End all other sessions",
        sending: "Ending…",
    },
    done: Done {
        message: "All other sessions ended",
        page: "/account/sessions",
        notice: Some(Notice {
            word: "others-ended",
            sentence: "All other sessions were ended.",
        }),
    },
};

/// Ends all sessions of the user but this one.
#[server(prefix = "/account", endpoint = "sessions/end-others")]
pub async fn end_other_sessions() -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let ended = context.accounts.end_other_sessions(&context.caller).await?;
    Ok(Reply {
        ended: Some(ended),
        ..FORM.done()
    })
}
