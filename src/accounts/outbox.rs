//! The outbox: mail that was promised in a request and is sent outside of it.
//!
//! A row is kept until a mail server took the mail, so that a promise survives a crash and a mail server
//! that is down. A row holds the typed address and nothing secret: the reset token is made when it is sent.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::timeout};

use super::{
    clock::Clock,
    error::Error,
    lifetimes::RESET_LIFE,
    mail::{Letter, Mail, MailError, MailId, MailKind, Mailer, QueuedMail},
    store::{Key, Store},
    token::Token,
    user::{ResetLink, User},
    users::Users,
};

/// How long one attempt may take before another process may begin its own.
const LEASE: Duration = Duration::from_secs(60);
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(5 * 60);
/// How long the worker sleeps when nothing wakes it, which bounds how late another process's mail can be.
const NAP: Duration = Duration::from_secs(1);

/// Sends what is in the outbox, one mail after the other.
pub struct Outbox {
    store: Arc<dyn Store>,
    users: Arc<Users>,
    mailer: Arc<dyn Mailer>,
    clock: Clock,
    wake: Arc<Notify>,
}

impl Outbox {
    pub(super) fn new(
        store: Arc<dyn Store>,
        users: Arc<Users>,
        mailer: Arc<dyn Mailer>,
        clock: Clock,
        wake: Arc<Notify>,
    ) -> Self {
        Self {
            store,
            users,
            mailer,
            clock,
            wake,
        }
    }

    /// Sends mail until `stop`, and finishes the one in hand: of a mail that is dropped half-way nobody knows
    /// whether it went out, and it goes out again once its lease is over.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        if let Err(error) = self.store.expedite_mail(self.clock.now()).await {
            tracing::warn!(%error, "waiting mail keeps its hour");
        }
        loop {
            let nap = match self.deliver_next().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => NAP,
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read");
                    NAP
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                _ = timeout(nap, self.wake.notified()) => {}
            }
        }
    }

    /// Sends the next due mail; false where none is due.
    pub async fn deliver_next(&self) -> Result<bool, Error> {
        let now = self.clock.now();
        let Some(queued) = self.store.claim_mail(now, now.plus(LEASE)).await? else {
            return Ok(false);
        };
        let QueuedMail {
            id, kind, attempts, ..
        } = queued;
        let Some(mail) = self.compose(queued).await? else {
            self.store.remove_mail(&id).await?;
            return Ok(true);
        };
        match self.mailer.send(mail).await {
            Ok(()) => {
                tracing::info!(mail = %id, ?kind, attempts, "mail sent");
                self.store.remove_mail(&id).await?;
            }
            Err(MailError::Temporary(reason)) => {
                let delay = retry_delay(attempts);
                tracing::warn!(mail = %id, ?kind, attempts, reason, retry_seconds = delay.as_secs(), "mail not taken, will be tried again");
                self.store
                    .retry_mail(&id, self.clock.now().plus(delay))
                    .await?;
            }
            Err(MailError::Permanent(reason)) => {
                tracing::error!(mail = %id, ?kind, attempts, reason, "mail refused for good, set aside");
                self.store.park_mail(&id, &reason).await?;
            }
        }
        Ok(true)
    }

    /// The mail to send now; none where the address has no account.
    async fn compose(&self, queued: QueuedMail) -> Result<Option<Mail>, Error> {
        let Some(user) = self.users.find(Key::Email(&queued.to)).await? else {
            return Ok(None);
        };
        let to = user.email.clone();
        let letter = match queued.kind {
            MailKind::ResetLink => self.new_link(user).await?.map(Letter::ResetLink),
            MailKind::AccountClosed => self.new_link(user).await?.map(Letter::AccountClosed),
            MailKind::PasswordChanged => Some(Letter::PasswordChanged(queued.queued_at)),
        };
        // Each attempt at a link has one of its own, so it is a mail of its own.
        let id = match queued.kind {
            MailKind::ResetLink | MailKind::AccountClosed => MailId::random(),
            MailKind::PasswordChanged => queued.id,
        };
        Ok(letter.map(|letter| Mail { id, to, letter }))
    }

    /// Gives a user a reset link, which ends an older one; none if the user is gone.
    async fn new_link(&self, user: User) -> Result<Option<Token>, Error> {
        let token = Token::random();
        let link = ResetLink {
            digest: token.digest(),
            expires_at: self.clock.now().plus(RESET_LIFE),
        };
        let given = self.users.change_from(user, |user| {
            user.reset = Some(link.clone());
            Some(())
        });
        Ok(given.await?.map(|()| token))
    }
}

/// How long to wait after the given attempt: 2 s, doubling to 5 minutes.
fn retry_delay(attempts: u32) -> Duration {
    FIRST_RETRY
        .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)))
        .min(LAST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_slow_down_to_five_minutes() {
        let delays: Vec<u64> = (1..=10).map(|n| retry_delay(n).as_secs()).collect();
        assert_eq!(delays, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(retry_delay(u32::MAX), LAST_RETRY);
    }
}
