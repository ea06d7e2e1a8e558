//! Drops what has expired.

use std::{sync::Arc, time::Duration};

use super::{clock::Clock, limit_table::MAX_KEPT, store::Store};

/// How long expired rows may lie; no rule depends on it, since each reads the expiry itself.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// How long the store is left to others between two steps of one sweep.
const PAUSE: Duration = Duration::from_millis(20);

/// Sweeps the store from time to time.
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
            let pause = match self.store.sweep(self.clock.now(), MAX_KEPT).await {
                Ok(true) => PAUSE,
                Ok(false) => EVERY,
                Err(error) => {
                    tracing::warn!(%error, "expired rows stay for now");
                    EVERY
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}
