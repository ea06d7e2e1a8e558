//! What a server function finds around it.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, HeaderValue, header, request::Parts};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use super::{
    cookie::{Cookies, Kind},
    form::Form,
    next,
    reply::Reply,
};
use crate::accounts::{Accounts, Caller, LoggedIn, token::Token};

/// What the server gives every server function and page.
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
pub struct Context {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// Who asks.
    pub caller: Caller,
    cookies: Cookies,
    headers: HeaderMap,
    response: ResponseOptions,
}

impl Context {
    /// From what the server provides.
    pub fn of_request() -> Self {
        let service = expect_context::<Service>();
        let request = expect_context::<Parts>();
        Self {
            caller: service.caller(&request.headers, &request.extensions),
            accounts: service.accounts,
            cookies: service.cookies,
            headers: request.headers,
            response: expect_context(),
        }
    }

    /// The uuid of the reset link: that of the body, else that of the cookie.
    pub fn reset_token(&self, uuid: Option<&str>, link: Option<&str>) -> Option<Token> {
        self.cookies.reset_token(&self.headers, uuid, link)
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

    /// Takes the reset cookie away, if the client has one: once the reset is done or given up, nobody who
    /// comes to the browser later may find it.
    pub fn drop_reset(&self) {
        if self.cookies.token(Kind::Reset, &self.headers).is_some() {
            self.append_cookie(self.cookies.drop(Kind::Reset));
        }
    }

    fn append_cookie(&self, cookie: HeaderValue) {
        self.response.append_header(header::SET_COOKIE, cookie);
    }
}

impl Form {
    /// What its server function answers if it was done; a browser goes to the page that the form says.
    pub fn done(&self) -> Reply {
        match &self.done.notice {
            Some(notice) => self.redirect(&format!("{}?notice={}", self.done.page, notice.word)),
            None => self.redirect(self.done.page),
        }
    }

    /// The same, but a browser goes where the visitor wanted to.
    pub fn done_at(&self, next: &str) -> Reply {
        self.redirect(&next::location(next))
    }

    fn redirect(&self, location: &str) -> Reply {
        leptos_axum::redirect(location);
        Reply {
            message: self.done.message.to_owned(),
            code: 200,
        }
    }
}
