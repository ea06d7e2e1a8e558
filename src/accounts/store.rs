//! What the accounts need of a database.

use async_trait::async_trait;

use super::{
    attempts::{AttemptKey, Counted, Limit},
    clock::Timestamp,
    email::Email,
    error::StoreError,
    id::UserId,
    mail::{MailId, QueuedMail},
    token::Digest,
    user::{Session, User},
};

/// What a user is found by.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// The user's id.
    Id(&'a UserId),
    /// The address the user logs in with.
    Email(&'a Email),
    /// The same, if this is one of the user's devices; else it takes as long as if there were no user.
    Device(&'a Email, &'a Digest),
    /// A session, even one that has expired.
    Session(&'a Digest),
    /// A reset link, even one that has expired.
    ResetLink(&'a Digest),
}

/// Whose session a request carries: the little that a page needs of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Visitor {
    /// Names the user.
    pub id: UserId,
    /// The name the user goes by.
    pub name: String,
    /// The address the user logs in with.
    pub email: Email,
    /// The session, even if it has expired.
    pub session: Session,
}

/// Why a user was not inserted.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    /// The e-mail has an account.
    #[error("the e-mail has an account")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Replaced {
    /// It is kept.
    Done,
    /// Another one came before it, so that nothing was changed.
    Conflict,
    /// Another user has the new e-mail, so that nothing was changed.
    Taken,
}

/// The most attempts that are dropped in one step.
pub const SWEPT_AT_ONCE: usize = 500;
/// Users, the outgoing mail, and attempts. The rules are elsewhere: a store keeps what it is given.
///
/// Each method is one atomic step: it happens whole or not at all, and once it has answered `Ok`, what
/// it wrote survives a crash. Two methods at once behave as one after the other.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Adds a user, unless the e-mail has an account.
    async fn insert(&self, user: &User) -> Result<(), InsertError>;

    /// The user with this key, by one indexed read.
    async fn find(&self, key: Key<'_>) -> Result<Option<User>, StoreError>;

    /// Keeps `after` in the place of `before`, unless the user has changed since `before` was read. The mail in
    /// [`User::notices`] goes into the outbox, if not with this step, then soon after.
    async fn replace(&self, before: &User, after: &User) -> Result<Replaced, StoreError>;

    /// Whose session this is.
    async fn visitor(&self, session: &Digest) -> Result<Option<Visitor>, StoreError>;

    /// Puts a mail into the outbox, due at once.
    async fn queue_mail(&self, mail: QueuedMail) -> Result<(), StoreError>;

    /// Takes the mail that has been due longest by `now`, counts the attempt, and keeps others from taking
    /// it until `lease`.
    async fn claim_mail(
        &self,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<QueuedMail>, StoreError>;

    /// Puts a claimed mail back, due at `due_at`.
    async fn retry_mail(&self, id: &MailId, due_at: Timestamp) -> Result<(), StoreError>;

    /// Takes a mail out of the outbox.
    async fn remove_mail(&self, id: &MailId) -> Result<(), StoreError>;

    /// Sets a mail aside that can never be delivered, with the reason, for an administrator to see.
    async fn park_mail(&self, id: &MailId, reason: &str) -> Result<(), StoreError>;

    /// Makes every waiting mail due at `now`, as at start, but not what another process has claimed.
    async fn expedite_mail(&self, now: Timestamp) -> Result<(), StoreError>;

    /// Counts an attempt under each key by its limit, each for itself, and says of each what became of it.
    ///
    /// Of attempts at once none passes a limit. Unlike all else, attempts may be lost in a crash until
    /// [`Self::keep_attempts`] has answered.
    async fn count_attempts(
        &self,
        attempts: &[(AttemptKey, Limit)],
        now: Timestamp,
    ) -> Result<Vec<Counted>, StoreError>;

    /// Forgets all attempts under the keys `forgotten`, and takes one back under each of `taken_back`, which
    /// are open then. What fails on the way stays counted.
    async fn settle_attempts(
        &self,
        forgotten: &[AttemptKey],
        taken_back: &[AttemptKey],
    ) -> Result<(), StoreError>;

    /// Waits until a crash of this program loses none of the attempts that were counted before; if the database
    /// itself crashes, the last may be lost.
    async fn keep_attempts(&self) -> Result<(), StoreError>;

    /// Drops attempts and mail that have expired by `now`; of more attempts than `most` also those that are forgotten
    /// soonest, though not within [`super::limit_table::SHORT_MEMORY`]. No more than [`SWEPT_AT_ONCE`] attempts go at once,
    /// so that nothing else waits long; true if there may be more. Sessions and links that have expired go at their
    /// user's next login.
    async fn sweep(&self, now: Timestamp, most: u64) -> Result<bool, StoreError>;
}
