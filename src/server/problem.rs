//! Refusals that no route makes, such as not found or not readable, and the responses to all refusals.

use std::{any::Any, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{document, negotiation::vary, rendered::HasBody, state};
use crate::{
    forms::{
        client::Client,
        form::Form,
        reply::{Reason, Refusal},
        send::REASON_HEADER,
    },
    pages::{frame::Frame, problem, request::Viewer},
};

/// Paths whose JSON is fixed by the first backend. The reason is only in a header.
const WITHOUT_REASON: [&str; 5] = [
    "/auth/login",
    "/auth/signup",
    "/auth/logout",
    "/auth/forgot-password",
    "/auth/reset-password",
];

/// Other paths than those of forms and of the account whose JSON tells the reason.
const WITH_REASON: [&str; 2] = ["/auth/whoami", "/auth/forward"];

/// What can be wrong with a request before it reaches a server function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The body or query is not what its type says.
    Malformed,
    /// A known field is repeated.
    Repeated,
    /// A known field is not text.
    NotText,
    /// A browser sent a password in a URL.
    PasswordInUrl,
    /// A page of another site sent the request.
    OtherSite,
    /// The form token is not that of the browser's cookie.
    OutdatedForm,
    /// There is nothing at this path.
    NotFound,
    /// The method is not allowed for this path.
    MethodNotAllowed,
    /// The body did not come in time.
    Timeout,
    /// The body is over [`super::body::MAX_BYTES`].
    TooLarge,
    /// The media type of the body is not supported.
    UnsupportedType,
    /// The headers are larger than the server reads.
    HeadersTooLarge,
    /// A part of the server failed.
    Internal,
    /// Any other status.
    Other(StatusCode),
}

impl Problem {
    /// The problem of a response that has only a status.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::Malformed,
            StatusCode::FORBIDDEN => Self::OtherSite,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::HeadersTooLarge,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            other => Self::Other(other),
        }
    }

    /// The refusal that a client gets.
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
            Self::OutdatedForm => {
                let message = "This form is out of date, send it again";
                (403, Reason::OutdatedForm, message)
            }
            Self::NotFound => (404, Reason::NotFound, "Page not found"),
            Self::MethodNotAllowed => {
                let message = "This method is not allowed here";
                (405, Reason::MethodNotAllowed, message)
            }
            Self::Timeout => (408, Reason::Timeout, "The request took too long"),
            Self::TooLarge => (413, Reason::TooLarge, "The request is too large"),
            Self::UnsupportedType => (415, Reason::UnsupportedType, "Send a form or a JSON object"),
            Self::HeadersTooLarge => {
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
pub struct Answer<'a> {
    message: &'a str,
    code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
}

impl<'a> Answer<'a> {
    /// The JSON of a refusal at this path.
    pub fn new(path: &str, refusal: &'a Refusal) -> Self {
        let is_route =
            Form::at(path).is_some() || path.starts_with("/account") || WITH_REASON.contains(&path);
        let has_reason = is_route && !WITHOUT_REASON.contains(&path);
        Self {
            message: &refusal.message,
            code: refusal.code,
            field: refusal.field.as_deref(),
            reason: has_reason.then_some(refusal.reason),
        }
    }

    /// Whether it tells the reason.
    pub fn has_reason(&self) -> bool {
        self.reason.is_some()
    }
}

/// The response to a refusal that is not shown in a form.
pub fn refuse(state: &state::State, client: Client, path: &str, refusal: Refusal) -> Response {
    match client {
        Client::Program => json(path, &refusal),
        Client::Page => page(state, refusal),
    }
}

/// The JSON response to a refusal.
pub fn json(path: &str, refusal: &Refusal) -> Response {
    let answer = Answer::new(path, refusal);
    let mut response = (status(refusal), Json(answer)).into_response();
    response.extensions_mut().insert(HasBody);
    add_headers(refusal, response.headers_mut());
    response
}

fn page(state: &state::State, refusal: Refusal) -> Response {
    let frame = Frame::new(String::new(), None, None, Viewer::default());
    let view = |frame: &Frame| problem::view(refusal.clone(), frame);
    let mut response = document::render(state, &frame, view).into_response(status(&refusal));
    add_headers(&refusal, response.headers_mut());
    response
}

/// The status of a refusal.
pub fn status(refusal: &Refusal) -> StatusCode {
    StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Adds the headers of a refusal: its reason, and `Retry-After`.
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

/// Gives every error response that has only a status a body, JSON or a page. Headers such as `Allow` stay.
pub async fn add_bodies(
    State(state): State<Arc<state::State>>,
    request: Request,
    next: Next,
) -> Response {
    let client = Client::of(request.headers());
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if !is_error || response.extensions().get::<HasBody>().is_some() {
        return response;
    }
    let refusal = Problem::of_status(response.status()).refusal();
    let mut complete = refuse(&state, client, &path, refusal);
    vary(&mut complete, "Accept");
    copy_headers(response.headers(), complete)
}

/// Copies the headers of an earlier response that still apply.
pub fn copy_headers(from: &HeaderMap, mut to: Response) -> Response {
    for name in [header::ALLOW, header::RETRY_AFTER, header::SET_COOKIE] {
        for value in from.get_all(&name) {
            to.headers_mut().append(&name, value.clone());
        }
    }
    to
}

/// The response if a handler panicked: a 500, to which [`add_bodies`] adds a body. Logs the cause.
pub fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let cause = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(cause, "request handler panicked");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
