//! What is counted of the operations of the store.

use std::time::Instant;

use prometheus_client::{
    metrics::{family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::accounts::counts::Label;

/// Upper bounds of the durations of operations, in seconds.
const OPERATION_SECONDS: [f64; 10] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0, 3.0,
];

/// What is counted of the operations of the store.
#[derive(Clone)]
pub struct StoreMetrics(Family<[Label; 2], Histogram, fn() -> Histogram>);

impl Default for StoreMetrics {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| {
            Histogram::new(OPERATION_SECONDS)
        }))
    }
}

impl StoreMetrics {
    /// Waits for an operation, and counts it by its name and by whether it failed.
    pub async fn measure<T, E>(
        &self,
        name: &'static str,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let done = operation.await;
        let outcome = match done {
            Ok(_) => "ok",
            Err(_) => "failed",
        };
        let labels = [("operation", name), ("outcome", outcome)];
        let duration = self.0.get_or_create(&labels);
        duration.observe(began.elapsed().as_secs_f64());
        done
    }

    /// Adds all to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "store_operation_duration",
            "Duration of operations of the store",
            Unit::Seconds,
            self.0.clone(),
        );
    }
}
