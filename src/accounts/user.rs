//! The record of a user, and every rule that changes it: no clock and no store.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    DEVICE_LIFE, clock::Timestamp, email::Email, name::Name, outbox::QueuedMail,
    password::PasswordHash, token::Digest,
};

/// The most sessions a user can have; a further login ends the oldest.
pub const MAX_SESSIONS: usize = 50;
/// The most devices that are remembered of a user; a further one takes the place of the oldest.
pub const MAX_DEVICES: usize = 10;

/// Fields that this version does not know, which another version or another program wrote. They stay as they are.
pub type Unknown = Map<String, Value>;

/// A user as the stores keep one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Names the user for good.
    pub id: UserId,
    /// The number of changes; none if another program wrote the record.
    pub rev: Option<i64>,
    /// The name the user goes by.
    pub name: String,
    /// The address the user logs in with.
    pub email: Email,
    /// The hash of the password.
    pub password: PasswordHash,
    /// When the user signed up.
    pub created_at: Timestamp,
    /// When the user last logged in.
    pub login_at: Timestamp,
    /// When the user last logged out.
    pub last_logout: Option<Timestamp>,
    /// Where the user is logged in, the oldest first; some may have expired.
    pub sessions: Vec<Session>,
    /// The devices the user has logged in with, the oldest first.
    pub devices: Vec<Device>,
    /// The link to choose a new password; it may have expired.
    pub reset: Option<ResetLink>,
    /// Mail that goes with the last change and is not in the outbox yet.
    pub notices: Vec<QueuedMail>,
    /// What else the record holds.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Names a user for good, also in logs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(String);

/// One logged-in device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Names the session to its user; opens nothing.
    pub handle: Handle,
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
    /// What else the record holds.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Names something to its user that has a secret token as well: 64 random bits in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(String);

/// A device its owner has logged in with, by the token in its cookie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The digest of the token.
    pub digest: Digest,
    /// When the device got it.
    pub created_at: Timestamp,
    /// What else the record holds.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A link to choose a new password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetLink {
    /// The digest of the token in the link.
    pub digest: Digest,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl UserId {
    /// A new id: the second of its making and 64 random bits, in 24 hexadecimal digits, as MongoDB makes its own.
    pub fn new(now: Timestamp) -> Self {
        let second = u32::try_from(now.millis() / 1000).unwrap_or_default();
        Self(format!("{second:08x}{}", random_digits()))
    }

    /// The id as a store keeps it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Handle {
    /// A new handle.
    pub fn random() -> Self {
        Self(random_digits())
    }

    /// The handle as a store keeps it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The handle of a session that was begun when sessions had none.
    pub fn of_older(session: &Digest) -> Self {
        let digest = Digest::of(session.as_bytes()).to_string();
        Self(digest.chars().take(16).collect())
    }

    /// The handle as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 64 random bits in 16 hexadecimal digits.
fn random_digits() -> String {
    // Version and variant of a UUID stand in the middle.
    let [a, b, c, d, .., w, x, y, z] = Uuid::new_v4().into_bytes();
    let bits = u64::from_be_bytes([a, b, c, d, w, x, y, z]);
    format!("{bits:016x}")
}

impl User {
    /// A user who has just signed up, and is logged in.
    pub fn new(
        name: Name,
        email: Email,
        password: PasswordHash,
        session: Session,
        device: Device,
    ) -> Self {
        let now = session.created_at;
        Self {
            id: UserId::new(now),
            rev: None,
            name: name.as_str().to_owned(),
            email,
            password,
            created_at: now,
            login_at: now,
            last_logout: None,
            sessions: vec![session],
            devices: vec![device],
            reset: None,
            notices: Vec::new(),
            unknown: Unknown::new(),
        }
    }

    /// Begins a session, in the place of the one that the same device had. Drops what has expired by then, and the
    /// oldest sessions and devices past [`MAX_SESSIONS`] and [`MAX_DEVICES`]. `device` is one that is new to the user.
    pub fn log_in(&mut self, session: Session, device: Option<Device>, replaces: Option<&Digest>) {
        let now = session.created_at;
        self.login_at = now;
        self.sessions
            .retain(|old| old.expires_at > now && replaces != Some(&old.digest));
        self.sessions.push(session);
        drop_first(&mut self.sessions, MAX_SESSIONS);
        self.devices.extend(device);
        drop_first(&mut self.devices, MAX_DEVICES);
        self.reset.take_if(|reset| reset.expires_at <= now);
    }

    /// The session with this token, even if it has expired.
    pub fn session(&self, digest: &Digest) -> Option<&Session> {
        self.sessions
            .iter()
            .find(|session| session.digest == *digest)
    }

    /// Ends a session, if there is one with this token.
    pub fn end_session(&mut self, digest: &Digest) -> Option<Session> {
        let mut sessions = self.sessions.iter();
        let position = sessions.position(|session| session.digest == *digest)?;
        Some(self.sessions.remove(position))
    }

    /// Ends a live session at its user's wish; false, with nothing changed, if there is none.
    pub fn log_out(&mut self, digest: &Digest, now: Timestamp) -> bool {
        let is_live = self
            .session(digest)
            .is_some_and(|session| session.expires_at > now);
        if is_live {
            self.end_session(digest);
            self.last_logout = Some(now);
        }
        is_live
    }

    /// Notes the use of a session, and when it now expires; false if there is none.
    pub fn touch(&mut self, digest: &Digest, used_at: Timestamp, expires_at: Timestamp) -> bool {
        let mut sessions = self.sessions.iter_mut();
        let Some(session) = sessions.find(|session| session.digest == *digest) else {
            return false;
        };
        session.used_at = used_at;
        session.expires_at = expires_at;
        true
    }

    /// Whether this is the user's reset link, and lives.
    pub fn has_reset(&self, link: &Digest, now: Timestamp) -> bool {
        let reset = self.reset.as_ref();
        reset.is_some_and(|reset| reset.digest == *link && reset.expires_at > now)
    }

    /// Uses a live reset link: sets the password, ends the link and all sessions, puts `device` in the place of all
    /// known ones, and sends `notice`. False, with nothing changed, if no such link lives; so a link works once.
    pub fn use_reset(
        &mut self,
        link: &Digest,
        password: PasswordHash,
        device: Device,
        notice: QueuedMail,
        now: Timestamp,
    ) -> bool {
        let has_reset = self.has_reset(link, now);
        if has_reset {
            self.password = password;
            self.reset = None;
            self.sessions.clear();
            self.devices = vec![device];
            self.notices.push(notice);
        }
        has_reset
    }

    /// The device with this token, however long ago the user logged in with it.
    pub fn device(&self, digest: &Digest) -> Option<&Device> {
        self.devices.iter().find(|device| device.digest == *digest)
    }

    /// Whether the user has logged in with this device, not too long ago.
    pub fn knows(&self, device: &Digest, now: Timestamp) -> bool {
        let oldest = now.minus(DEVICE_LIFE);
        self.device(device)
            .is_some_and(|device| device.created_at > oldest)
    }
}

/// Drops the oldest items past `most`.
fn drop_first<T>(items: &mut Vec<T>, most: usize) {
    items.drain(..items.len().saturating_sub(most));
}
