//! The record of a user, and every rule that changes it, as pure functions: no clock and no store.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    clock::Timestamp,
    email::Email,
    id::{Handle, UserId},
    lifetimes::DEVICE_LIFE,
    mail::QueuedMail,
    name::Name,
    password::PasswordHash,
    token::Digest,
};

/// The most sessions a user can have; a further login ends the oldest.
pub const MAX_SESSIONS: usize = 50;
/// The most devices that are remembered of a user; a further one replaces the oldest.
pub const MAX_DEVICES: usize = 10;

/// Fields that this version does not know, because another version or program wrote them. They are written back
/// unchanged.
pub type Unknown = Map<String, Value>;

/// The record of a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user's id, which never changes.
    pub id: UserId,
    /// The revision: the number of changes. None if another program wrote the record.
    pub rev: Option<i64>,
    /// The user's name.
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
    /// The sessions, the oldest first. Some may have expired.
    pub sessions: Vec<Session>,
    /// The devices the user has logged in with, the oldest first.
    pub devices: Vec<Device>,
    /// The link to choose a new password; it may have expired.
    pub reset: Option<ResetLink>,
    /// Mail that belongs to the last change and is not in the outbox yet.
    pub notices: Vec<QueuedMail>,
    /// Other fields of the record.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Names the session in lists. Not secret.
    pub handle: Handle,
    /// The digest of the token in the device's cookie.
    pub digest: Digest,
    /// When the user logged in.
    pub created_at: Timestamp,
    /// When the session was last seen in use.
    pub used_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The `User-Agent` at login.
    pub user_agent: String,
    /// Other fields of the record.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A device that the user has logged in with, known by the token in its cookie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The digest of the token.
    pub digest: Digest,
    /// When the device got it.
    pub created_at: Timestamp,
    /// Other fields of the record.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A link to choose a new password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetLink {
    /// The digest of the token in the link.
    pub digest: Digest,
    /// When it expires.
    pub expires_at: Timestamp,
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

    /// Adds a session; `replaces` is the one that the same device had. Drops what has expired, and the oldest sessions
    /// and devices over [`MAX_SESSIONS`] and [`MAX_DEVICES`]. `device` is given if it is new to the user.
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

    /// Logs out: ends a live session. False, with nothing changed, if there is none.
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

    /// Records the use of a session, and its new expiry. False if there is no such session.
    pub fn touch(&mut self, digest: &Digest, used_at: Timestamp, expires_at: Timestamp) -> bool {
        let mut sessions = self.sessions.iter_mut();
        let Some(session) = sessions.find(|session| session.digest == *digest) else {
            return false;
        };
        session.used_at = used_at;
        session.expires_at = expires_at;
        true
    }

    /// Whether this is the user's reset link, and has not expired.
    pub fn has_reset(&self, link: &Digest, now: Timestamp) -> bool {
        let reset = self.reset.as_ref();
        reset.is_some_and(|reset| reset.digest == *link && reset.expires_at > now)
    }

    /// Uses a live reset link: sets the password, ends the link and all sessions, makes `device` the only known one,
    /// and queues `notice`. False, with nothing changed, if there is no such link; so a link works once.
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

    /// The device with this token, even if it is no longer known.
    pub fn device(&self, digest: &Digest) -> Option<&Device> {
        self.devices.iter().find(|device| device.digest == *digest)
    }

    /// Whether the user has logged in with this device within [`DEVICE_LIFE`].
    pub fn knows(&self, device: &Digest, now: Timestamp) -> bool {
        let oldest = now.minus(DEVICE_LIFE);
        self.device(device)
            .is_some_and(|device| device.created_at > oldest)
    }
}

