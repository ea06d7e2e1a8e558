//! The context of a server function: the accounts, the caller, and the cookies of the answer.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, HeaderValue, header, request::Parts};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use super::{
    cookie::{Cookies, Kind},
    form::Form,
    next,
    reply::{Reply, ShownOnce},
};
use crate::accounts::{
    Accounts, Caller, LoggedIn, token::Token, upload_token_text::UploadTokenText,
};

/// What the server provides to every server function and page.
#[derive(Clone)]
pub struct Service {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// How cookies are named.
    pub cookies: Cookies,
}

impl Service {
    /// The sender of a request, from its headers, and the [`Network`](crate::accounts::network::Network) and account in
    /// its extensions.
    pub fn caller(&self, headers: &HeaderMap, extensions: &Extensions) -> Caller {
        let user_agent = headers.get(header::USER_AGENT);
        Caller {
            user_agent: user_agent
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .unwrap_or_default(),
            session: self.cookies.token(Kind::Session, headers),
            device: self.cookies.token(Kind::Device, headers),
            network: extensions.get().copied().unwrap_or_default(),
            account: extensions.get().cloned().flatten(),
        }
    }
}

/// The context of the request that is being answered.
pub struct Context {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// The sender of the request.
    pub caller: Caller,
    cookies: Cookies,
    headers: HeaderMap,
    response: ResponseOptions,
}

impl Context {
    /// From the contexts that the server provides.
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

    /// The uuid of a mailed link: that of the body, else that of the cookie.
    pub fn link_token(&self, kind: Kind, uuid: Option<&str>, link: Option<&str>) -> Option<Token> {
        self.cookies.link_token(kind, &self.headers, uuid, link)
    }

    /// Sets the cookies of a login.
    pub fn set_login_cookies(&self, logged_in: &LoggedIn) {
        self.append_cookie(self.cookies.set(Kind::Session, &logged_in.session));
        if let Some(device) = &logged_in.device {
            self.set_device_cookie(device);
        }
    }

    /// Sets the cookie that makes this a known device.
    pub fn set_device_cookie(&self, device: &Token) {
        self.append_cookie(self.cookies.set(Kind::Device, device));
    }

    /// Tells the client the text of a token, once: a program by the answer, a browser by a cookie that the next page
    /// shows and removes.
    pub fn show_once(&self, text: &UploadTokenText, reply: Reply) -> Reply {
        self.append_cookie(self.cookies.show_once(text));
        Reply {
            token: Some(ShownOnce(text.reveal().to_owned())),
            ..reply
        }
    }

    /// Removes the session cookie.
    pub fn remove_session_cookie(&self) {
        self.append_cookie(self.cookies.remove(Kind::Session));
    }

    /// Takes the reset cookie away, if the client has one: once the reset is done or given up, nobody who
    /// comes to the browser later may find it.
    pub fn remove_reset_cookie(&self) {
        self.remove_link_cookie(Kind::Reset);
    }

    /// Takes the cookies of all mailed links away, when somebody has left this browser.
    pub fn remove_link_cookies(&self) {
        for kind in [Kind::Reset, Kind::Confirm, Kind::NotMe] {
            self.remove_link_cookie(kind);
        }
    }

    /// Takes the cookie of a mailed link away, if the client has one.
    pub fn remove_link_cookie(&self, kind: Kind) {
        if self.cookies.token(kind, &self.headers).is_some() {
            self.append_cookie(self.cookies.remove(kind));
        }
    }

    fn append_cookie(&self, cookie: HeaderValue) {
        self.response.append_header(header::SET_COOKIE, cookie);
    }
}

impl Form {
    /// The answer of its server function after success. A browser is sent to the page that the form declares.
    pub fn done(&self) -> Reply {
        match &self.done.notice {
            Some(notice) => self.redirect(&format!("{}?notice={}", self.done.page, notice.word)),
            None => self.redirect(self.done.page),
        }
    }

    /// The same, but a browser is sent to `next`.
    pub fn done_at(&self, next: &str) -> Reply {
        self.redirect(&next::location(next))
    }

    fn redirect(&self, location: &str) -> Reply {
        leptos_axum::redirect(location);
        Reply {
            message: self.done.message.to_owned(),
            code: 200,
            ended: None,
            token: None,
        }
    }
}
