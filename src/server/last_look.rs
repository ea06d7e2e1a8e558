//! The last look at something that the store is asked for, shared by all who ask.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::store::deadline::with_request_deadline;

/// How long one look at the store serves everyone who asks, so that a flood of them costs it nothing.
const LOOK_LIFE: Duration = Duration::from_secs(1);

/// The last look at something, shared by all who ask.
pub struct LastLook<T>(Mutex<Option<(Instant, T)>>);

impl<T> Default for LastLook<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> LastLook<T> {
    /// What was seen a second ago at most. Who asks while somebody looks waits for the same look.
    pub async fn or_look(&self, look: impl Future<Output = T>) -> T {
        let mut last = self.0.lock().await;
        if let Some((at, seen)) = &*last
            && at.elapsed() < LOOK_LIFE
        {
            return seen.clone();
        }
        let seen = with_request_deadline(look).await;
        *last = Some((Instant::now(), seen.clone()));
        seen
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
                looks.fetch_add(1, Ordering::Relaxed) + 1
            })
        };
        let flood = join_all((0..1000).map(|_| ask())).await;
        assert_eq!(flood, [1; 1000]);
        tokio::time::sleep(LOOK_LIFE).await;
        assert_eq!(ask().await, 2);
    }
}
