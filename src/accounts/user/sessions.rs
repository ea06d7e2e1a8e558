//! Logins, sessions and known devices.

use super::{
    Device, MAX_DEVICES, MAX_SESSIONS, Session, User, drop_first,
    event::{EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp, id::Handle, lifetimes::DEVICE_LIFE, security_event::SecurityEvent,
    token::Digest,
};

impl User {
    /// Begins a session, in the place of the one that the same device had. Drops what has expired by then, and the
    /// oldest sessions and devices past [`MAX_SESSIONS`] and [`MAX_DEVICES`]. `device` is one that is new to the user,
    /// of which a mail tells.
    pub fn log_in(&mut self, session: Session, device: Option<Device>, replaces: Option<&Digest>) {
        let origin = session.origin();
        let now = origin.at;
        self.login_at = now;
        self.sessions
            .retain(|old| old.expires_at > now && replaces != Some(&old.digest));
        self.sessions.push(session);
        drop_first(&mut self.sessions, MAX_SESSIONS);
        self.reset.take_if(|reset| reset.expires_at <= now);
        self.drop_expired_former_factors(now);
        if device.is_some() {
            self.tell(SecurityEvent::NewDevice, &origin);
        } else {
            self.note(EventKind::LoggedIn, &origin);
        }
        self.devices.extend(device);
        drop_first(&mut self.devices, MAX_DEVICES);
    }

    /// The session with this token, even if it has expired.
    pub fn session(&self, digest: &Digest) -> Option<&Session> {
        self.sessions
            .iter()
            .find(|session| session.digest == *digest)
    }

    /// The session with this token, if it has not expired.
    pub fn live_session(&self, digest: &Digest, now: Timestamp) -> Option<&Session> {
        self.session(digest).filter(|session| session.is_live(now))
    }

    /// The sessions that have not expired.
    pub fn live_sessions(&self, now: Timestamp) -> impl Iterator<Item = &Session> {
        let sessions = self.sessions.iter();
        sessions.filter(move |session| session.is_live(now))
    }

    /// Ends a session, if there is one with this token.
    pub fn end_session(&mut self, digest: &Digest) -> Option<Session> {
        let mut sessions = self.sessions.iter();
        let position = sessions.position(|session| session.digest == *digest)?;
        Some(self.sessions.remove(position))
    }

    /// Ends a live session at its user's wish; false, with nothing changed, if there is none.
    pub fn log_out(&mut self, digest: &Digest, origin: &Origin) -> bool {
        let is_live = self.live_session(digest, origin.at).is_some();
        if is_live {
            self.end_session(digest);
            self.last_logout = Some(origin.at);
            self.note(EventKind::LoggedOut, origin);
        }
        is_live
    }

    /// Ends the live session of this handle, and gives it back; none, with nothing changed, if there is none.
    pub fn end_session_named(&mut self, handle: &Handle, origin: &Origin) -> Option<Session> {
        let mut live = self.live_sessions(origin.at);
        let digest = live.find(|session| session.handle == *handle)?.digest;
        drop(live);
        let ended = self.end_session(&digest);
        self.note(EventKind::SessionEnded, origin);
        ended
    }

    /// Ends all sessions but this one; how many of them were live.
    pub fn end_other_sessions(&mut self, kept: &Digest, origin: &Origin) -> usize {
        let live = self.live_sessions(origin.at);
        let ended = live.filter(|session| session.digest != *kept).count();
        self.sessions.retain(|session| session.digest == *kept);
        if ended > 0 {
            self.note(EventKind::SessionEnded, origin);
        }
        ended
    }

    /// Notes the use of a session, and when it now expires; false if there is none.
    pub fn touch(&mut self, digest: &Digest, origin: &Origin, expires_at: Timestamp) -> bool {
        let Some(session) = self.session_mut(digest) else {
            return false;
        };
        session.used_at = origin.at;
        session.network.clone_from(&origin.network);
        session.expires_at = expires_at;
        true
    }

    /// Notes that the user has given the password in a session; false if there is none.
    pub fn authenticate(&mut self, digest: &Digest, now: Timestamp) -> bool {
        let session = self.session_mut(digest);
        session
            .map(|session| session.authenticated_at = now)
            .is_some()
    }

    pub(super) fn session_mut(&mut self, digest: &Digest) -> Option<&mut Session> {
        let mut sessions = self.sessions.iter_mut();
        sessions.find(|session| session.digest == *digest)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use std::time::Duration;

    use super::*;
    use crate::accounts::{
        mail::MailKind,
        security_event::SecurityEvent::NewDevice,
        token::Token,
        user::{
            ResetLink,
            tests::{ada, confirmed, day, device, kinds, origin, session},
        },
    };

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
            unknown: Default::default(),
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
            unknown: Default::default(),
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
        assert!(!user.log_out(&digest, &origin(30)), "it has expired");
        assert!(!user.log_out(&Token::random().digest(), &origin(1)));
        assert_eq!(user, before);
        assert!(user.log_out(&digest, &origin(1)));
        assert!(!user.log_out(&digest, &origin(1)));
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
        assert!(user.touch(&digest, &origin(5), day(19)));
        let session = user.session(&digest).unwrap();
        assert_eq!((session.used_at, session.expires_at), (day(5), day(19)));
        user.end_session(&digest);
        assert!(!user.touch(&digest, &origin(6), day(20)));
        assert_eq!(user.sessions, [other]);
    }

    #[test]
    fn a_device_is_known_for_a_year() {
        let user = ada();
        let device = user.devices[0].digest;
        assert!(user.knows(&device, day(364)));
        assert!(!user.knows(&device, day(366)));
        assert!(!user.knows(&Token::random().digest(), day(1)));
    }

    #[test]
    fn a_login_from_a_new_device_is_told_to_a_confirmed_address_three_times_a_day() {
        let mut user = ada();
        user.log_in(session(1, 31), Some(device(1)), None);
        assert_eq!(user.notices, [], "the address may be that of somebody else");
        let mut user = confirmed();
        user.log_in(session(1, 31), None, None);
        assert_eq!(user.notices, [], "the device is known");
        for _ in 0..5 {
            user.log_in(session(2, 32), Some(device(2)), None);
        }
        let mails = |user: &User| -> Vec<_> {
            user.notices
                .iter()
                .map(|mail| (mail.kind, mail.to.clone()))
                .collect()
        };
        let told = (MailKind::Security(NewDevice), user.email.clone());
        assert_eq!(mails(&user), vec![told.clone(); 3]);
        user.log_in(session(4, 34), Some(device(4)), None);
        assert_eq!(mails(&user), vec![told; 4]);
        assert_eq!(
            kinds(&user.events[..3]),
            [
                EventKind::SignedUp,
                EventKind::LoggedIn,
                EventKind::Security(NewDevice)
            ]
        );
    }

    #[test]
    fn a_session_is_ended_by_its_handle_and_the_others_all_at_once() {
        let mut user = ada();
        let (first, second, third) = (digests(&user)[0], session(1, 31), session(2, 3));
        user.log_in(second.clone(), None, None);
        user.log_in(third.clone(), None, None);
        let before = user.clone();
        assert_eq!(user.end_session_named(&Handle::random(), &origin(2)), None);
        assert_eq!(
            user.end_session_named(&third.handle, &origin(4)),
            None,
            "it has expired"
        );
        assert_eq!(user, before);
        assert_eq!(
            user.end_session_named(&second.handle, &origin(2)),
            Some(second)
        );
        assert_eq!(digests(&user), [first, third.digest]);
        assert_eq!(
            user.end_other_sessions(&first, &origin(4)),
            0,
            "it has expired"
        );
        user.log_in(session(4, 34), None, None);
        assert_eq!(user.end_other_sessions(&first, &origin(5)), 1);
        assert_eq!(digests(&user), [first]);
        assert_eq!(user.events.last().unwrap().kind, EventKind::SessionEnded);
    }

    #[test]
    fn a_password_counts_as_given_for_a_quarter_of_an_hour() {
        let mut user = ada();
        let digest = digests(&user)[0];
        let given = |user: &User, minutes: u64| {
            let now = day(0).plus(Duration::from_secs(60 * minutes));
            user.is_recent(user.session(&digest).unwrap(), now)
        };
        assert!(given(&user, 14) && !given(&user, 15));
        assert!(user.authenticate(&digest, day(0).plus(Duration::from_secs(3600))));
        assert!(given(&user, 74) && !given(&user, 75));
        assert!(!user.authenticate(&Token::random().digest(), day(1)));
    }
}
