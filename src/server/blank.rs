//! Pages that show nothing of a request: drawn once, then copied, each copy with a nonce and a form token of
//! its own. Drawing is what a page costs most.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use http_body_util::BodyExt;
use leptos::nonce::Nonce;

/// What stands for the form token in a page that is drawn to be copied.
pub const FORM_TOKEN: &str = "the-form-token-of-a-copy";

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

    /// Keeps a page that was drawn with [`FORM_TOKEN`], and gives its first copy; an answer that is no page is
    /// given back.
    pub async fn keep(&self, path: &str, page: Response, form_token: &str) -> Response {
        if page.status() != StatusCode::OK {
            return page;
        }
        let (parts, body) = page.into_parts();
        let bytes = body.collect().await.map(|body| body.to_bytes());
        let bytes = bytes.unwrap_or_default();
        let blank = BlankPage::new(&parts.headers, &bytes);
        let copy = blank.as_ref().and_then(|blank| blank.copy(form_token));
        if let Some(blank) = blank {
            let mut pages = self.0.write().unwrap_or_else(PoisonError::into_inner);
            pages.insert(path.to_owned(), blank);
        }
        copy.unwrap_or_else(|| Response::from_parts(parts, bytes.into()))
    }
}

impl BlankPage {
    fn new(headers: &HeaderMap, page: &[u8]) -> Option<Self> {
        let policy = headers
            .get(header::CONTENT_SECURITY_POLICY)?
            .to_str()
            .ok()?;
        let (_, rest) = policy.split_once("'nonce-")?;
        let (nonce, _) = rest.split_once('\'')?;
        let nonce = nonce.to_owned();
        let mut headers = headers.clone();
        headers.remove(header::CONTENT_LENGTH);
        Some(Self {
            headers,
            text: str::from_utf8(page).ok()?.to_owned(),
            nonce,
        })
    }

    fn copy(&self, form_token: &str) -> Option<Response> {
        let nonce = Nonce::new();
        let text = self.text.replace(&self.nonce, &nonce);
        let text = text.replace(FORM_TOKEN, form_token);
        let mut headers = self.headers.clone();
        let policy = headers.get_mut(header::CONTENT_SECURITY_POLICY)?;
        let fresh = policy.to_str().ok()?.replace(&self.nonce, &nonce);
        *policy = HeaderValue::from_str(&fresh).ok()?;
        let mut response = Response::new(Body::from(text));
        *response.headers_mut() = headers;
        Some(response)
    }
}
