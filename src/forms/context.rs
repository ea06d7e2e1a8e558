//! The context of a server function: the accounts, the caller, and the cookies of the answer.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, HeaderValue, header, request::Parts};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use super::{
    client::Client,
    cookie::{Cookies, Kind},
    form::Form,
    next,
    reply::{Options, Reply, ShownOnce},
};
use crate::accounts::{
    Accounts, Caller, LoggedIn, SecondStep, passkey_use::Asked, recovery_code::RecoveryCodeTexts,
    token::Token, upload_token_text::UploadTokenText,
};

/// What parts recovery codes in a cookie.
pub const CODE_SEPARATOR: &str = ".";

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
            form: self
                .cookies
                .token(Kind::Form, headers)
                .map(|token| token.digest()),
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
    client: Client,
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
            client: request.extensions.get().copied().unwrap_or(Client::Program),
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

    /// What a client has for the second factor when it sends the password. A browser is asked for it by a page.
    pub fn second_step<'c>(&self, code: &'c str) -> SecondStep<'c> {
        match (code.trim(), self.client) {
            ("", Client::Page) => SecondStep::Later,
            ("", Client::Program) => SecondStep::None,
            (code, _) => SecondStep::Code(code),
        }
    }

    /// The token of the login that waits for a second factor in this browser.
    pub fn pending_login(&self) -> Option<Token> {
        self.cookies.token(Kind::Pending, &self.headers)
    }

    /// What a browser is to ask its authenticators; a cookie has the token of the challenge in it.
    pub fn ask(&self, (options, token): Asked) -> Options {
        self.append_cookie(self.cookies.set(Kind::Challenge, &token));
        Options { options }
    }

    /// The token of the challenge that is being answered, which works once.
    pub fn take_challenge(&self) -> Option<Token> {
        self.remove_cookie(Kind::Challenge);
        self.cookies.token(Kind::Challenge, &self.headers)
    }

    /// Sets the cookie of a login that waits for a second factor.
    pub fn set_pending_cookie(&self, pending: &Token) {
        self.append_cookie(self.cookies.set(Kind::Pending, pending));
    }

    /// Sets the cookies of a login, and takes away what is over with it.
    pub fn set_login_cookies(&self, logged_in: &LoggedIn) {
        self.remove_cookie(Kind::Pending);
        self.remove_cookie(Kind::Reset);
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
        let text = text.reveal();
        self.append_cookie(self.cookies.show_once(Kind::Shown, text.to_owned()));
        Reply {
            token: Some(ShownOnce(text.to_owned())),
            ..reply
        }
    }

    /// Tells the client recovery codes in the same way.
    pub fn show_codes(&self, codes: &RecoveryCodeTexts, reply: Reply) -> Reply {
        let texts: Vec<_> = codes.iter().map(|code| code.reveal()).collect();
        let cookie = self
            .cookies
            .show_once(Kind::RecoveryCodes, texts.join(CODE_SEPARATOR));
        self.append_cookie(cookie);
        Reply {
            recovery_codes: Some(texts.into_iter().map(ShownOnce).collect()),
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
        self.remove_cookie(Kind::Reset);
    }

    /// Takes the cookies of all mailed links and of a pending login away, when somebody has left this browser.
    pub fn remove_link_cookies(&self) {
        for kind in [Kind::Reset, Kind::Confirm, Kind::NotMe, Kind::Pending] {
            self.remove_cookie(kind);
        }
    }

    /// Takes a cookie away, if the client has it.
    pub fn remove_cookie(&self, kind: Kind) {
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

    /// Not done yet: a browser goes on with it at this page, and then to `next`.
    pub fn goes_on_at(&self, page: &str, next: &str) -> Reply {
        self.redirect(&next::link(page, next::safe(next)))
    }

    fn redirect(&self, location: &str) -> Reply {
        leptos_axum::redirect(location);
        Reply {
            message: self.done.message.to_owned(),
            code: 200,
            ended: None,
            token: None,
            secret: None,
            uri: None,
            recovery_codes: None,
        }
    }
}
