//! Metrics for Prometheus: what is counted, and the address that shows it.
//!
//! No client can choose a label: each is a word of this program or a number of it.
//!
//! # Layout
//! - [`requests`]: requests and forms; [`connections`]: connections; [`store`]: operations of the store
//! - [`scrape`]: the address that shows them, with those of the accounts

pub mod connections;
pub mod requests;
pub mod scrape;
pub mod store;

use prometheus_client::{metrics::info::Info, registry::Registry};

use self::{connections::ConnectionMetrics, requests::RequestMetrics, store::StoreMetrics};
use crate::accounts::metrics::Metrics as AccountMetrics;

/// What the names begin with.
const PREFIX: &str = "fpm_registry";

/// All that the server counts.
#[derive(Clone, Default)]
pub struct Metrics {
    /// Requests and forms.
    pub requests: RequestMetrics,
    /// Connections.
    pub connections: ConnectionMetrics,
    /// Operations of the store.
    pub store: StoreMetrics,
}

impl Metrics {
    /// A registry of these and those of the accounts.
    pub fn registry(&self, accounts: &AccountMetrics) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The version that runs", Info::new(version));
        self.requests.register(&mut registry);
        self.connections.register(&mut registry);
        self.store.register(&mut registry);
        accounts.register(&mut registry);
        registry
    }
}
