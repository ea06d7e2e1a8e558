//! The two kinds of answer, and the refusals that come from no route: not found, not allowed, not readable.

use std::{any::Any, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::document;
use crate::{auth::Refusal, pages::scene::Scene};

/// Which kind of answer a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A browser, with or without scripts, that goes from page to page.
    Page,
    /// Anything else, hydrated forms included.
    Program,
}

impl Client {
    /// A page for who names `text/html` in `Accept`, and JSON for anyone else.
    pub fn of(headers: &HeaderMap) -> Self {
        let names_html = headers
            .get_all(header::ACCEPT)
            .iter()
            .any(|line| names(&String::from_utf8_lossy(line.as_bytes()), "text/html"));
        if names_html {
            Self::Page
        } else {
            Self::Program
        }
    }
}

/// Whether a list such as that of `Accept` names `what`, not with a weight of 0 (RFC 9110, 12.4.2).
pub fn names(list: &str, what: &str) -> bool {
    list.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(what));
        let is_unwanted = parts.any(|parameter| {
            parameter
                .split_once('=')
                .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                .is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0))
        });
        is_named && !is_unwanted
    })
}

/// What can be wrong with a request before any route looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The body or query is not what its type says.
    Malformed,
    /// A known field is repeated.
    Repeated,
    /// A known field is not text.
    NotText,
    /// The password stands in a URL, from a browser.
    PasswordInUrl,
    /// A page of another site sent the request.
    OtherSite,
    /// The form is not of a page this browser was last given.
    OtherForm,
    /// Nothing is here.
    NotFound,
    /// The method is not for this path.
    MethodNotAllowed,
    /// The body did not come in time.
    TooSlow,
    /// The body is over [`super::body::MAX_BYTES`].
    TooLarge,
    /// The body is of a type no route reads.
    UnsupportedType,
    /// The headers are larger than the server reads.
    HeadTooLarge,
    /// A part of the server failed.
    Internal,
    /// Any other status.
    Other(StatusCode),
}

impl Problem {
    /// The problem that an answer without words stands for.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::Malformed,
            StatusCode::FORBIDDEN => Self::OtherSite,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::HeadTooLarge,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            other => Self::Other(other),
        }
    }

    /// The refusal a client sees.
    pub fn refusal(self) -> Refusal {
        let (code, message) = match self {
            Self::Malformed => (400, "The request cannot be read"),
            Self::Repeated => (400, "A field is given more than once"),
            Self::NotText => (400, "A field is not text"),
            Self::PasswordInUrl => (400, "A password must not be sent in an address"),
            Self::OtherSite => (403, "This request came from another site"),
            Self::OtherForm => (403, "This form is out of date, send it again"),
            Self::NotFound => (404, "Page not found"),
            Self::MethodNotAllowed => (405, "This method is not allowed here"),
            Self::TooSlow => (408, "The request took too long"),
            Self::TooLarge => (413, "The request is too large"),
            Self::UnsupportedType => (415, "Send a form or a JSON object"),
            Self::HeadTooLarge => (431, "The headers of the request are too large"),
            Self::Internal => (500, "Something went wrong, try again in a moment"),
            Self::Other(status) => (
                status.as_u16(),
                status
                    .canonical_reason()
                    .unwrap_or("The request was refused"),
            ),
        };
        Refusal::new(code, message)
    }
}

/// Marks an answer whose words are final.
#[derive(Clone, Copy)]
pub struct Finished;

/// The answer to a program.
pub fn json(refusal: &Refusal) -> Response {
    let status = status(refusal);
    let mut response = (status, Json(refusal)).into_response();
    response.extensions_mut().insert(Finished);
    response
}

/// The status of a refusal.
pub fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Gives every error without words its words, as JSON or as a page; headers such as `Allow` stay.
pub async fn finish(
    State(state): State<Arc<super::State>>,
    request: Request,
    next: Next,
) -> Response {
    let client = Client::of(request.headers());
    let response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if !is_error || response.extensions().get::<Finished>().is_some() {
        return response;
    }
    let refusal = Problem::of_status(response.status()).refusal();
    let mut worded = refuse(&state, client, refusal).await;
    vary(&mut worded, "Accept");
    keep_headers(response.headers(), worded)
}

/// The answer to a refusal that belongs to no form.
pub async fn refuse(state: &super::State, client: Client, refusal: Refusal) -> Response {
    match client {
        Client::Program => json(&refusal),
        Client::Page => {
            let status = status(&refusal);
            let scene = Scene {
                problem: Some(refusal),
                ..Scene::default()
            };
            document::draw(state, "/", scene, status).await
        }
    }
}

/// Copies what an earlier answer said besides its body.
pub fn keep_headers(from: &HeaderMap, mut to: Response) -> Response {
    for name in [header::ALLOW, header::RETRY_AFTER, header::SET_COOKIE] {
        for value in from.get_all(&name) {
            to.headers_mut().append(&name, value.clone());
        }
    }
    to
}

/// The answer where a handler panicked: [`finish`] gives it its words, the log gets the cause.
pub fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let cause = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(cause, "a request panicked");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// Adds a word to `Vary`.
pub fn vary(response: &mut Response, name: &'static str) {
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(accept: &'static str) -> Client {
        Client::of(&HeaderMap::from_iter([(
            header::ACCEPT,
            HeaderValue::from_static(accept),
        )]))
    }

    #[test]
    fn only_who_names_html_gets_pages() {
        for accept in [
            "text/html",
            "TEXT/HTML;level=1",
            "application/json, text/html;q=0.1",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ] {
            assert_eq!(client(accept), Client::Page, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/*",
            "application/json",
            "text/html;q=0",
            "text/html; Q=0.000",
            "application/xhtml+xml",
            "text/htmlx",
        ] {
            assert_eq!(client(accept), Client::Program, "{accept}");
        }
        assert_eq!(Client::of(&HeaderMap::new()), Client::Program);
    }
}
