//! What is to be done to users by the clock: reminders, the end of second factors that an operator asked for, and of
//! logins that no second factor has followed.

use std::{sync::Arc, time::Duration};

use super::{
    Accounts, audit::AuditEvent, device_name::DeviceName, error::Error, store::Key,
    user::event::Origin,
};

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_secs(60);
/// How many users are looked up at once.
const AT_ONCE: usize = 100;
/// The most users whose records cannot be changed, before a look is given up.
const MAX_FAILED: usize = 10_000;

impl Accounts {
    /// Does it for ever.
    pub async fn run_due(self: Arc<Self>) {
        loop {
            if let Err(error) = self.do_due().await {
                tracing::warn!(%error, retry_seconds = INTERVAL.as_secs(), "cannot do what is due, will retry");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Does what is due to users; to how many. Another process that does the same at once does nothing twice. A user whose
    /// record cannot be read or changed keeps nobody else waiting.
    pub async fn do_due(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let origin = Origin {
            at: now,
            network: String::new(),
            device: DeviceName::default(),
        };
        let (mut done, mut failed) = (0, 0);
        while failed < MAX_FAILED {
            // Those that failed stay where they were, before all others.
            let due = self.store.due(now, failed + AT_ONCE).await?;
            let next: Vec<_> = due.into_iter().skip(failed).collect();
            if next.is_empty() {
                break;
            }
            for id in &next {
                let changed = self.users.change(Key::Id(id), |user| {
                    let had_second_factor = user.has_second_factor();
                    user.do_due(&origin);
                    Some(had_second_factor && !user.has_second_factor())
                });
                match changed.await {
                    Ok(Some(has_lost_second_factors)) => {
                        done += 1;
                        if has_lost_second_factors {
                            let audit = &self.metrics.audit;
                            audit.record(AuditEvent::SecondFactorRemoved, Some(id), None);
                        }
                    }
                    Ok(None) => failed += 1,
                    Err(error) => {
                        tracing::warn!(user = %id, %error, "cannot do what is due to a user, will retry");
                        failed += 1;
                    }
                }
            }
        }
        self.mail_waiting.notify_one();
        Ok(done)
    }
}
