//! The access log: one line for each request. It, and every other line of the request, has the id of the request.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::accounts::network::Network;

/// The header that tells a client the id of its request, for whoever reads the log. One that a client sends is ignored.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most characters of a path in the log. A path may have 32 kB.
const MAX_PATH_CHARS: usize = 200;

/// Makes the ids of requests: 16 hexadecimal digits that tell nothing of how many there were. They need no random number
/// each, so that a request is answered even if the system has none.
#[derive(Default)]
pub struct RequestIds {
    keys: RandomState,
    next: AtomicU64,
}

impl RequestIds {
    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}", self.keys.hash_one(number))
    }
}

/// Gives the request an id, and answers it.
pub async fn request(State(ids): State<Arc<RequestIds>>, request: Request, next: Next) -> Response {
    let id = ids.next();
    // Of the highest level, so that no filter takes the id from a line that it lets through.
    let span = tracing::error_span!("request", id);
    let mut response = answer(request, next).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Logs client, method, path, status and milliseconds. Never query, headers or body, which contain secrets.
async fn answer(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let client = request.extensions().get::<Network>().copied();
    let client = client.unwrap_or_default();
    let method = request.method().clone();
    let path: String = request.uri().path().chars().take(MAX_PATH_CHARS).collect();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let millis = started.elapsed().as_millis() as u64;
    tracing::info!(%client, %method, path, status, millis, "request");
    response
}
