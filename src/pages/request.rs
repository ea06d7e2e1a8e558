//! What a page is asked with.

use std::{future::Future, time::Duration};

use axum::http::{HeaderValue, Method, request::Parts};
use tokio::time::timeout;
use url::form_urlencoded;

use crate::{
    accounts::{error::Error, store::Visitor},
    forms::{context::Service, form::Form, next, reply::Refusal},
};

/// How long a page that can do without the visitor waits for the store.
const VISITOR_TIMEOUT: Duration = Duration::from_millis(500);

/// Which kind of answer a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A browser, with or without scripts, that goes from page to page.
    Page,
    /// Anything else, hydrated forms included.
    Program,
}

/// A form that was refused, for the page that it stands on.
#[derive(Clone)]
pub struct Refused {
    /// Which one.
    pub form: &'static Form,
    /// What its body held.
    pub fields: Vec<(&'static str, String)>,
    /// Why.
    pub refusal: Refusal,
}

/// Why there is no page.
#[derive(Debug)]
pub enum Detour {
    /// There is another one to go to.
    Redirect(String),
    /// It was refused.
    Refused(Refusal),
}

impl From<Error> for Detour {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

/// A request for a page, also on behalf of a form that was refused.
pub struct PageRequest {
    /// The head of the request.
    pub parts: Parts,
    /// The accounts, and the names of the cookies.
    pub service: Service,
    /// Which kind of answer is wanted.
    pub client: Client,
    /// The form of this page that was refused. A page may put another one in its place.
    pub refused: Option<Refused>,
    /// Cookies that go with the answer.
    pub cookies: Vec<HeaderValue>,
}

impl PageRequest {
    /// A value of the query, read leniently: what does not decode is no value any page knows.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.parts.uri.query().unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        Some(value.into_owned())
    }

    /// Where the visitor wants to go, by the query or by the form that was refused; already safe.
    pub fn next(&self) -> String {
        let next = match &self.refused {
            Some(refused) => refused.field("next").map(str::to_owned),
            None => self.query("next"),
        };
        next::safe(next.as_deref().unwrap_or_default()).to_owned()
    }

    /// The user who is logged in. `HEAD` changes nothing, so it is no use of a session.
    pub fn visitor(&self) -> impl Future<Output = Result<Option<Visitor>, Error>> + Send + use<> {
        let caller = self
            .service
            .caller(&self.parts.headers, &self.parts.extensions);
        let is_use = self.parts.method == Method::GET;
        let accounts = self.service.accounts.clone();
        async move { accounts.visitor(&caller, is_use).await }
    }

    /// Sends visitors on who have no use for the page, since they are logged in. It shows if the store does not
    /// say so soon, and if a form of it was refused.
    pub async fn skip_if_logged_in(&self, next: &str) -> Result<(), Detour> {
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
    /// What a field of the body held.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| text.as_str())
    }

    /// What the form gives back: neither passwords nor what a page must not show.
    pub fn given_back(&self) -> impl Iterator<Item = (String, String)> + use<'_> {
        let typed = self.form.fields.iter().filter(|field| !field.is_password());
        let names = typed.map(|field| field.name);
        let names = names.chain(self.form.hidden.iter().copied());
        names.filter_map(|name| Some((name.to_owned(), self.field(name)?.to_owned())))
    }
}
