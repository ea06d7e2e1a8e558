//! Choosing another password.

use super::{
    Device, ResetLink, User,
    event::{EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp, email::Email, lifetimes::RESET_LIFE, mail::MailKind, password::PasswordHash,
    record::Unknown, security_event::SecurityEvent, token::Digest,
};

impl User {
    /// Gives the user a reset link that is mailed to this address, in the place of an older one; false if it is not
    /// the address of record (any more), since whoever reads mail there could get in by it, or if
    /// the user is disabled.
    pub fn issue_reset(&mut self, to: &Email, digest: Digest, now: Timestamp) -> bool {
        let is_own = self.email == *to && self.disabled_at.is_none();
        if is_own {
            self.reset = Some(ResetLink {
                digest,
                expires_at: now.plus(RESET_LIFE),
                unknown: Unknown::new(),
            });
        }
        is_own
    }

    /// Whether this is the user's reset link, and lives.
    pub fn has_reset(&self, link: &Digest, now: Timestamp) -> bool {
        let reset = self.reset.as_ref();
        reset.is_some_and(|reset| reset.digest == *link && reset.expires_at > now)
    }

    /// Uses a live reset link: sets the password, ends the link, all sessions and what else waits for a link, and puts
    /// `device` in the place of all known ones. The address is confirmed by it. False, with nothing changed, if no such
    /// link lives; so a link works once.
    pub fn use_reset(
        &mut self,
        link: &Digest,
        password: PasswordHash,
        device: Device,
        origin: &Origin,
    ) -> bool {
        let has_reset = self.has_reset(link, origin.at);
        if has_reset {
            self.sessions.clear();
            self.confirmation = None;
            self.confirmed_at.get_or_insert(origin.at);
            self.set_password(password, device, origin.at);
            self.note(EventKind::PasswordReset, origin);
            self.notify(MailKind::Security(SecurityEvent::PasswordChanged), origin);
        }
        has_reset
    }

    /// Ends all that gets in but the links of security mails: the password, sessions, known devices, the reset link and
    /// what waits to be confirmed.
    pub(super) fn lock_out(&mut self) {
        self.password = PasswordHash::unusable();
        self.sessions.clear();
        self.devices.clear();
        self.reset = None;
        self.confirmation = None;
        self.upload_tokens.clear();
        self.pending_logins.clear();
        self.pending_totp = None;
    }

    /// Sets another password at the wish of who is logged in: ends all other sessions, the reset link and all known
    /// devices but `device`. The session goes on under the token `new`. False, with nothing changed, if it has ended.
    pub fn change_password(
        &mut self,
        session: &Digest,
        new: Digest,
        password: PasswordHash,
        device: Device,
        origin: &Origin,
    ) -> bool {
        self.sessions.retain(|other| other.digest == *session);
        let Some(kept) = self.session_mut(session) else {
            return false;
        };
        kept.digest = new;
        kept.authenticated_at = origin.at;
        self.set_password(password, device, origin.at);
        self.tell(SecurityEvent::PasswordChanged, origin);
        true
    }

    fn set_password(&mut self, password: PasswordHash, device: Device, now: Timestamp) {
        self.password = password;
        self.password_changed_at = Some(now);
        self.password_breached = false;
        self.reset = None;
        self.pending_logins.clear();
        self.devices = vec![device];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{
        security_event::SecurityEvent::PasswordChanged,
        token::Token,
        user::tests::{ada, day, device, email, kinds, origin, session},
    };

    #[test]
    fn a_reset_link_is_mailed_to_the_address_of_record_alone() {
        let mut user = ada();
        let (older, link) = (Token::random().digest(), Token::random().digest());
        assert!(user.issue_reset(&email("ada@example.org"), older, day(0)));
        assert!(user.issue_reset(&email("ada@example.org"), link, day(0)));
        assert!(!user.has_reset(&older, day(0)));
        assert!(!user.issue_reset(&email("former@example.org"), older, day(0)));
        assert!(user.has_reset(&link, day(0)) && !user.has_reset(&older, day(0)));
    }

    #[test]
    fn a_reset_link_works_once_until_it_expires() {
        let mut user = ada();
        let link = Token::random().digest();
        user.reset = Some(ResetLink {
            digest: link,
            expires_at: day(1),
            unknown: Unknown::new(),
        });
        user.password_breached = true;
        let new = PasswordHash::from_stored("second".to_owned());
        let here = device(0);
        let use_it = |user: &mut User, link: &Digest, now| {
            user.use_reset(link, new.clone(), here.clone(), &origin(now))
        };
        let before = user.clone();
        assert!(!use_it(&mut user, &link, 1), "it has expired");
        assert!(!use_it(&mut user, &Token::random().digest(), 0));
        assert_eq!(user, before);
        assert!(use_it(&mut user, &link, 0));
        let after = User {
            password: new.clone(),
            password_changed_at: Some(day(0)),
            password_breached: false,
            confirmed_at: Some(day(0)),
            confirmation: None,
            sessions: vec![],
            devices: vec![here.clone()],
            reset: None,
            notices: user.notices.clone(),
            events: user.events.clone(),
            ..before
        };
        assert_eq!(user, after);
        assert_eq!(
            kinds(&user.events),
            [EventKind::SignedUp, EventKind::PasswordReset]
        );
        let mail = &user.notices[0];
        assert_eq!(
            (mail.kind, &mail.to),
            (MailKind::Security(PasswordChanged), &user.email)
        );
        assert!(!use_it(&mut user, &link, 0));
        assert_eq!(user, after);
    }

    #[test]
    fn a_change_of_password_ends_all_but_this_session_under_a_new_token() {
        let mut user = ada();
        user.reset = Some(ResetLink {
            digest: Token::random().digest(),
            expires_at: day(3),
            unknown: Unknown::new(),
        });
        user.password_breached = true;
        let this = session(1, 31);
        user.log_in(this.clone(), Some(device(1)), None);
        let (new, here) = (Token::random().digest(), device(2));
        let password = PasswordHash::from_stored("second".to_owned());
        let change = |user: &mut User, session: &Digest| {
            let (password, here) = (password.clone(), here.clone());
            user.change_password(session, new, password, here, &origin(2))
        };
        assert!(change(&mut user, &this.digest));
        let sessions: Vec<_> = user
            .sessions
            .iter()
            .map(|kept| (&kept.handle, kept.digest))
            .collect();
        assert_eq!(sessions, [(&this.handle, new)]);
        assert!(user.is_recent(&user.sessions[0], day(2)));
        assert_eq!((&user.devices, &user.reset), (&vec![here.clone()], &None));
        assert_eq!(
            (&user.password, user.password_changed_at),
            (&password, Some(day(2)))
        );
        assert!(!user.password_breached);
        assert_eq!(
            user.events.last().unwrap().kind,
            EventKind::Security(PasswordChanged)
        );
        let before = User {
            sessions: vec![],
            ..user.clone()
        };
        assert!(!change(&mut user, &this.digest), "it has another token now");
        assert_eq!(user, before);
    }
}
