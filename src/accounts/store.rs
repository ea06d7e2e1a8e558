//! The trait of the database.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    attempts::{AttemptKey, Attempts, Counted, Limit},
    challenge::Challenge,
    clock::Timestamp,
    email::Email,
    error::StoreError,
    id::UserId,
    mail::{MailId, OutboxMail, OutboxSize, QueuedMail},
    secret_keys::KeyId,
    token::Digest,
    user::{Session, UploadToken, User},
};

/// What a user is looked up by.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// The user's id.
    Id(&'a UserId),
    /// The address the user logs in with.
    Email(&'a Email),
    /// The same, if this is one of the user's devices. If it is not, the lookup takes as long as for an unknown
    /// address.
    Device(&'a Email, &'a Digest),
    /// A session, even one that has expired.
    Session(&'a Digest),
    /// An address that belongs to the user alone: the one to log in with, or a former one, even if its time is over.
    Address(&'a Email),
    /// A reset link, even one that has expired.
    ResetLink(&'a Digest),
    /// A link to confirm an address, even one that has expired.
    Confirmation(&'a Digest),
    /// A link "this was not me", even one that has expired.
    NotMe(&'a Digest),
    /// An upload token, even one that has expired.
    UploadToken(&'a Digest),
    /// A login that waits for a second factor, even one whose time is over.
    PendingLogin(&'a Digest),
}

/// The user whose session, or whose upload token, a request carries: the few fields that most answers need.
#[derive(Debug, Clone, PartialEq)]
pub struct Visitor<C = Session> {
    /// The user's id.
    pub id: UserId,
    /// The user's name.
    pub name: String,
    /// The address the user logs in with.
    pub email: Email,
    /// Whether the address is confirmed.
    pub email_confirmed: bool,
    /// Whether the password is known from a breach.
    pub password_breached: bool,
    /// Whether the account is disabled. Another version may have left it a session or a token.
    pub is_disabled: bool,
    /// The session or the token, even if it has expired.
    pub credential: C,
}

impl<C> Visitor<C> {
    /// The user, if the credential is there.
    pub fn of(mut user: User, credential: impl FnOnce(&mut User) -> Option<C>) -> Option<Self> {
        let credential = credential(&mut user)?;
        Some(Self {
            id: user.id,
            name: user.name,
            email: user.email,
            email_confirmed: user.confirmed_at.is_some(),
            password_breached: user.password_breached,
            is_disabled: user.disabled_at.is_some(),
            credential,
        })
    }
}

/// What a store has of a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserRecord {
    /// The user, with all fields that the store has.
    User(Box<User>),
    /// A user who was deleted.
    Deleted {
        /// The user's id.
        id: UserId,
        /// When.
        at: Timestamp,
    },
}

impl UserRecord {
    /// Whose record it is.
    pub fn id(&self) -> &UserId {
        match self {
            Self::User(user) => &user.id,
            Self::Deleted { id, .. } => id,
        }
    }
}

/// Some of the records of users, in the order of the ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Scanned {
    /// The records.
    pub records: Vec<UserRecord>,
    /// The ids of those that are neither a user nor a deleted one: another program wrote them.
    pub unreadable: Vec<UserId>,
    /// The id after which to go on; none if there are no more.
    pub last: Option<UserId>,
}

impl Scanned {
    /// What was found, by id, with the record if it can be read.
    pub fn of(found: Vec<(UserId, Option<UserRecord>)>) -> Self {
        let last = found.last().map(|(id, _)| id.clone());
        let (mut records, mut unreadable) = (Vec::new(), Vec::new());
        for (id, record) in found {
            match record {
                Some(record) => records.push(record),
                None => unreadable.push(id),
            }
        }
        Self {
            records,
            unreadable,
            last,
        }
    }
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

/// The result of [`Store::replace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Replaced {
    /// The change is stored.
    Done,
    /// The user was changed since it was read. Nothing is stored.
    Conflict,
    /// Another user has the new e-mail. Nothing is stored.
    Taken,
}

/// How many counters of attempts one sweep deletes at most.
pub const SWEPT_AT_ONCE: usize = 500;

/// Stores users, outgoing mail and counters of attempts. The rules are elsewhere: a store only reads and writes.
///
/// Each method is atomic and durable: it happens whole or not at all, and what it wrote survives a crash once it has
/// returned `Ok`. Two methods at once behave as one after the other.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Adds a user, unless another one has the address or holds it. The mail in [`User::notices`] is not sent.
    async fn insert(&self, user: &User) -> Result<(), InsertError>;

    /// Looks a user up, by one indexed read.
    async fn find(&self, key: Key<'_>) -> Result<Option<User>, StoreError>;

    /// Replaces `before` by `after`, unless the user has changed since `before` was read. The mail in
    /// [`User::notices`] goes into the outbox, in this step or soon after.
    async fn replace(&self, before: &User, after: &User) -> Result<Replaced, StoreError>;

    /// Removes a user who has not changed since `user` was read; of the record nothing stays but the id and `now`, so
    /// that what refers to the user still leads somewhere. The mail goes into the outbox as with [`Self::replace`].
    async fn delete(
        &self,
        user: &User,
        now: Timestamp,
        last_mail: Option<QueuedMail>,
    ) -> Result<Replaced, StoreError>;

    /// Reads the records of users and of deleted ones whose ids come after `after`, at most `most`. Each is read whole,
    /// but not all at one moment.
    async fn scan(&self, after: Option<&UserId>, most: usize) -> Result<Scanned, StoreError>;

    /// Adds users and deleted ones, as many as one write can take. Returns the ids of those who were not added, since
    /// another user has one of their addresses, or a user, perhaps a deleted one, has the id. The mail in
    /// [`User::notices`] is sent.
    async fn insert_all(&self, records: Vec<UserRecord>) -> Result<Vec<UserId>, StoreError>;

    /// Looks up whose session this is.
    async fn visitor(&self, session: &Digest) -> Result<Option<Visitor>, StoreError>;

    /// Looks up whose upload token this is.
    async fn token_holder(
        &self,
        token: &Digest,
    ) -> Result<Option<Visitor<UploadToken>>, StoreError>;

    /// The users whose [`User::due_at`] is not after `now`, those due longest first, at most `most`.
    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<UserId>, StoreError>;

    /// Puts a mail into the outbox, due at once.
    async fn queue_mail(&self, mail: QueuedMail) -> Result<(), StoreError>;

    /// Claims the mail that has been due longest at `now`: counts the attempt, and hides the mail from others until
    /// `lease`.
    async fn claim_mail(
        &self,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<QueuedMail>, StoreError>;

    /// Releases a claimed mail, to be due at `due_at`, with the reason why it was not delivered.
    async fn retry_mail(
        &self,
        id: &MailId,
        due_at: Timestamp,
        reason: &str,
    ) -> Result<(), StoreError>;

    /// Deletes a mail from the outbox, even if it is parked; whether there was one.
    async fn remove_mail(&self, id: &MailId) -> Result<bool, StoreError>;

    /// Parks a mail that can never be delivered, with the reason, for an administrator to see.
    async fn park_mail(&self, id: &MailId, reason: &str) -> Result<(), StoreError>;

    /// Makes every waiting mail due at `now`, except those that another process has claimed.
    async fn expedite_mail(&self, now: Timestamp) -> Result<(), StoreError>;

    /// The mails in the outbox, the parked ones too, those that were asked for first, at most `most`.
    async fn mails(&self, most: usize) -> Result<Vec<OutboxMail>, StoreError>;

    /// How much mail there is.
    async fn outbox_size(&self) -> Result<OutboxSize, StoreError>;

    /// Makes a mail due at `now`, even if it is parked; false if there is none that nobody has claimed.
    async fn requeue_mail(&self, id: &MailId, now: Timestamp) -> Result<bool, StoreError>;

    /// Keeps a challenge of a passkey. A crash of this program may lose it.
    async fn insert_challenge(&self, challenge: &Challenge) -> Result<(), StoreError>;

    /// Removes a challenge and returns it, even if it has expired: of many who ask at once, one gets it.
    async fn take_challenge(&self, digest: &Digest) -> Result<Option<Challenge>, StoreError>;

    /// Counts an attempt under each key by its limit, independently of the other keys. The results are in the same
    /// order.
    ///
    /// Concurrent attempts cannot pass a limit. Unlike all else, counts may be lost in a crash until
    /// [`Self::flush_attempts`] has returned.
    async fn count_attempts(
        &self,
        attempts: &[(AttemptKey, Limit)],
        now: Timestamp,
    ) -> Result<Vec<Counted>, StoreError>;

    /// How many attempts are counted under these keys together.
    async fn attempts(&self, keys: &[AttemptKey], now: Timestamp) -> Result<u64, StoreError>;

    /// The counters that refuse attempts at `now`, at most `most`. Reads all counters: for an operator, not for a route.
    async fn closed_attempts(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(AttemptKey, Attempts)>, StoreError>;

    /// Deletes all attempts under the keys `forgotten`, and takes one back under each of `taken_back`, where the next
    /// is then allowed at once. If it fails half-way, the rest stays counted.
    async fn settle_attempts(
        &self,
        forgotten: &[AttemptKey],
        taken_back: &[AttemptKey],
    ) -> Result<(), StoreError>;

    /// Waits until a crash of this program can no longer lose the attempts counted before. A crash of the database
    /// server may still lose the last ones.
    async fn flush_attempts(&self) -> Result<(), StoreError>;

    /// Deletes attempts, challenges and mail that have expired at `now`. If there are more than `most` counters of attempts, also
    /// those that expire soonest, but none that expire within [`super::limit_table::SHORT_MEMORY`]. Deletes at most
    /// [`SWEPT_AT_ONCE`] counters, so that requests do not wait long; true if there may be more to delete. Expired
    /// sessions and links are deleted at their user's next login.
    async fn sweep(&self, now: Timestamp, most: u64) -> Result<bool, StoreError>;

    /// Notes that secrets are encrypted by the keys `used`, and by those of `unused` no more.
    async fn note_secret_keys(&self, used: &[KeyId], unused: &[KeyId]) -> Result<(), StoreError>;

    /// The keys by which secrets may be encrypted, in the order of their ids; none that never encrypted anything.
    async fn noted_secret_keys(&self) -> Result<Vec<KeyId>, StoreError>;

    /// Writes something that nobody reads, to see whether it can.
    async fn try_write(&self) -> Result<(), StoreError>;

    /// Ends what runs in the background, before the process ends. Nothing can be done with the store after that.
    async fn close(&self) {}
}
