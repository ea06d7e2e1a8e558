//! The access log: one line for each request.

use std::time::Instant;

use axum::{extract::Request, middleware::Next, response::Response};

use crate::accounts::network::Network;

/// The most characters of a path in the log. A path may have 32 kB.
const MAX_PATH_CHARS: usize = 200;

/// Logs client, method, path, status and milliseconds. Never query, headers or body, which contain secrets.
pub async fn request(request: Request, next: Next) -> Response {
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
