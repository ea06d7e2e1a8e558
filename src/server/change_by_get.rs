//! The `GET` of the first backend that resets a password, for old programs only.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, Uri},
    middleware::Next,
    response::Response,
};
use url::form_urlencoded;

use super::{
    body,
    problem::{self, Problem},
    state,
    submit::Route,
};
use crate::{
    forms::client::Client,
    forms::{field::UUID_FIELD, reset_password::FORM},
};

/// Handles `GET /auth/reset-password?uuid=…&password=…` as a `POST` of the form. Refuses browsers, which would save the
/// password in their history. Passes all other requests on.
pub async fn change(
    State(state): State<Arc<state::State>>,
    request: Request,
    next: Next,
) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let query = request.uri().query().unwrap_or_default();
    if !is_read || request.uri().path() != FORM.path || !has_uuid_and_password(query) {
        return next.run(request).await;
    }
    let client = Client::of(request.headers());
    if is_browser(client, request.headers()) {
        return problem::refuse(&state, client, FORM.path, Problem::PasswordInUrl.refusal());
    }
    // `HEAD` must not change anything, so it is answered as for the page.
    if request.method() == Method::HEAD {
        return next.run(request).await;
    }
    let names: Vec<_> = FORM.names().collect();
    let fields = body::urlencoded(query.as_bytes(), &names);
    let (mut parts, _) = request.into_parts();
    parts.uri = Uri::from_static(FORM.path);
    let route = Route {
        form: &FORM,
        // Only programs come here, which get JSON.
        page: None,
    };
    route.answer(state, parts, fields).await
}

/// Whether the client is a browser.
fn is_browser(client: Client, headers: &HeaderMap) -> bool {
    client == Client::Page || headers.contains_key("sec-fetch-site")
}

fn has_uuid_and_password(query: &str) -> bool {
    let has = |name| form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == name);
    has(UUID_FIELD) && has("password")
}
