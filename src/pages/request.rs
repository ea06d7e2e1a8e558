//! The request for a page.

use std::{future::Future, time::Duration};

use axum::http::{HeaderValue, Method, request::Parts};
use tokio::time::timeout;
use url::form_urlencoded;

use crate::{
    accounts::{
        Caller,
        error::Error,
        store::Visitor,
        user::{Session, User},
    },
    forms::{client::Client, context::Service, cookie::Kind, form::Form, next, reply::Refusal},
};

/// How long a page waits for the store to look up the visitor, if it can be shown without.
const VISITOR_TIMEOUT: Duration = Duration::from_millis(500);

/// A form that was refused, for the page that shows it again.
#[derive(Clone)]
pub struct Refused {
    /// The form.
    pub form: &'static Form,
    /// The fields of its body.
    pub fields: Vec<(&'static str, String)>,
    /// Why it was refused.
    pub refusal: Refusal,
}

/// What to answer instead of a page.
#[derive(Debug)]
pub enum Detour {
    /// A redirect to this location.
    Redirect(String),
    /// A refusal.
    Refused(Refusal),
}

impl From<Error> for Detour {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

/// What the account of the visitor changes in all pages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Viewer {
    /// Whether the user has shown not long ago who is there.
    pub is_recent: bool,
    /// Whether that takes a second factor.
    pub has_second_factor: bool,
    /// Whether a passkey is one.
    pub has_passkey: bool,
    /// Whether the password is known from a breach.
    pub password_breached: bool,
}

/// A request for a page, or for the page of a form that was refused.
pub struct PageRequest {
    /// The head of the request.
    pub parts: Parts,
    /// The accounts, and the names of the cookies.
    pub service: Service,
    /// The kind of client.
    pub client: Client,
    /// The form of this page that was refused. A page may replace it.
    pub refused: Option<Refused>,
    /// Cookies to set with the answer.
    pub cookies: Vec<HeaderValue>,
    /// What is known of who asks.
    pub viewer: Viewer,
}

impl PageRequest {
    /// A value of the query. Invalid escapes are read leniently, since pages compare values with known ones.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.parts.uri.query().unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        Some(value.into_owned())
    }

    /// The `next` of the query or of the refused form, already checked.
    pub fn next(&self) -> String {
        let next = match &self.refused {
            Some(refused) => refused.field("next").map(str::to_owned),
            None => self.query("next"),
        };
        next::safe(next.as_deref().unwrap_or_default()).to_owned()
    }

    /// Who is logged in. `HEAD` changes nothing, so it is no use of a session.
    pub fn visitor(&self) -> impl Future<Output = Result<Option<Visitor>, Error>> + Send + use<> {
        let (caller, is_use) = (self.caller(), self.is_use());
        let accounts = self.service.accounts.clone();
        async move { accounts.visitor(&caller, is_use).await }
    }

    /// The user who is logged in, whole, and the session; a browser without one is sent to log in, and then back to
    /// `path`.
    pub fn account<'r>(
        &'r mut self,
        path: &'static str,
    ) -> impl Future<Output = Result<(User, Session), Detour>> + Send + use<'r> {
        let (caller, is_use) = (self.caller(), self.is_use());
        let accounts = self.service.accounts.clone();
        async move {
            match accounts.account(&caller, is_use).await {
                Ok((user, session)) => {
                    self.viewer = Viewer {
                        is_recent: accounts.is_recent(&user, &session),
                        has_second_factor: user.has_second_factor(),
                        has_passkey: !user.passkeys.is_empty(),
                        password_breached: user.password_breached,
                    };
                    Ok((user, session))
                }
                Err(Error::NotLoggedIn) if self.client == Client::Page => {
                    Err(Detour::Redirect(next::link("/auth/login", path)))
                }
                Err(error) => Err(error.into()),
            }
        }
    }

    /// What a form has left in this cookie for the page that a browser loads next, which shows it once.
    pub fn take_shown(&mut self, kind: Kind) -> Option<String> {
        let headers = &self.parts.headers;
        // A browser that loads pages ahead may not show this one.
        let is_ahead = headers.contains_key("sec-purpose");
        if self.client == Client::Program || !self.is_use() || is_ahead {
            return None;
        }
        let cookies = self.service.cookies;
        let text = cookies.find(kind, &self.parts.headers)?;
        self.cookies.push(cookies.remove(kind));
        Some(text)
    }

    /// The sender of the request.
    pub fn caller(&self) -> Caller {
        let Parts {
            headers,
            extensions,
            ..
        } = &self.parts;
        self.service.caller(headers, extensions)
    }

    /// Whether this is a request of a user, not one that only looks.
    pub fn is_use(&self) -> bool {
        self.parts.method == Method::GET
    }

    /// Redirects visitors who are already logged in. Not if a form of the page was refused, and not if the store does
    /// not answer in time: then the page is shown.
    pub async fn redirect_if_logged_in(&self, next: &str) -> Result<(), Detour> {
        if self.client == Client::Program || self.refused.is_some() {
            return Ok(());
        }
        match timeout(VISITOR_TIMEOUT, self.visitor()).await {
            Ok(Ok(Some(_))) => Err(Detour::Redirect(next::location(next))),
            Ok(Ok(None) | Err(_)) | Err(_) => Ok(()),
        }
    }
}

impl Refused {
    /// The value of a field of the body.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| text.as_str())
    }

    /// The values to show in the form again: no passwords, codes and secret fields.
    pub fn given_back(&self) -> impl Iterator<Item = (String, String)> + use<'_> {
        let typed = self.form.fields.iter().filter(|field| !field.is_secret());
        let names = typed.map(|field| field.name);
        let names = names.chain(self.form.hidden.iter().copied());
        names.filter_map(|name| Some((name.to_owned(), self.field(name)?.to_owned())))
    }
}
