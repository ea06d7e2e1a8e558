//! Pages that show nothing of a request: drawn once, then copied, each copy with a nonce and a form token of
//! its own. Drawing is what a page costs most.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header, response::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use leptos::nonce::Nonce;

use super::document::END;

/// What stands for the form token in a page that is drawn to be copied.
pub const PLACEHOLDER: &str = "the-form-token-of-a-copy";

/// The blank pages that were drawn since the start, by their path.
#[derive(Default)]
pub struct BlankPages(RwLock<HashMap<String, BlankPage>>);

/// A page as it was drawn, with its nonce.
struct BlankPage {
    headers: HeaderMap,
    text: String,
    nonce: String,
}

impl BlankPages {
    /// A copy of the page at `path`, where one was kept.
    pub fn copy(&self, path: &str, form_token: &str) -> Option<Response> {
        let pages = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pages.get(path)?.copy(form_token)
    }

    /// Keeps a page that was drawn with [`PLACEHOLDER`], and gives its first copy.
    pub async fn keep(&self, path: &str, page: Response, form_token: &str) -> Response {
        let (parts, body) = page.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes());
        let blank = body.ok().and_then(|body| BlankPage::new(&parts, &body));
        let Some((blank, copy)) = blank.and_then(|blank| {
            let copy = blank.copy(form_token)?;
            Some((blank, copy))
        }) else {
            tracing::error!(path, "a page was not drawn to its end");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut pages = self.0.write().unwrap_or_else(PoisonError::into_inner);
        pages.insert(path.to_owned(), blank);
        copy
    }
}

impl BlankPage {
    /// The page as it was drawn; none where it is not whole.
    fn new(parts: &Parts, page: &[u8]) -> Option<Self> {
        let page = str::from_utf8(page).ok()?;
        if parts.status != StatusCode::OK || !page.ends_with(END) {
            return None;
        }
        let policy = parts
            .headers
            .get(header::CONTENT_SECURITY_POLICY)?
            .to_str()
            .ok()?;
        let (_, rest) = policy.split_once("'nonce-")?;
        let (nonce, _) = rest.split_once('\'')?;
        let nonce = nonce.to_owned();
        let mut headers = parts.headers.clone();
        headers.remove(header::CONTENT_LENGTH);
        Some(Self {
            headers,
            text: page.to_owned(),
            nonce,
        })
    }

    fn copy(&self, form_token: &str) -> Option<Response> {
        let nonce = Nonce::new();
        let text = self.text.replace(&self.nonce, &nonce);
        let text = text.replace(PLACEHOLDER, form_token);
        let mut headers = self.headers.clone();
        let policy = headers.get_mut(header::CONTENT_SECURITY_POLICY)?;
        let fresh = policy.to_str().ok()?.replace(&self.nonce, &nonce);
        *policy = HeaderValue::from_str(&fresh).ok()?;
        let mut response = Response::new(Body::from(text));
        *response.headers_mut() = headers;
        Some(response)
    }
}
