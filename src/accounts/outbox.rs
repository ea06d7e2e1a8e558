//! The outbox: requests queue mail, and a worker sends it.
//!
//! A mail stays in the outbox until a mail server has accepted it, so it survives a crash and a mail server that is
//! down. It holds the typed address and nothing secret: the reset token is made when the mail is sent.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::timeout};

use super::{
    clock::Clock,
    counts::Counts,
    device_name::DeviceName,
    error::Error,
    lifetimes::UNDO_LIFE,
    mail::{Letter, Mail, MailError, MailId, MailKind, Mailer, QueuedMail, SecurityNotice},
    record::Unknown,
    security_event::SecurityEvent,
    store::{Key, Store},
    token::Token,
    user::{NotMeLink, User},
    users::Users,
};

/// How long one delivery attempt may take before another process may start its own.
const LEASE: Duration = Duration::from_secs(60);
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(2);
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(5 * 60);
/// Why a mail waits for a process of the version that knows it.
const OF_LATER_VERSION: &str = "a later version of the registry knows what this mail says";
/// The most characters of a reason: a mail server's certificate can have any number of names.
const REASON_CHARS: usize = 200;
const SENT: &str = "sent";
const RETRIED: &str = "retried";
const PARKED: &str = "parked";
/// What a delivery is counted as.
pub const OUTCOMES: [&str; 3] = [SENT, RETRIED, PARKED];
/// How often the worker looks for mail that other processes have queued.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Sends the mail in the outbox, one after the other.
pub struct Outbox {
    pub(super) store: Arc<dyn Store>,
    pub(super) users: Arc<Users>,
    pub(super) mailer: Arc<dyn Mailer>,
    pub(super) clock: Clock,
    pub(super) wake: Arc<Notify>,
    /// How many deliveries there were, by outcome.
    pub(super) deliveries: Counts,
}

