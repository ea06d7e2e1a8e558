//! The access log: one line for each request, and one more in the metrics. The line, and every other one of the request,
//! has the id of the request.

use std::{
    collections::HashSet,
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

use super::metrics::requests::RequestMetrics;
use crate::{accounts::network::Network, forms::client::Client};

/// The header that tells a client the id of its request, for whoever reads the log. One that a client sends is ignored.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most characters of a path in the log. A path may have 32 kB.
const MAX_PATH_CHARS: usize = 200;

/// The most characters of a method in the log.
const MAX_METHOD_CHARS: usize = 20;

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

/// What the access log needs.
pub struct AccessLog {
    ids: RequestIds,
    routes: HashSet<&'static str>,
    metrics: RequestMetrics,
}

impl AccessLog {
    /// A log of requests to these paths and to others.
    pub fn new(routes: impl Iterator<Item = &'static str>, metrics: RequestMetrics) -> Self {
        Self {
            ids: RequestIds::default(),
            routes: routes.collect(),
            metrics,
        }
    }
}

/// Gives the request an id, and answers it.
pub async fn request(State(log): State<Arc<AccessLog>>, request: Request, next: Next) -> Response {
    let id = log.ids.next();
    // Of the highest level, so that no filter takes the id from a line that it lets through.
    let span = tracing::error_span!("request", id);
    let mut response = answer(&log, request, next).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Logs client, method, path, status and milliseconds. Never query, headers or body, which contain secrets.
async fn answer(log: &AccessLog, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let client = request.extensions().get::<Network>().copied();
    let client = client.unwrap_or_default();
    let method = request.method().clone();
    let path = request.uri().path();
    let route = log.routes.get(path).copied();
    let path: String = path.chars().take(MAX_PATH_CHARS).collect();
    let kind = Client::of(request.headers());
    let response = next.run(request).await;
    let (status, took) = (response.status(), started.elapsed());
    log.metrics.answered(route, &method, kind, status, took);
    let method: String = method.as_str().chars().take(MAX_METHOD_CHARS).collect();
    let (status, millis) = (status.as_u16(), took.as_millis() as u64);
    tracing::info!(%client, %method, path, status, millis, "request");
    response
}