/// Drops the oldest items, so that at most `most` are left.
fn drop_first<T>(items: &mut Vec<T>, most: usize) {
    items.drain(..items.len().saturating_sub(most));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use std::time::Duration;

    use super::*;
    use crate::accounts::{mail::MailKind, token::Token};

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn day(n: u32) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).plus(n * DAY)
    }

    fn session(from: u32, to: u32) -> Session {
        Session {
            handle: Handle::random(),
            digest: Token::random().digest(),
            created_at: day(from),
            used_at: day(from),
            expires_at: day(to),
            user_agent: "curl/8".to_owned(),
            unknown: Unknown::new(),
        }
    }

    fn device(since: u32) -> Device {
        Device {
            digest: Token::random().digest(),
            created_at: day(since),
            unknown: Unknown::new(),
        }
    }

    fn ada() -> User {
        User::new(
            Name::parse("Ada Lovelace").unwrap(),
            Email::parse("ada@example.org").unwrap(),
            PasswordHash::from_stored("first".to_owned()),
            session(0, 30),
            device(0),
        )
    }

    fn digests(user: &User) -> Vec<Digest> {
        user.sessions.iter().map(|session| session.digest).collect()
    }

    #[test]
    fn a_login_adds_a_session_and_a_device_and_drops_what_has_expired() {
        let mut user = ada();
        user.log_in(session(1, 2), None, None);
        user.reset = Some(ResetLink {
            digest: Token::random().digest(),
            expires_at: day(2),
        });
        let (new, first) = (session(3, 33), digests(&user)[0]);
        let phone = device(3);
        user.log_in(new.clone(), Some(phone.clone()), None);
        assert_eq!(digests(&user), [first, new.digest]);
        assert_eq!(user.devices.last(), Some(&phone));
        assert_eq!((user.login_at, user.reset), (day(3), None));
    }

    #[test]
    fn a_login_ends_the_session_it_replaces_and_keeps_a_live_link() {
        let mut user = ada();
        let link = ResetLink {
            digest: Token::random().digest(),
            expires_at: day(2),
        };
        user.reset = Some(link.clone());
        let (old, new) = (digests(&user)[0], session(1, 31));
        let other = session(0, 30);
        user.log_in(other.clone(), None, None);
        user.log_in(new.clone(), None, Some(&old));
        assert_eq!(digests(&user), [other.digest, new.digest]);
        assert_eq!(user.reset, Some(link));
    }

    #[test]
    fn the_oldest_sessions_and_devices_go_past_the_most() {
        let mut user = ada();
        let logins: Vec<_> = (0..60).map(|n| (session(n, 99), device(n))).collect();
        for (session, device) in &logins {
            user.log_in(session.clone(), Some(device.clone()), None);
        }
        let sessions: Vec<_> = logins[10..].iter().map(|login| login.0.clone()).collect();
        let devices: Vec<_> = logins[50..].iter().map(|login| login.1.clone()).collect();
        assert_eq!((user.sessions, user.devices), (sessions, devices));
    }

    #[test]
    fn a_logout_ends_a_live_session_once_and_no_other() {
        let (mut user, other) = (ada(), session(0, 30));
        user.log_in(other.clone(), None, None);
        let digest = digests(&user)[0];
        let before = user.clone();
        assert!(!user.log_out(&digest, day(30)), "it has expired");
        assert!(!user.log_out(&Token::random().digest(), day(1)));
        assert_eq!(user, before);
        assert!(user.log_out(&digest, day(1)));
        assert!(!user.log_out(&digest, day(1)));
        assert_eq!(
            (user.sessions, user.last_logout),
            (vec![other], Some(day(1)))
        );
    }

    #[test]
    fn a_session_in_use_lives_on_and_one_that_ended_does_not_come_back() {
        let (mut user, other) = (ada(), session(0, 30));
        user.log_in(other.clone(), None, None);
        let digest = digests(&user)[0];
        assert!(user.touch(&digest, day(5), day(19)));
        let session = user.session(&digest).unwrap();
        assert_eq!((session.used_at, session.expires_at), (day(5), day(19)));
        user.end_session(&digest);
        assert!(!user.touch(&digest, day(6), day(20)));
        assert_eq!(user.sessions, [other]);
    }

    #[test]
    fn a_reset_link_works_once_until_it_expires() {
        let mut user = ada();
        let link = Token::random().digest();
        user.reset = Some(ResetLink {
            digest: link,
            expires_at: day(1),
        });
        let notice = QueuedMail::new(MailKind::PasswordChanged, user.email.clone(), day(0));
        let new = PasswordHash::from_stored("second".to_owned());
        let here = device(0);
        let use_it = |user: &mut User, link: &Digest, now| {
            user.use_reset(link, new.clone(), here.clone(), notice.clone(), now)
        };
        let before = user.clone();
        assert!(!use_it(&mut user, &link, day(1)), "it has expired");
        assert!(!use_it(&mut user, &Token::random().digest(), day(0)));
        assert_eq!(user, before);
        assert!(use_it(&mut user, &link, day(0)));
        let after = User {
            password: new.clone(),
            sessions: vec![],
            devices: vec![here.clone()],
            reset: None,
            notices: vec![notice.clone()],
            ..before
        };
        assert_eq!(user, after);
        assert!(!use_it(&mut user, &link, day(0)));
        assert_eq!(user, after);
    }

    #[test]
    fn a_device_is_known_for_a_year() {
        let user = ada();
        let device = user.devices[0].digest;
        assert!(user.knows(&device, day(364)));
        assert!(!user.knows(&device, day(366)));
        assert!(!user.knows(&Token::random().digest(), day(1)));
    }
}
