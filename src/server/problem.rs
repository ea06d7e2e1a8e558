//! Refusals that come from no route: not found, not allowed, not readable; and how every refusal is answered.

use std::{any::Any, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::prelude::IntoAny;
use serde::Serialize;

use super::{document, drawn::Finished, negotiation::vary, state};
use crate::{
    forms::{
        form::Form,
        reply::{Reason, Refusal},
        send::REASON_HEADER,
    },
    pages::{frame::Frame, problem, request::Client},
};

/// Paths whose answers are those of the first backend, word for word: the reason is in a header alone.
const WITHOUT_REASON: [&str; 5] = [
    "/auth/login",
    "/auth/signup",
    "/auth/logout",
    "/auth/forgot-password",
    "/auth/reset-password",
];

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
        let (code, reason, message) = match self {
            Self::Malformed => (400, Reason::Malformed, "The request cannot be read"),
            Self::Repeated => (400, Reason::Repeated, "A field is given more than once"),
            Self::NotText => (400, Reason::NotText, "A field is not text"),
            Self::PasswordInUrl => {
                let message = "A password must not be sent in an address";
                (400, Reason::PasswordInUrl, message)
            }
            Self::OtherSite => {
                let message = "This request came from another site";
                (403, Reason::OtherSite, message)
            }
            Self::OtherForm => {
                let message = "This form is out of date, send it again";
                (403, Reason::OutdatedForm, message)
            }
            Self::NotFound => (404, Reason::NotFound, "Page not found"),
            Self::MethodNotAllowed => {
                let message = "This method is not allowed here";
                (405, Reason::MethodNotAllowed, message)
            }
            Self::TooSlow => (408, Reason::Timeout, "The request took too long"),
            Self::TooLarge => (413, Reason::TooLarge, "The request is too large"),
            Self::UnsupportedType => (415, Reason::UnsupportedType, "Send a form or a JSON object"),
            Self::HeadTooLarge => {
                let message = "The headers of the request are too large";
                (431, Reason::HeadersTooLarge, message)
            }
            Self::Internal => return Refusal::internal(),
            Self::Other(status) => {
                let message = status.canonical_reason();
                let message = message.unwrap_or("The request was refused");
                (status.as_u16(), Reason::Unknown, message)
            }
        };
        Refusal::new(code, reason, message)
    }
}

/// The JSON of a refusal.
#[derive(Serialize)]
struct Answer<'a> {
    message: &'a str,
    code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

/// The answer to a refusal of a request for `path` that belongs to no form.
pub fn refuse(state: &state::State, client: Client, path: &str, refusal: Refusal) -> Response {
    match client {
        Client::Program => json(path, &refusal),
        Client::Page => page(state, refusal),
    }
}

/// The answer to a program.
pub fn json(path: &str, refusal: &Refusal) -> Response {
    let has_reason = Form::at(path).is_some() && !WITHOUT_REASON.contains(&path);
    let answer = Answer {
        message: &refusal.message,
        code: refusal.code,
        field: refusal.field.as_deref(),
        reason: has_reason.then_some(refusal.reason),
    };
    let mut response = (status(refusal), Json(answer)).into_response();
    response.extensions_mut().insert(Finished);
    add_headers(refusal, response.headers_mut());
    response
}

fn page(state: &state::State, refusal: Refusal) -> Response {
    let frame = Frame::new(String::new(), None, None);
    let view = |frame: &Frame| problem::view(refusal.clone(), frame).into_any();
    let mut response = document::draw(state, &frame, view).into_response(status(&refusal));
    add_headers(&refusal, response.headers_mut());
    response
}

/// The status of a refusal.
pub fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What a refusal says beside its body: why, and when to come again.
pub fn add_headers(refusal: &Refusal, headers: &mut HeaderMap) {
    if let Ok(serde_json::Value::String(word)) = serde_json::to_value(refusal.reason)
        && let Ok(word) = HeaderValue::try_from(word)
    {
        headers.insert(REASON_HEADER, word);
    }
    if let Some(seconds) = refusal.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// Gives every error without words its words, as JSON or as a page; headers such as `Allow` stay.
pub async fn finish(
    State(state): State<Arc<state::State>>,
    request: Request,
    next: Next,
) -> Response {
    let client = Client::of(request.headers());
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if !is_error || response.extensions().get::<Finished>().is_some() {
        return response;
    }
    let refusal = Problem::of_status(response.status()).refusal();
    let mut worded = refuse(&state, client, &path, refusal);
    vary(&mut worded, "Accept");
    keep_headers(response.headers(), worded)
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

/// The answer if a handler panicked: [`finish`] gives it its words, the log gets the cause.
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
