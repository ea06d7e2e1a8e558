//! The five server functions, which are the routes, and what they answer.
//!
//! Each reads its fields, calls the accounts, sets the cookie and says where a browser goes next. What kind
//! of body came and what kind of client asked is the door's business.

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod cookie;
#[cfg(feature = "ssr")]
pub mod next;

use leptos::{
    prelude::*,
    server_fn::{
        codec::JsonEncoding,
        error::{FromServerFnError, ServerFnErrorErr},
    },
};
use serde::{Deserialize, Serialize};

/// What a route answers when it did what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// One sentence for a person.
    pub message: String,
    /// The HTTP status.
    pub code: u16,
}

impl Reply {
    /// It was done.
    pub fn done(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            code: 200,
        }
    }
}

/// What a route answers when it did not; made by the server alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// One sentence for a person.
    pub message: String,
    /// The HTTP status.
    pub code: u16,
    /// The form field at fault, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Refusal {
    /// A refusal that is no single field's fault.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code,
            field: None,
        }
    }

    /// The same refusal, for which `field` is at fault.
    pub fn at(self, field: &str) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..self
        }
    }
}

impl FromServerFnError for Refusal {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::new(
                503,
                "The registry cannot be reached. Check your connection and try again",
            ),
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Self::new(400, "The request cannot be read")
            }
            _ => Self::new(500, "Something went wrong, try again in a moment"),
        }
    }
}

/// `POST /auth/login`
#[server(prefix = "/auth", endpoint = "login")]
pub async fn login(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<Reply, Refusal> {
    let auth = context::Auth::of_request();
    let logged_in = auth.accounts.login(&auth.caller, &email, &password).await;
    auth.keep(&logged_in.map_err(|error| auth.refuse(error))?);
    auth.drop_reset();
    leptos_axum::redirect(&next::location(&next));
    Ok(Reply::done("Login successful"))
}

/// `POST /auth/signup`
#[server(prefix = "/auth", endpoint = "signup")]
pub async fn signup(
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<Reply, Refusal> {
    let auth = context::Auth::of_request();
    let logged_in = auth
        .accounts
        .signup(&auth.caller, &name, &email, &password)
        .await;
    auth.keep(&logged_in.map_err(|error| auth.refuse(error))?);
    auth.drop_reset();
    leptos_axum::redirect(&next::location(&next));
    Ok(Reply::done("Signup successful"))
}

/// `POST /auth/logout`
#[server(prefix = "/auth", endpoint = "logout")]
pub async fn logout() -> Result<Reply, Refusal> {
    use crate::accounts::Error;

    let auth = context::Auth::of_request();
    let ended = auth.accounts.logout(&auth.caller).await;
    if matches!(ended, Ok(()) | Err(Error::UserNotFound)) {
        auth.drop_session();
        auth.drop_reset();
        leptos_axum::redirect("/auth/login");
    }
    ended.map_err(|error| auth.refuse(error))?;
    Ok(Reply::done("Logout successful"))
}

/// `POST /auth/forgot-password`
#[server(prefix = "/auth", endpoint = "forgot-password")]
pub async fn forgot_password(#[server(default)] email: String) -> Result<Reply, Refusal> {
    let auth = context::Auth::of_request();
    let promised = auth.accounts.forgot_password(&auth.caller, &email).await;
    promised.map_err(|error| auth.refuse(error))?;
    auth.drop_reset();
    leptos_axum::redirect("/auth/reset-password?notice=sent");
    Ok(Reply::done(
        "If this email has an account, a password reset link has been sent to it",
    ))
}

/// `POST /auth/reset-password`
///
/// If a client sends no `uuid`, the door puts the one of the reset cookie in its place, unless the form was drawn
/// for another `link`.
#[server(prefix = "/auth", endpoint = "reset-password")]
pub async fn reset_password(
    #[server(default)] uuid: Option<String>,
    #[server(default)] link: String,
    #[server(default)] password: String,
) -> Result<Reply, Refusal> {
    use crate::accounts::token::Token;

    // The door has looked at it.
    let _ = link;
    let auth = context::Auth::of_request();
    let token = uuid.as_deref().and_then(Token::parse);
    let reset = auth
        .accounts
        .reset_password(&auth.caller, token.as_ref(), &password)
        .await;
    auth.keep_device(&reset.map_err(|error| auth.refuse(error))?);
    auth.drop_reset();
    leptos_axum::redirect("/auth/login?notice=password-changed");
    Ok(Reply::done("Password reset successful"))
}
