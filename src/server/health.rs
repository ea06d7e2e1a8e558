//! `GET /health/live` and `GET /health/ready`: whether the server works, for what starts, watches or balances it.
//!
//! Mail is no part of it: a mail server that is out of reach must not take logins down.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{rendered::HasBody, state};
use crate::{
    accounts::{
        facts::{Fact, Kind},
        health::Health,
    },
    pages::endpoint::{Content, Endpoint},
};

/// The path of what a restart would repair.
pub const LIVE: &str = "/health/live";
/// The path of whether requests should be sent here.
pub const READY: &str = "/health/ready";

/// What [`live`] answers.
pub const IS_LIVE: Endpoint = Endpoint::new(
    "Whether the process works, as far as a restart would help",
    &[(200, Content::Facts(LIFE)), (503, Content::Facts(LIFE))],
);
/// What [`ready`] answers.
pub const IS_READY: Endpoint = Endpoint::new(
    "Whether logins can succeed",
    &[
        (200, Content::Facts(READINESS)),
        (503, Content::Facts(READINESS)),
    ],
);

const LIFE: &[Fact] = &[Fact::new("hashing", Kind::Word(WORDS))];
const READINESS: &[Fact] = &[
    Fact::new("store", Kind::Word(WORDS)),
    Fact::new("hashing", Kind::Word(WORDS)),
];
const WORDS: &[&str] = &["ok", "failed"];

/// Answers whether the process works, as far as a restart would help.
pub async fn live(State(state): State<Arc<state::State>>) -> Response {
    let hashing = state.service.accounts.can_hash();
    answer(hashing, json!({ "hashing": word(hashing) }))
}

/// Answers whether logins can succeed.
pub async fn ready(State(state): State<Arc<state::State>>) -> Response {
    let look = state.service.accounts.health();
    let Health { store, hashing } = state.last_look.or_look(look).await;
    let words = json!({ "store": word(store), "hashing": word(hashing) });
    answer(store && hashing, words)
}

fn word(works: bool) -> &'static str {
    match works {
        true => "ok",
        false => "failed",
    }
}

fn answer(works: bool, words: Value) -> Response {
    let status = match works {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = (status, Json(words)).into_response();
    response.extensions_mut().insert(HasBody);
    response
}
