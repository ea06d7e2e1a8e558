//! What the accounts need of a database.

use async_trait::async_trait;

use super::{
    attempts::{AttemptKey, Counted, Limit},
    clock::Timestamp,
    email::Email,
    name::Name,
    outbox::{MailId, QueuedMail},
    password::PasswordHash,
    token::Digest,
};

/// A user as the accounts read one.
#[derive(Debug, Clone)]
pub struct User {
    /// The store's own name for the user, which may stand in a log.
    pub id: String,
    /// The name the user goes by.
    pub name: String,
    /// The address the user logs in with.
    pub email: Email,
    /// The stored hash of the password.
    pub password: PasswordHash,
    /// The devices the user has logged in with.
    pub devices: Vec<Device>,
}

/// A device its owner has logged in with, by the token in its cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// The digest of the token.
    pub digest: Digest,
    /// When the device got it.
    pub created_at: Timestamp,
}

/// A user about to be added, logged in at once.
#[derive(Debug)]
pub struct NewUser {
    /// The name the user goes by.
    pub name: Name,
    /// The address the user logs in with.
    pub email: Email,
    /// The hash of the chosen password.
    pub password: PasswordHash,
    /// The first session; the user's `createdAt` and `loginAt` are its start.
    pub session: Session,
    /// The first device.
    pub device: Device,
    /// A session of the same device that this one ends, whoever's it is.
    pub replaces: Option<Digest>,
}

/// One logged-in device.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The digest of the token in the device's cookie.
    pub digest: Digest,
    /// When the user logged in.
    pub created_at: Timestamp,
    /// When the session was last seen in use.
    pub used_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// What the device called itself.
    pub user_agent: String,
}

/// A login to be recorded, the password having been verified.
#[derive(Debug)]
pub struct Login<'a> {
    /// Whose login it is.
    pub email: &'a Email,
    /// The hash the password was verified against; the login counts only while it is still the user's.
    pub verified: &'a PasswordHash,
    /// A stronger hash of the same password, to replace it.
    pub upgraded: Option<PasswordHash>,
    /// The new session.
    pub session: Session,
    /// The device, where it is new to the user.
    pub device: Option<Device>,
    /// A session of the same device that this one ends, whoever's it is.
    pub replaces: Option<Digest>,
}

/// Why the store could not do its work; the text is for the log.
#[derive(Debug, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// Why a user was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddUserError {
    /// The e-mail has an account.
    #[error("the e-mail has an account")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The most sessions a user can have; a further login ends the oldest.
pub const MAX_SESSIONS: usize = 50;
/// The most attempts that are dropped in one step.
pub const SWEPT_AT_ONCE: usize = 500;
/// The most devices that are remembered of a user; a further one takes the place of the oldest.
pub const MAX_DEVICES: usize = 10;

/// Users, their sessions and reset links, the outgoing mail, and attempts.
///
/// Each method is one atomic step: it happens whole or not at all, and once it has answered `Ok`, what
/// it wrote survives a crash. Two methods at once behave as one after the other. Only the session that a
/// login or signup replaces may end in a second step, which a failure can leave undone.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Adds a user, unless the e-mail has an account.
    async fn add_user(&self, user: NewUser) -> Result<(), AddUserError>;

    /// The user with this e-mail.
    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;

    /// The user with this e-mail, if this is one of their devices; else it takes as long as if there were no user.
    async fn user_by_device(
        &self,
        email: &Email,
        device: &Digest,
    ) -> Result<Option<User>, StoreError>;

    /// The user with this session, and the session, even where it has expired.
    async fn user_by_session(&self, digest: &Digest)
    -> Result<Option<(User, Session)>, StoreError>;

    /// The user with this reset link, where it has not expired by `now`.
    async fn user_by_reset(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError>;

    /// Records a login: adds the session and the device, sets `loginAt` to its start, drops expired sessions,
    /// the oldest past [`MAX_SESSIONS`], and the oldest devices past [`MAX_DEVICES`]. False, with nothing
    /// changed, where the user is gone or the password is no longer the one that was verified.
    async fn add_session(&self, login: Login<'_>) -> Result<bool, StoreError>;

    /// Notes the use of a session and when it now expires; nothing where it is gone.
    async fn touch_session(
        &self,
        digest: &Digest,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Ends a live session and sets the user's `lastLogout` to `now`. False where no such session lives.
    async fn remove_session(&self, digest: &Digest, now: Timestamp) -> Result<bool, StoreError>;

    /// Gives the user with this e-mail a reset link, ending an older one.
    async fn set_reset(
        &self,
        email: &Email,
        digest: &Digest,
        expires_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Uses a reset link that lives at `now`: sets the password, ends the link and all sessions, puts `device`
    /// in the place of all known ones, and queues `notice`. False, with nothing changed, where no such link
    /// lives; so a link works once.
    async fn reset_password(
        &self,
        digest: &Digest,
        password: PasswordHash,
        device: Device,
        notice: QueuedMail,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

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

    /// Drops attempts, mail and reset links that have expired by `now`; of more attempts than `most` also those that
    /// are forgotten soonest, though not within [`super::limits::SHORT_MEMORY`]. No more than [`SWEPT_AT_ONCE`]
    /// attempts go at once, so that nothing else waits long; true if there may be more. Expired sessions go at their
    /// user's next login.
    async fn sweep(&self, now: Timestamp, most: u64) -> Result<bool, StoreError>;
}