impl Outbox {
    /// Sends mail until `stop`, and finishes the delivery that is in progress: if it were cut off, the mail would be
    /// sent again later, though it may have been accepted.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        if let Err(error) = self.store.expedite_mail(self.clock.now()).await {
            tracing::warn!(%error, "cannot make waiting mail due at start, it waits for its retry time");
        }
        loop {
            let pause = match self.deliver_next().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => POLL_INTERVAL,
                Err(error) => {
                    tracing::error!(%error, "outbox delivery failed, will retry");
                    POLL_INTERVAL
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                _ = timeout(pause, self.wake.notified()) => {}
            }
        }
    }

    /// Sends the next due mail. False if none is due.
    pub async fn deliver_next(&self) -> Result<bool, Error> {
        let now = self.clock.now();
        let Some(queued) = self.store.claim_mail(now, now.plus(LEASE)).await? else {
            return Ok(false);
        };
        let QueuedMail {
            id, kind, attempts, ..
        } = queued;
        if kind == MailKind::Unknown {
            let due_at = now.plus(retry_delay(attempts));
            self.store.retry_mail(&id, due_at, OF_LATER_VERSION).await?;
            return Ok(true);
        }
        let Some(mail) = self.compose(queued).await? else {
            self.store.remove_mail(&id).await?;
            return Ok(true);
        };
        match self.mailer.send(mail).await {
            Ok(()) => {
                tracing::info!(mail = %id, %kind, attempts, "mail sent");
                self.count(SENT);
                self.store.remove_mail(&id).await?;
            }
            Err(MailError::Temporary(reason)) => {
                let delay = retry_delay(attempts);
                let reason = shortened(&reason);
                tracing::warn!(mail = %id, %kind, attempts, reason, retry_seconds = delay.as_secs(), "mail delivery failed, will retry");
                self.count(RETRIED);
                let due_at = self.clock.now().plus(delay);
                self.store.retry_mail(&id, due_at, &reason).await?;
            }
            Err(MailError::Permanent(reason)) => {
                tracing::error!(mail = %id, %kind, attempts, reason, "mail delivery failed permanently, will not retry");
                self.count(PARKED);
                self.store.park_mail(&id, &reason).await?;
            }
        }
        Ok(true)
    }

    fn count(&self, outcome: &'static str) {
        self.deliveries.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// The mail to send now; none if there is nobody left to send it to.
    async fn compose(&self, queued: QueuedMail) -> Result<Option<Mail>, Error> {
        let letter = match queued.kind {
            MailKind::ResetLink => {
                let issued = self.reset_link(&queued).await?;
                issued.map(|(token, has_password)| Letter::ResetLink {
                    token,
                    has_password,
                })
            }
            MailKind::AccountClosed => {
                let issued = self.reset_link(&queued).await?;
                issued.map(|(token, _)| Letter::AccountClosed(token))
            }
            MailKind::ConfirmEmail => self.confirmation(&queued).await?,
            MailKind::AccountDeleted => Some(Letter::AccountDeleted {
                at: queued.queued_at,
                by_operator: queued.device == Some(DeviceName::OPERATOR),
            }),
            MailKind::AccountDisabled => Some(Letter::AccountDisabled(queued.queued_at)),
            MailKind::AccountEnabled => Some(Letter::AccountEnabled(queued.queued_at)),
            MailKind::AccountRecovered => Some(Letter::AccountRecovered(queued.queued_at)),
            MailKind::UploadTokenEnded => {
                queued
                    .upload_token
                    .as_ref()
                    .map(|token| Letter::UploadTokenEnded {
                        last4: token.last4.clone(),
                        at: queued.queued_at,
                    })
            }
            MailKind::UploadTokenExpires => self.expiring_token(&queued).await?,
            MailKind::Security(event) => self.security(&queued, event).await?,
            MailKind::Unknown => None,
        };
        Ok(letter.map(|letter| Mail {
            // Each attempt at a link has one of its own, so it is a mail of its own.
            id: match letter.has_link() {
                true => MailId::random(),
                false => queued.id,
            },
            to: queued.to,
            letter,
        }))
    }

    /// The user a mail is about.
    async fn owner(&self, queued: &QueuedMail) -> Result<Option<User>, Error> {
        let key = queued.user.as_ref().map(Key::Id);
        Ok(self
            .users
            .find(key.unwrap_or(Key::Email(&queued.to)))
            .await?)
    }

    /// A new reset link, which ends an older one, and whether there is a password that works; none if the address is no user's
    /// any more.
    async fn reset_link(&self, queued: &QueuedMail) -> Result<Option<(Token, bool)>, Error> {
        let Some(user) = self.owner(queued).await? else {
            return Ok(None);
        };
        let (token, now) = (Token::random(), self.clock.now());
        let issued = self.users.change_from(user, |user| {
            let issued = user.issue_reset(&queued.to, token.digest(), now);
            issued.then(|| user.password.is_usable())
        });
        Ok(issued.await?.map(|has_password| (token, has_password)))
    }

    /// The link to confirm an address, unless another one was asked for since. If the address has an account, its
    /// owner is told so instead; who asked has the same record then, with a link that nobody knows, or the export of
    /// it would tell which addresses have accounts.
    async fn confirmation(&self, queued: &QueuedMail) -> Result<Option<Letter>, Error> {
        let Some(user) = self.owner(queued).await? else {
            return Ok(None);
        };
        let is_change = user.email != queued.to;
        let (id, token, now) = (user.id.clone(), Token::random(), self.clock.now());
        let issued = self.users.change_from(user, |user| {
            let issued = user.issue_confirmation(&queued.to, token.digest(), now);
            issued.then_some(())
        });
        if issued.await?.is_none() {
            return Ok(None);
        }
        if !is_change {
            return Ok(Some(Letter::ConfirmEmail(token)));
        }
        let other = self.users.find(Key::Address(&queued.to)).await?;
        let other = other.filter(|other| other.id != id && other.holds(&queued.to, now));
        Ok(match other {
            None => Some(Letter::ConfirmChange(token)),
            Some(other) => {
                let is_told = other.email == queued.to && other.confirmed_at.is_some();
                is_told.then_some(Letter::EmailInUse)
            }
        })
    }

    /// The reminder that an upload token expires, unless it has ended since.
    async fn expiring_token(&self, queued: &QueuedMail) -> Result<Option<Letter>, Error> {
        let (user, now) = (self.owner(queued).await?, self.clock.now());
        let token = queued.upload_token.as_ref().filter(|told| {
            let mut live = user.iter().flat_map(|user| user.live_upload_tokens(now));
            live.any(|token| token.handle == told.handle && token.replaced_at.is_none())
        });
        Ok(token.map(|token| Letter::UploadTokenExpires {
            last4: token.last4.clone(),
            at: token.expires_at,
        }))
    }

    /// A security mail, with a link to take the account back.
    async fn security(
        &self,
        queued: &QueuedMail,
        event: SecurityEvent,
    ) -> Result<Option<Letter>, Error> {
        let Some(user) = self.owner(queued).await? else {
            return Ok(None);
        };
        let (token, now) = (Token::random(), self.clock.now());
        let link = NotMeLink {
            digest: token.digest(),
            mail: queued.id,
            email: queued.to.clone(),
            event_at: queued.queued_at,
            expires_at: queued.queued_at.plus(UNDO_LIFE),
            keeps_second_factors: event.is_of_an_attempt(),
            unknown: Unknown::new(),
        };
        let issued = self.users.change_from(user, |user| {
            Some(user.issue_not_me(link.clone(), event, now))
        });
        let issued = issued.await?;
        Ok(issued.map(|has_link| {
            Letter::Security(SecurityNotice {
                event,
                at: queued.queued_at,
                device: queued.device.unwrap_or_default(),
                not_me: has_link.then_some(token),
            })
        }))
    }
}

/// How long to wait after this many attempts: 2 s, doubling to 5 minutes.
fn retry_delay(attempts: u32) -> Duration {
    FIRST_RETRY_DELAY
        .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)))
        .min(LONGEST_RETRY_DELAY)
}

/// A reason in at most [`REASON_CHARS`] characters.
fn shortened(reason: &str) -> String {
    reason.chars().take(REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut() {
        assert_eq!(shortened("450 4.7.1"), "450 4.7.1");
        assert_eq!(shortened(&"ü".repeat(999)), "ü".repeat(REASON_CHARS));
    }

    #[test]
    fn retries_slow_down_to_five_minutes() {
        let delays: Vec<u64> = (1..=10).map(|n| retry_delay(n).as_secs()).collect();
        assert_eq!(delays, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(retry_delay(u32::MAX), LONGEST_RETRY_DELAY);
    }
}
