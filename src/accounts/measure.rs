//! Brings the gauges up to date that nothing else sets.

use super::{Accounts, metrics::Metrics};

impl Accounts {
    /// What is counted of the accounts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Looks at the queue of the hasher and at the outbox. If the store fails, there are no gauges of the outbox, rather
    /// than outdated ones.
    pub async fn measure(&self) {
        let metrics = &self.metrics;
        let waiting = i64::try_from(self.hasher.waiting()).unwrap_or(i64::MAX);
        metrics.hashes.waiting.set(waiting);
        metrics.mails.clear();
        metrics.oldest_mail.clear();
        let size = match self.store.outbox_size().await {
            Ok(size) => size,
            Err(error) => {
                tracing::warn!(%error, "cannot measure the outbox");
                return;
            }
        };
        for (state, mails) in [("waiting", size.waiting), ("parked", size.parked)] {
            let gauge = metrics.mails.get_or_create(&[("state", state)]);
            gauge.set(i64::try_from(mails).unwrap_or(i64::MAX));
        }
        let now = self.clock.now();
        let age = size.oldest.map_or(0, |at| now.millis() - at.millis());
        let gauge = metrics.oldest_mail.get_or_create(&[("state", "waiting")]);
        gauge.set(age.max(0) / 1000);
    }
}
