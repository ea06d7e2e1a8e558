//! Deletes what has expired from the store.

use std::{sync::Arc, time::Duration};

use super::{clock::Clock, limit_table::MAX_ATTEMPTS, store::Store};

/// How often the store is swept. No rule depends on it, since each checks the expiry itself.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10 * 60);
/// The pause between two steps of one sweep, so that requests reach the store.
const STEP_PAUSE: Duration = Duration::from_millis(20);

/// Sweeps the store at regular times.
pub struct Sweeper {
    store: Arc<dyn Store>,
    clock: Clock,
}

impl Sweeper {
    /// A sweeper of `store`.
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Sweeps for ever.
    pub async fn run(self) {
        loop {
            let pause = match self.store.sweep(self.clock.now(), MAX_ATTEMPTS).await {
                Ok(true) => STEP_PAUSE,
                Ok(false) => SWEEP_INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, retry_seconds = SWEEP_INTERVAL.as_secs(), "sweep failed, will retry");
                    SWEEP_INTERVAL
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}
