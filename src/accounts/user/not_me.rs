//! "This was not me": how the mailbox that a security mail went to takes the account back.

use super::{
    NotMeLink, User,
    event::{EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp,
    error::Error,
    mail::MailKind,
    security_event::{SecurityEvent, Severity},
    token::Digest,
};

/// The most links at once. Past it mails have none: the older ones are those that count most.
const MAX_LINKS: usize = 50;
/// How many of them only the mails have by which an owner gets a lost account back.
const KEPT_LINKS: usize = 10;

impl User {
    /// Gives a security mail its link, in the place of the one of an earlier attempt to send it; false if the user has
    /// too many, or is disabled. What can be repeated at will takes no place of what an owner loses the account by.
    pub fn issue_not_me(&mut self, link: NotMeLink, event: SecurityEvent, now: Timestamp) -> bool {
        let most = match event.severity() {
            Severity::Loss => MAX_LINKS,
            _ => MAX_LINKS - KEPT_LINKS,
        };
        self.not_me
            .retain(|other| other.expires_at > now && other.mail != link.mail);
        let has_room = self.not_me.len() < most && self.disabled_at.is_none();
        self.not_me.extend(has_room.then_some(link));
        has_room
    }

    /// The link of this token, if it lives.
    pub fn not_me_link(&self, link: &Digest, now: Timestamp) -> Option<&NotMeLink> {
        let mut links = self.not_me.iter();
        let link = links.find(|other| other.digest == *link && other.expires_at > now);
        link.filter(|_| self.disabled_at.is_none())
    }

    /// Takes the account back: the address that the mail went to is that of record again, and gets a reset link. All
    /// sessions, known devices, upload tokens and pending links end, the password works no more, and security mails of
    /// later events to this mailbox or a newer one lose their links. The second factors go that were not there before the
    /// event, unless the mail tells of somebody who did not get in; the others stay, even if an operator has asked to end
    /// them. So the older mailbox wins, but not against a second factor: whoever reads the mail needs it to log in. No
    /// passkey logs in alone before it was used after a password.
    pub fn secure(&mut self, link: &Digest, origin: &Origin) -> Result<(), Error> {
        let now = origin.at;
        let link = self.not_me_link(link, now).ok_or(Error::LinkDead)?.clone();
        let is_undone = link.email != self.email;
        if is_undone && !self.holds(&link.email, now) {
            return Err(Error::LinkDead);
        }
        self.email = link.email.clone();
        self.confirmed_at.get_or_insert(now);
        self.held
            .retain(|held| held.changed_at <= link.event_at && held.email != self.email);
        self.drop_links_after(&link);
        self.lock_out();
        self.require_password_of_passkeys();
        self.keep_second_factors(origin);
        self.undo_second_factors(&link, now);
        if is_undone {
            self.note(EventKind::EmailUndone, origin);
        }
        self.note(EventKind::Secured, origin);
        self.send(MailKind::ResetLink, self.email.clone(), origin);
        Ok(())
    }

    /// Links go whose mails tell of later events, but not those of older mailboxes, which win. If nobody got in, none goes
    /// but the one that was used: those about a thief's second factor are needed yet.
    fn drop_links_after(&mut self, used: &NotMeLink) {
        let (email, held) = (&self.email, &self.held);
        self.not_me.retain(|other| {
            let is_of_older_mailbox = held.iter().any(|held| held.email == other.email);
            let is_kept = used.keeps_second_factors && other.email == *email;
            let is_other = other.digest != used.digest;
            is_other && (is_of_older_mailbox || is_kept || other.event_at < used.event_at)
        });
    }

    /// The user as the link would leave the second factors, if it were used now.
    pub fn with_second_factors_undone(&self, link: &NotMeLink, now: Timestamp) -> Self {
        let mut after = self.clone();
        after.undo_second_factors(link, now);
        after
    }

    fn undo_second_factors(&mut self, link: &NotMeLink, now: Timestamp) {
        if !link.keeps_second_factors {
            self.drop_second_factors_since(link.event_at, now);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use super::*;
    use crate::accounts::{
        lifetimes::UNDO_LIFE,
        mail::MailId,
        password::PasswordHash,
        token::Token,
        user::tests::{confirmed, day, device, email, kinds, origin, passkey, session},
    };

    /// The link of a security mail that tells of something on day `n`.
    fn link(user: &mut User, n: u32) -> Digest {
        let link = new_link(user, n);
        assert!(user.issue_not_me(link.clone(), SecurityEvent::NewDevice, day(n)));
        link.digest
    }

    fn new_link(user: &User, n: u32) -> NotMeLink {
        NotMeLink {
            digest: Token::random().digest(),
            mail: MailId::random(),
            email: user.email.clone(),
            event_at: day(n),
            expires_at: day(n).plus(UNDO_LIFE),
            keeps_second_factors: false,
            unknown: Default::default(),
        }
    }

    /// Has another address confirmed on day `n`; the link in the mail to the old one.
    fn move_to(user: &mut User, address: &str, n: u32) -> Digest {
        let undo = link(user, n);
        user.ask_for_address(&email(address), &origin(n)).unwrap();
        let confirmation = Token::random().digest();
        user.issue_confirmation(&email(address), confirmation, day(n));
        user.confirm(&confirmation, &origin(n)).unwrap();
        undo
    }

    #[test]
    fn the_mailbox_takes_the_account_back_once() {
        let mut user = confirmed();
        user.log_in(session(1, 31), Some(device(1)), None);
        let link = link(&mut user, 1);
        user.notices.clear();
        let before = user.clone();
        let late = user.secure(&link, &origin(8));
        assert!(matches!(late, Err(Error::LinkDead)), "it has expired");
        assert_eq!(user, before);
        user.secure(&link, &origin(2)).unwrap();
        assert_eq!(
            (&user.sessions, &user.devices, &user.not_me),
            (&vec![], &vec![], &vec![])
        );
        assert_eq!(user.password, PasswordHash::unusable());
        let mail = &user.notices[0];
        assert_eq!(
            (mail.kind, &mail.to),
            (MailKind::ResetLink, &email("ada@example.org"))
        );
        assert_eq!(user.events.last().unwrap().kind, EventKind::Secured);
        assert!(matches!(
            user.secure(&link, &origin(2)),
            Err(Error::LinkDead)
        ));
    }

    #[test]
    fn a_mail_about_who_did_not_get_in_leaves_second_factors_as_they_are() {
        let with_link = |event: SecurityEvent| {
            let mut user = confirmed();
            user.passkeys = vec![passkey(0)];
            let link = NotMeLink {
                keeps_second_factors: event.is_of_an_attempt(),
                ..new_link(&user, 1)
            };
            assert!(user.issue_not_me(link.clone(), event, day(1)));
            user.passkeys.push(passkey(2));
            (user, link)
        };
        for (event, left) in [
            (SecurityEvent::SecondFactorMissing, 2),
            (SecurityEvent::PasskeyRefused, 2),
            (SecurityEvent::TotpClosed, 2),
            (SecurityEvent::NewDevice, 1),
        ] {
            let (mut user, link) = with_link(event);
            let foreseen = user.with_second_factors_undone(&link, day(3));
            user.secure(&link.digest, &origin(3)).unwrap();
            let lengths = [&user, &foreseen].map(|user| user.passkeys.len());
            assert_eq!(lengths, [left, left], "{event:?}");
            assert!(user.passkeys.iter().all(|passkey| passkey.needs_password));
        }
    }

    #[test]
    fn the_links_that_remove_a_thiefs_second_factor_outlive_one_about_an_attempt() {
        let mut user = confirmed();
        let older = link(&mut user, 1);
        user.passkeys = vec![passkey(2)];
        let about_passkey = link(&mut user, 2);
        let attempt = NotMeLink {
            keeps_second_factors: true,
            ..new_link(&user, 1)
        };
        assert!(user.issue_not_me(attempt.clone(), SecurityEvent::TotpClosed, day(3)));
        user.secure(&attempt.digest, &origin(3)).unwrap();
        assert_eq!(user.passkeys.len(), 1);
        let again = user.secure(&attempt.digest, &origin(3));
        assert!(matches!(again, Err(Error::LinkDead)));
        assert!(user.not_me_link(&older, day(3)).is_some());
        user.secure(&about_passkey, &origin(3)).unwrap();
        assert_eq!(user.passkeys, []);
    }

    /// A mail may tell of what began before the address changed, and clocks of processes differ.
    #[test]
    fn the_older_mailbox_wins_whatever_the_clocks_say() {
        let mut user = confirmed();
        let older = link(&mut user, 1);
        let undo = move_to(&mut user, "thief@example.org", 3);
        let changed_at = user.held[0].changed_at;
        user.notices.clear();
        user.tell(SecurityEvent::TotpClosed, &origin(2));
        let told_at = user.notices[0].queued_at;
        assert!(told_at >= changed_at);
        for (event_at, event) in [
            (told_at, SecurityEvent::TotpClosed),
            (changed_at, SecurityEvent::RecoveryCodesMade),
        ] {
            let mut stolen = user.clone();
            let of_thief = NotMeLink {
                event_at,
                keeps_second_factors: event.is_of_an_attempt(),
                ..new_link(&stolen, 3)
            };
            assert!(stolen.issue_not_me(of_thief.clone(), event, day(3)));
            stolen.secure(&of_thief.digest, &origin(3)).unwrap();
            assert_eq!(stolen.email, email("thief@example.org"));
            for link in [older, undo] {
                let mut back = stolen.clone();
                back.secure(&link, &origin(4)).unwrap();
                assert_eq!(back.email, email("ada@example.org"));
                assert!(!back.holds(&of_thief.email, day(4)));
                assert!(back.secure(&of_thief.digest, &origin(4)).is_err());
            }
        }
        let next = move_to(&mut user, "b@example.org", 2);
        assert!(user.held[1].changed_at > changed_at, "said to be earlier");
        assert!(user.not_me_link(&next, day(3)).is_some());
    }

    #[test]
    fn the_older_mailbox_wins() {
        let mut user = confirmed();
        let first = move_to(&mut user, "b@example.org", 1);
        let second = move_to(&mut user, "c@example.org", 2);
        let third = link(&mut user, 3);
        let mut by_the_middle_one = user.clone();
        by_the_middle_one.secure(&second, &origin(3)).unwrap();
        assert_eq!(by_the_middle_one.email, email("b@example.org"));
        assert!(by_the_middle_one.holds(&email("ada@example.org"), day(3)));
        assert!(!by_the_middle_one.holds(&email("c@example.org"), day(3)));
        by_the_middle_one.secure(&first, &origin(3)).unwrap();
        assert_eq!(by_the_middle_one.email, email("ada@example.org"));

        user.secure(&first, &origin(3)).unwrap();
        assert_eq!(
            (user.email.clone(), &user.held),
            (email("ada@example.org"), &vec![])
        );
        for later in [second, third] {
            assert!(matches!(
                user.secure(&later, &origin(3)),
                Err(Error::LinkDead)
            ));
        }
        let last = &kinds(&user.events)[user.events.len() - 2..];
        assert_eq!(last, [EventKind::EmailUndone, EventKind::Secured]);
    }

    #[test]
    fn many_mails_push_out_no_older_link_and_a_mail_sent_again_has_one() {
        let mut user = confirmed();
        let first = link(&mut user, 1);
        let again = NotMeLink {
            digest: Token::random().digest(),
            ..user.not_me[0].clone()
        };
        assert!(user.issue_not_me(again.clone(), SecurityEvent::NewDevice, day(1)));
        assert_eq!(user.not_me, std::slice::from_ref(&again));
        assert!(user.not_me_link(&first, day(1)).is_none());
        let other = || NotMeLink {
            mail: MailId::random(),
            digest: Token::random().digest(),
            ..again.clone()
        };
        let mut issue = |event| {
            let mails = 0..100;
            let issued = mails.filter(|_| user.issue_not_me(other(), event, day(1)));
            issued.count()
        };
        let issued = [
            SecurityEvent::NewDevice,
            SecurityEvent::RecoveryCodesMade,
            SecurityEvent::PasswordChanged,
            SecurityEvent::EmailChanged,
        ]
        .map(&mut issue);
        assert_eq!(issued, [MAX_LINKS - KEPT_LINKS - 1, 0, KEPT_LINKS, 0]);
        assert!(user.not_me_link(&again.digest, day(1)).is_some());
        assert!(
            user.issue_not_me(other(), SecurityEvent::NewDevice, day(9)),
            "what has expired makes room"
        );
    }
}
