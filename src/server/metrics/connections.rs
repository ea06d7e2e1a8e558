//! What is counted of connections.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// What is counted of connections.
#[derive(Clone, Default)]
pub struct ConnectionMetrics {
    /// How many are open.
    pub open: Gauge,
    /// How many were closed for others, since the connection limit was reached.
    pub evicted: Counter,
}

impl ConnectionMetrics {
    /// Adds all to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("connections", "Open connections", self.open.clone());
        registry.register(
            "connections_evicted",
            "Connections closed for others at the connection limit",
            self.evicted.clone(),
        );
    }
}
