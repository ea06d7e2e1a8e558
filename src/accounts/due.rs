//! What is to be done to users by the clock, without anybody asking: reminders.

use std::{sync::Arc, time::Duration};

use super::{Accounts, device_name::DeviceName, error::Error, store::Key, user::event::Origin};

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_secs(60);
/// The most users who are looked after before the next look.
const AT_ONCE: usize = 100;

impl Accounts {
    /// Does it for ever.
    pub async fn run_due(self: Arc<Self>) {
        loop {
            let pause = match self.do_due().await {
                Ok(AT_ONCE) => Duration::ZERO,
                Ok(_) => INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, retry_seconds = INTERVAL.as_secs(), "cannot do what is due, will retry");
                    INTERVAL
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Does what is due to some of the users; to how many. Another process that does the same at once does nothing twice.
    pub async fn do_due(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let due = self.store.due(now, AT_ONCE).await?;
        let origin = Origin {
            at: now,
            network: String::new(),
            device: DeviceName::default(),
        };
        let mut done = 0;
        for id in &due {
            let is_done = self.users.change(Key::Id(id), |user| {
                user.do_due(&origin);
                Some(())
            });
            done += usize::from(is_done.await?.is_some());
        }
        self.mail_waiting.notify_one();
        Ok(done)
    }
}
