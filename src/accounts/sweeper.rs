//! Drops what has expired.

use std::{sync::Arc, time::Duration};

use super::{clock::Clock, store::Store};

/// How long expired rows may lie; no rule depends on it, since each reads the expiry itself.
const EVERY: Duration = Duration::from_secs(10 * 60);

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
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.store.sweep(self.clock.now()).await {
                tracing::warn!(%error, "expired rows stay for now");
            }
        }
    }
}
