//! What a server function finds around it, and how a domain error becomes a refusal.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, HeaderValue, header, request::Parts};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use super::{
    Refusal,
    cookie::{Cookies, Kind},
};
use crate::accounts::{Accounts, Caller, Error, LoggedIn, token::Token};

/// What the server gives every server function.
#[derive(Clone)]
pub struct Service {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// How cookies are named.
    pub cookies: Cookies,
}

impl Service {
    /// Who sends a request, by its headers and the [`Network`](crate::accounts::network::Network) the server
    /// put among its extensions.
    pub fn caller(&self, headers: &HeaderMap, extensions: &Extensions) -> Caller {
        let user_agent = headers.get(header::USER_AGENT);
        Caller {
            user_agent: user_agent
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .unwrap_or_default(),
            session: self.cookies.token(Kind::Session, headers),
            device: self.cookies.token(Kind::Device, headers),
            network: extensions.get().copied().unwrap_or_default(),
        }
    }
}

/// The accounts, and the cookies of the request being answered.
pub struct Auth {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// Who asks.
    pub caller: Caller,
    cookies: Cookies,
    /// Whether the client has the uuid of a reset link.
    has_reset: bool,
    response: ResponseOptions,
}

impl Auth {
    /// From the context the server provides.
    pub fn of_request() -> Self {
        let service = expect_context::<Service>();
        let request = expect_context::<Parts>();
        Self {
            caller: service.caller(&request.headers, &request.extensions),
            accounts: service.accounts,
            cookies: service.cookies,
            has_reset: service
                .cookies
                .token(Kind::Reset, &request.headers)
                .is_some(),
            response: expect_context(),
        }
    }

    /// Hands the client what it has logged in with.
    pub fn keep(&self, logged_in: &LoggedIn) {
        self.append_cookie(self.cookies.keep(Kind::Session, &logged_in.session));
        if let Some(device) = &logged_in.device {
            self.keep_device(device);
        }
    }

    /// Lets the client be known by this token.
    pub fn keep_device(&self, device: &Token) {
        self.append_cookie(self.cookies.keep(Kind::Device, device));
    }

    /// Takes the session cookie away.
    pub fn drop_session(&self) {
        self.append_cookie(self.cookies.drop(Kind::Session));
    }

    /// Takes the reset cookie away, where the client has one: once the reset is done or given up, nobody who
    /// comes to the browser later may find it.
    pub fn drop_reset(&self) {
        if self.has_reset {
            self.append_cookie(self.cookies.drop(Kind::Reset));
        }
    }

    /// The refusal for a domain error, and when to come back where it says so.
    pub fn refuse(&self, error: Error) -> Refusal {
        if let Error::TooManyAttempts(wait) = &error {
            tracing::warn!(client = %self.caller.network, %wait, "too many attempts");
            let seconds = HeaderValue::from(wait.seconds());
            self.response.insert_header(header::RETRY_AFTER, seconds);
        }
        refusal(error)
    }

    fn append_cookie(&self, cookie: HeaderValue) {
        self.response.append_header(header::SET_COOKIE, cookie);
    }
}

/// The refusal for a domain error: the one place where errors of the accounts get their status and field.
/// The cause of a failure goes to the log.
pub fn refusal(error: Error) -> Refusal {
    if let Error::Unavailable(cause) = &error {
        tracing::error!(%cause, "the store did not answer");
    }
    let (code, field) = match error {
        Error::NameRequired | Error::NameTooLong | Error::NameInvalid => (400, Some("name")),
        Error::EmailRequired | Error::EmailInvalid | Error::EmailTaken => (400, Some("email")),
        Error::PasswordRequired
        | Error::PasswordTooShort
        | Error::PasswordTooLong
        | Error::PasswordTooEasy(_) => (400, Some("password")),
        Error::WrongLogin => (401, None),
        Error::UserNotFound => (404, None),
        Error::TooManyAttempts(_) => (429, None),
        Error::Busy | Error::Unavailable(_) => (503, None),
    };
    let refusal = Refusal::new(code, error.to_string());
    match field {
        Some(field) => refusal.at(field),
        None => refusal,
    }
}
