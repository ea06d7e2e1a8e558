//! `GET /account/export`: everything that is held about a user, as a file to keep.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{negotiation::vary, problem, state, store::deadline::with_request_deadline};
use crate::{
    accounts::{
        error::Error,
        export::{EXPORT, export},
    },
    forms::{
        answers::{LOGGED_OUT, OF_THE_STORE},
        client::Client,
        next,
    },
    pages::{
        Page,
        account::AccountPage,
        endpoint::{Content, Endpoint, REDIRECT},
    },
};

/// Its path.
pub const PATH: &str = "/account/export";
/// What it answers.
pub const ENDPOINT: Endpoint = Endpoint {
    refusals: &[LOGGED_OUT, OF_THE_STORE],
    ..Endpoint::new(
        "Everything that is held about the user, as a file to keep",
        &[(200, Content::Facts(EXPORT)), REDIRECT],
    )
};

/// Answers with the file; who is not logged in is sent to log in.
pub async fn download(State(state): State<Arc<state::State>>, request: Request) -> Response {
    let (headers, extensions) = (request.headers(), request.extensions());
    let client = Client::of(headers);
    let caller = state.service.caller(headers, extensions);
    let found = with_request_deadline(state.service.accounts.account(&caller, false)).await;
    let mut response = match found {
        Ok((user, _)) => file(export(&user)),
        Err(Error::NotLoggedIn) if client == Client::Page => {
            Redirect::to(&next::link("/auth/login", AccountPage::PATH)).into_response()
        }
        Err(error) => problem::refuse(&state, client, request.uri().path(), error.into()),
    };
    vary(&mut response, "Accept");
    response
}

fn file(content: serde_json::Value) -> Response {
    let mut response = Json(content).into_response();
    let name = HeaderValue::from_static("attachment; filename=\"fpm-registry-account.json\"");
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, name);
    response
}
