//! The outbox: mail that was promised in a request and is sent outside of it.
//!
//! A row is kept until a mail server took the mail, so that a promise survives a crash and a mail server
//! that is down. A row holds the typed address and nothing secret: the reset token is made when it is sent.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{sync::Notify, time::timeout};
use uuid::Uuid;

use super::{
    RESET_LIFE,
    clock::{Clock, Timestamp},
    email::Email,
    mail::{Letter, Mail, MailError, Mailer},
    store::{Store, StoreError, User},
    token::Token,
};

/// The name of a mail in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailId(Uuid);

impl MailId {
    /// A new name.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The name kept as `bytes`.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The name as bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for MailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// Which mail is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// The link to choose a new password, if the address has an account.
    ResetLink,
    /// The notice that the password was changed.
    PasswordChanged,
    /// The notice that only known devices can log in after too many failures, with a link to choose a new password.
    AccountClosed,
}

/// A mail waiting in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedMail {
    /// Its name.
    pub id: MailId,
    /// Which mail it is.
    pub kind: MailKind,
    /// The address it was asked for, whether or not it has an account.
    pub to: Email,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// How often sending it was begun.
    pub attempts: u32,
}

impl QueuedMail {
    /// A mail asked for now.
    pub fn new(kind: MailKind, to: Email, now: Timestamp) -> Self {
        Self {
            id: MailId::random(),
            kind,
            to,
            queued_at: now,
            attempts: 0,
        }
    }
}

/// How long a mail that cannot be sent is kept.
pub const MAIL_LIFE: Duration = Duration::from_secs(5 * 24 * 3600);
/// How long one attempt may take before another process may begin its own.
const LEASE: Duration = Duration::from_secs(60);
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LAST_RETRY: Duration = Duration::from_secs(5 * 60);
/// How long the worker sleeps when nothing wakes it, which bounds how late another process's mail can be.
const NAP: Duration = Duration::from_secs(1);

/// Sends what is in the outbox, one mail after the other.
pub struct Outbox {
    store: Arc<dyn Store>,
    mailer: Arc<dyn Mailer>,
    clock: Clock,
    wake: Arc<Notify>,
}

impl Outbox {
    pub(super) fn new(
        store: Arc<dyn Store>,
        mailer: Arc<dyn Mailer>,
        clock: Clock,
        wake: Arc<Notify>,
    ) -> Self {
        Self {
            store,
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
    pub async fn deliver_next(&self) -> Result<bool, StoreError> {
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
    async fn compose(&self, queued: QueuedMail) -> Result<Option<Mail>, StoreError> {
        let Some(user) = self.store.user_by_email(&queued.to).await? else {
            return Ok(None);
        };
        let (id, letter) = match queued.kind {
            // Each attempt has a link of its own, so it is a mail of its own.
            MailKind::ResetLink => {
                let link = self.new_link(&user).await?;
                (MailId::random(), Letter::ResetLink(link))
            }
            MailKind::AccountClosed => {
                let link = self.new_link(&user).await?;
                (MailId::random(), Letter::AccountClosed(link))
            }
            MailKind::PasswordChanged => (queued.id, Letter::PasswordChanged(queued.queued_at)),
        };
        Ok(Some(Mail {
            id,
            to: user.email,
            letter,
        }))
    }

    /// Gives a user a reset link, which ends an older one.
    async fn new_link(&self, user: &User) -> Result<Token, StoreError> {
        let token = Token::random();
        let expires_at = self.clock.now().plus(RESET_LIFE);
        self.store
            .set_reset(&user.email, &token.digest(), expires_at)
            .await?;
        Ok(token)
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
