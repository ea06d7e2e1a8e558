//! Passkeys: how they are added and removed, and what is noted when one is used.

use super::{FormerFactors, Passkey, User, event::Origin};
use crate::accounts::{
    clock::Timestamp,
    error::Error,
    id::Handle,
    lifetimes::CHALLENGE_LIFE,
    name::Name,
    passkeys::{StoredCredential, Used},
    record::Unknown,
    security_event::SecurityEvent,
    token::Digest,
};

/// The most passkeys a user can have.
pub const MAX_PASSKEYS: usize = 20;

impl User {
    /// What the user's passkeys are verified with, in their order.
    pub fn credentials(&self) -> Vec<StoredCredential> {
        let passkeys = self.passkeys.iter();
        passkeys.map(|passkey| passkey.credential.clone()).collect()
    }

    /// Whether a passkey alone lets the user in: not while the owner of an account that was taken back has chosen no
    /// password.
    pub fn can_log_in_by_passkey(&self) -> bool {
        self.disabled_at.is_none() && self.password.is_usable()
    }

    /// Whether the passkey that was used lets the user in alone.
    pub fn lets_in_alone(&self, used: &Used) -> bool {
        let passkey = self.passkeys.get(used.index);
        passkey.is_some_and(|passkey| !passkey.needs_password)
    }

    /// Has all passkeys let nobody in alone before they are used after a password: one may be a thief's.
    pub(super) fn require_password_of_passkeys(&mut self) {
        let former = self.former_factors.iter_mut();
        let former = former.filter_map(|former| former.passkey.as_mut());
        for passkey in self.passkeys.iter_mut().chain(former) {
            passkey.needs_password = true;
        }
    }

    /// Adds a passkey, which the user has just shown in this session.
    pub fn add_passkey(
        &mut self,
        session: &Digest,
        name: &Name,
        credential: StoredCredential,
        origin: &Origin,
    ) -> Result<(), Error> {
        let id = credential.id();
        if self.passkeys.iter().any(|old| old.credential.id() == id) {
            return Err(Error::PasskeyKnown);
        }
        if !self.may_finish(session, CHALLENGE_LIFE, origin.at) {
            return Err(Error::ChallengeExpired);
        }
        if self.passkeys.len() >= MAX_PASSKEYS {
            return Err(Error::TooManyPasskeys(MAX_PASSKEYS));
        }
        self.passkeys.push(Passkey {
            handle: Handle::random(),
            name: name.as_str().to_owned(),
            added_at: origin.at,
            used_at: None,
            needs_password: false,
            credential,
            unknown: Unknown::new(),
        });
        self.authenticate_by_second_factor(session, origin.at);
        self.tell_about(
            SecurityEvent::PasskeyAdded,
            name.as_str().to_owned(),
            origin,
        );
        Ok(())
    }

    /// Removes the passkey of this handle; false, with nothing changed, if there is none.
    pub fn end_passkey(&mut self, handle: &Handle, origin: &Origin) -> bool {
        let mut passkeys = self.passkeys.iter();
        let Some(position) = passkeys.position(|passkey| passkey.handle == *handle) else {
            return false;
        };
        let ended = self.passkeys.remove(position);
        let (name, recovery_codes) = (ended.name.clone(), self.drop_useless_codes());
        self.keep_former_factors(FormerFactors {
            passkey: Some(ended),
            recovery_codes,
            ..FormerFactors::of(origin.at)
        });
        self.tell_about(SecurityEvent::PasskeyRemoved, name, origin);
        true
    }

    /// Notes that a passkey was used, with its new counter.
    pub fn note_passkey_use(&mut self, used: Used, now: Timestamp) {
        if let Some(passkey) = self.passkeys.get_mut(used.index) {
            passkey.credential = used.credential;
            passkey.used_at = Some(now);
            passkey.needs_password = false;
        }
    }

