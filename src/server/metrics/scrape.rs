//! `GET /metrics` on the address for operators, in the text format of OpenMetrics.

use std::{future::pending, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::net::TcpListener;

use super::connections::ConnectionMetrics;
use crate::{
    accounts::Accounts,
    server::{last_look::LastLook, listen},
};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How many open files its connections may need, so that they never take those of the site.
const FILES: u64 = 18;

/// What is shown.
pub struct Scrape {
    accounts: Arc<Accounts>,
    registry: Registry,
    last: LastLook<Option<String>>,
}

impl Scrape {
    /// What `registry` holds, which the accounts bring up to date.
    pub fn new(accounts: Arc<Accounts>, registry: Registry) -> Self {
        Self {
            accounts,
            registry,
            last: LastLook::default(),
        }
    }

    /// Shows it for as long as the server runs, to whoever can reach `listener`.
    pub async fn serve(self, listener: TcpListener) {
        let routes = Router::new()
            .route("/metrics", get(show))
            .with_state(Arc::new(self));
        let (metrics, for_ever) = (ConnectionMetrics::default(), pending());
        listen::serve(listener, routes, FILES, Vec::new(), metrics, for_ever).await;
    }

    async fn text(&self) -> Option<String> {
        self.accounts.measure().await;
        let mut text = String::new();
        encode(&mut text, &self.registry).ok().map(|()| text)
    }
}

async fn show(State(scrape): State<Arc<Scrape>>) -> Response {
    match scrape.last.or_look(scrape.text()).await {
        Some(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
