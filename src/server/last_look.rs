//! The last look at whether all works, shared by all who ask.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::store::deadline::with_request_deadline;
use crate::accounts::health::Health;

/// How long one look at the store serves everyone who asks, so that a flood of them costs it nothing.
const LOOK_LIFE: Duration = Duration::from_secs(1);

/// The last look at everything, shared by all who ask.
#[derive(Default)]
pub struct LastLook(Mutex<Option<(Instant, Health)>>);

impl LastLook {
    /// The health as of a second ago at most. Who asks while somebody looks waits for the same look.
    pub async fn or_look(&self, look: impl Future<Output = Health>) -> Health {
        let mut last = self.0.lock().await;
        if let Some((at, health)) = *last
            && at.elapsed() < LOOK_LIFE
        {
            return health;
        }
        let health = with_request_deadline(look).await;
        *last = Some((Instant::now(), health));
        health
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_flood_costs_one_look_a_second() {
        let looks = AtomicUsize::new(0);
        let last_look = LastLook::default();
        let ask = || {
            last_look.or_look(async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                let is_first = looks.fetch_add(1, Ordering::Relaxed) == 0;
                Health {
                    store: is_first,
                    hashing: true,
                }
            })
        };
        let flood = join_all((0..1000).map(|_| ask())).await;
        assert!(flood.iter().all(|health| health.store));
        assert_eq!(looks.load(Ordering::Relaxed), 1);
        tokio::time::sleep(LOOK_LIFE).await;
        assert!(!ask().await.store);
        assert_eq!(looks.load(Ordering::Relaxed), 2);
    }
}