    /// Notes that a passkey was refused that may have been copied.
    pub fn note_copied_passkey(&mut self, origin: &Origin) {
        self.tell(SecurityEvent::PasskeyRefused, origin);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use super::*;
    use crate::accounts::{
        email::Email,
        mail::MailKind,
        password::PasswordHash,
        security_event::SecurityEvent::{PasskeyAdded, PasskeyRefused, PasskeyRemoved},
        token::Token,
        user::{
            RecoveryCodes,
            event::EventKind,
            tests::{confirmed, day, device, email, kinds, mails, origin, passkey, session},
        },
    };

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    /// Adds a passkey on day `n`, in the first session; which one.
    fn add(user: &mut User, text: &str, n: u32) -> Result<StoredCredential, Error> {
        let (session, credential) = (user.sessions[0].digest, passkey(n).credential);
        let added = user.add_passkey(&session, &name(text), credential.clone(), &origin(n));
        added.map(|()| credential)
    }

    /// The mail that tells of this, and to whom.
    fn mail(event: SecurityEvent, to: &Email) -> Vec<(MailKind, &Email)> {
        vec![(MailKind::Security(event), to)]
    }

    #[test]
    fn who_adds_a_passkey_has_shown_it_in_this_session() {
        let mut user = confirmed();
        user.sessions.push(session(0, 30));
        user.notices.clear();
        let credential = add(&mut user, "phone", 2).unwrap();
        let [added] = &user.passkeys[..] else {
            panic!("one passkey: {:?}", user.passkeys);
        };
        assert_eq!(
            (&*added.name, added.added_at, added.used_at),
            ("phone", day(2), None)
        );
        assert_eq!(user.credentials(), [credential]);
        assert!(user.has_second_factor());
        assert!(user.is_recent(&user.sessions[0], day(2)));
        assert!(!user.is_recent(&user.sessions[1], day(2)));
        let event = user.events.last().unwrap();
        assert_eq!(
            (event.kind, &*event.about),
            (EventKind::Security(PasskeyAdded), "phone")
        );
        let ada = email("ada@example.org");
        assert_eq!(mails(&user), mail(SecurityEvent::PasskeyAdded, &ada));
    }

    #[test]
    fn a_passkey_is_added_once_and_twenty_at_most() {
        let mut user = confirmed();
        let first = add(&mut user, "phone", 1).unwrap();
        let session = user.sessions[0].digest;
        let mut before = user.clone();
        let again = user.add_passkey(&session, &name("other"), first.clone(), &origin(1));
        assert!(matches!(again, Err(Error::PasskeyKnown)));
        assert_eq!(user, before);
        for n in 1..MAX_PASSKEYS {
            add(&mut user, &n.to_string(), 1).unwrap();
        }
        before = user.clone();
        let one_more = add(&mut user, "one more", 1);
        assert!(matches!(one_more, Err(Error::TooManyPasskeys(20))));
        assert_eq!(user, before);
        let handle = user.passkeys[3].handle.clone();
        assert!(user.end_passkey(&handle, &origin(1)));
        add(&mut user, "one more", 1).unwrap();
        assert_eq!(user.passkeys.len(), MAX_PASSKEYS);
    }

    #[test]
    fn the_last_second_factor_that_goes_takes_the_recovery_codes_along() {
        let mut user = confirmed();
        add(&mut user, "phone", 1).unwrap();
        add(&mut user, "laptop", 1).unwrap();
        user.recovery_codes = Some(RecoveryCodes {
            made_at: day(1),
            codes: Vec::new(),
            unknown: Unknown::new(),
        });
        user.notices.clear();
        let handles: Vec<_> = user.passkeys.iter().map(|key| key.handle.clone()).collect();
        assert!(user.end_passkey(&handles[0], &origin(2)));
        assert!(user.has_second_factor() && user.recovery_codes.is_some());
        assert_eq!(user.passkeys[0].name, "laptop");
        let event = user.events.last().unwrap();
        assert_eq!(
            (event.kind, &*event.about),
            (EventKind::Security(PasskeyRemoved), "phone")
        );
        let ada = email("ada@example.org");
        assert_eq!(mails(&user), mail(SecurityEvent::PasskeyRemoved, &ada));
        let before = user.clone();
        assert!(!user.end_passkey(&handles[0], &origin(2)));
        assert_eq!(user, before);
        assert!(user.end_passkey(&handles[1], &origin(2)));
        assert!(!user.has_second_factor() && user.recovery_codes.is_none());
    }

    #[test]
    fn a_use_is_noted_with_the_new_counter() {
        let mut user = confirmed();
        add(&mut user, "phone", 1).unwrap();
        add(&mut user, "laptop", 1).unwrap();
        let (events, credential) = (user.events.clone(), passkey(1).credential);
        let used = Used {
            index: 1,
            credential: credential.clone(),
            user_verified: true,
        };
        user.note_passkey_use(used, day(3));
        let used: Vec<_> = user.passkeys.iter().map(|key| key.used_at).collect();
        assert_eq!(used, [None, Some(day(3))]);
        assert_eq!(user.credentials()[1], credential);
        assert_eq!(user.events, events);
    }

    #[test]
    fn a_passkey_alone_lets_nobody_in_while_there_is_no_password() {
        let mut user = confirmed();
        assert!(user.can_log_in_by_passkey());
        user.recover(&email("ada@example.org"), None, &origin(1));
        assert!(!user.can_log_in_by_passkey());
        let link = Token::random().digest();
        assert!(user.issue_reset(&email("ada@example.org"), link, day(1)));
        assert!(!user.can_log_in_by_passkey());
        let password = PasswordHash::from_stored("second".to_owned());
        assert!(user.use_reset(&link, password, device(1), &origin(1)));
        assert!(user.can_log_in_by_passkey());
        user.disable(&origin(2));
        assert!(!user.can_log_in_by_passkey());
        let created = User::created(name("Ada"), email("ada@example.org"), &origin(0));
        assert!(!created.can_log_in_by_passkey());
    }

    #[test]
    fn of_an_account_that_was_taken_back_no_passkey_lets_in_alone_before_it_is_used_after_the_password()
     {
        let mut user = confirmed();
        add(&mut user, "phone", 1).unwrap();
        let used = |index| Used {
            index,
            credential: passkey(1).credential,
            user_verified: true,
        };
        assert!(user.lets_in_alone(&used(0)));
        assert!(!user.lets_in_alone(&used(1)), "there is none");
        user.recover(&email("ada@example.org"), None, &origin(3));
        assert!(!user.lets_in_alone(&used(0)));
        user.note_passkey_use(used(0), day(4));
        assert!(user.lets_in_alone(&used(0)));
        user.sessions.push(session(4, 30));
        let session = user.sessions[0].digest;
        assert!(user.authenticate_by_second_factor(&session, day(4)));
        add(&mut user, "laptop", 4).unwrap();
        assert!(user.lets_in_alone(&used(1)));
    }

    #[test]
    fn a_copied_passkey_is_told_and_stays() {
        let mut user = confirmed();
        add(&mut user, "phone", 1).unwrap();
        user.notices.clear();
        let passkeys = user.passkeys.clone();
        user.note_copied_passkey(&origin(2));
        assert_eq!(
            kinds(&user.events).last(),
            Some(&EventKind::Security(PasskeyRefused))
        );
        let ada = email("ada@example.org");
        assert_eq!(mails(&user), mail(SecurityEvent::PasskeyRefused, &ada));
        assert_eq!(user.passkeys, passkeys);
    }
}
