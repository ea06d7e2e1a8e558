//! The e-mail address: how it is confirmed, and how another one takes its place.

use std::time::Duration;

use super::{
    Confirmation, HeldAddress, User,
    event::{EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp,
    email::Email,
    error::Error,
    lifetimes::{CONFIRMATION_LIFE, UNDO_LIFE},
    limit_table::EMAIL_CHANGES,
    mail::MailKind,
    record::Unknown,
    security_event::SecurityEvent,
    token::Digest,
    wait::Wait,
};

/// The resolution of a [`Timestamp`].
const MILLISECOND: Duration = Duration::from_millis(1);

impl User {
    /// Has a confirmation link sent to an address that is to take the place of this one, and ends an older link.
    /// Nothing else changes until it is confirmed.
    pub fn ask_for_address(&mut self, email: &Email, origin: &Origin) -> Result<(), Error> {
        if self.email == *email {
            return Err(Error::OwnEmail);
        }
        self.allow_change(origin.at)?;
        self.send_confirmation(email.clone(), origin);
        self.note(EventKind::EmailAsked, origin);
        Ok(())
    }

    /// Has a confirmation link sent to the address of record again.
    pub fn ask_again(&mut self, origin: &Origin) -> Result<(), Error> {
        if self.confirmed_at.is_some() {
            return Err(Error::AlreadyConfirmed);
        }
        self.send_confirmation(self.email.clone(), origin);
        Ok(())
    }

    pub(super) fn send_confirmation(&mut self, email: Email, origin: &Origin) {
        self.confirmation = Some(Confirmation {
            email: email.clone(),
            asked_at: origin.at,
            digest: None,
            expires_at: None,
            unknown: Unknown::new(),
        });
        self.send(MailKind::ConfirmEmail, email, origin);
    }

    /// Counts both what the history tells and the addresses held: who goes to and fro between two addresses holds but
    /// one, and who takes the account back does not wait for the changes of another.
    fn allow_change(&self, now: Timestamp) -> Result<(), Error> {
        let held = self.held.iter().map(|held| held.expires_at).collect();
        let since = self.events.iter().rev();
        let since = since.take_while(|event| event.kind != EventKind::Secured);
        let changes =
            since.filter(|event| event.kind == EventKind::Security(SecurityEvent::EmailChanged));
        let mut told: Vec<_> = changes.map(|event| event.at.plus(UNDO_LIFE)).collect();
        told.reverse();
        for mut ends in [told, held] {
            ends.retain(|end| *end > now);
            if let Some(excess) = ends.len().checked_sub(EMAIL_CHANGES) {
                return Err(Error::TooManyAttempts(Wait::until(ends[excess], now)));
            }
        }
        Ok(())
    }

    /// Gives the address that was asked for at this moment its link; false if something else was asked for since.
    pub fn issue_confirmation(&mut self, email: &Email, digest: Digest, now: Timestamp) -> bool {
        let confirmation = self.confirmation.as_mut();
        let Some(asked) = confirmation.filter(|asked| asked.email == *email) else {
            return false;
        };
        asked.digest = Some(digest);
        asked.expires_at = Some(now.plus(CONFIRMATION_LIFE));
        true
    }

    /// The address that this link confirms, if it lives.
    pub fn address_to_confirm(&self, link: &Digest, now: Timestamp) -> Option<&Email> {
        let asked = self.confirmation.as_ref()?;
        let lives = asked.digest == Some(*link) && asked.expires_at? > now;
        lives.then_some(&asked.email)
    }

    /// Confirms the address of a link: that of record, or another one, which takes its place. The former address is
    /// then told, and held for some days so that its owner can undo the change, if it was confirmed. Reset links end.
    pub fn confirm(&mut self, link: &Digest, origin: &Origin) -> Result<(), Error> {
        let now = origin.at;
        let email = self.address_to_confirm(link, now).ok_or(Error::LinkDead)?;
        let email = email.clone();
        if email == self.email {
            self.confirmed_at = Some(now);
            self.confirmation = None;
            self.note(EventKind::EmailConfirmed, origin);
            return Ok(());
        }
        self.allow_change(now)?;
        self.confirmation = None;
        self.take_address(email, Some(now), origin);
        Ok(())
    }

    /// Puts another address in the place of the one of record, which is told and held if it was confirmed.
    pub(super) fn take_address(
        &mut self,
        email: Email,
        confirmed_at: Option<Timestamp>,
        origin: &Origin,
    ) {
        let now = origin.at;
        let changed_at = self.after_all_events(now);
        self.tell(SecurityEvent::EmailChanged, origin);
        self.drop_expired_holds(now);
        self.held.retain(|held| held.email != email);
        let former = std::mem::replace(&mut self.email, email);
        if std::mem::replace(&mut self.confirmed_at, confirmed_at).is_some() {
            self.held.push(HeldAddress {
                email: former,
                changed_at,
                expires_at: now.plus(UNDO_LIFE),
                unknown: Unknown::new(),
            });
        }
        self.reset = None;
    }

    /// Now, or a moment later if something that was stored before is said to have been then: clocks of processes differ.
    fn after_all_events(&self, now: Timestamp) -> Timestamp {
        let events = self.events.iter().map(|event| event.at);
        let changes = self.held.iter().map(|held| held.changed_at);
        let last = events.chain(changes).max();
        last.map_or(now, |last| now.max(last.plus(MILLISECOND)))
    }

    /// Whether nobody else can take this address now.
    pub fn holds(&self, email: &Email, now: Timestamp) -> bool {
        let mut held = self.held.iter();
        self.email == *email || held.any(|held| held.email == *email && held.expires_at > now)
    }

    /// Gives up the former addresses whose time is over.
    pub fn drop_expired_holds(&mut self, now: Timestamp) {
        self.held.retain(|held| held.expires_at > now);
    }

    /// All addresses that belong to this user alone.
    pub fn addresses(&self) -> impl Iterator<Item = &Email> {
        let held = self.held.iter().map(|held| &held.email);
        std::iter::once(&self.email).chain(held)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use super::*;
    use crate::accounts::{
        security_event::SecurityEvent::EmailChanged,
        token::Token,
        user::{
            ResetLink,
            tests::{ada, confirmed, day, email, kinds, origin},
        },
    };

    /// Asks for an address, and gives the link that is mailed to it.
    fn ask(user: &mut User, address: &str, n: u32) -> Digest {
        user.ask_for_address(&email(address), &origin(n)).unwrap();
        let link = Token::random().digest();
        assert!(user.issue_confirmation(&email(address), link, day(n)));
        link
    }

    #[test]
    fn the_address_of_a_signup_is_confirmed_once_within_a_day() {
        let mut user = ada();
        let link = Token::random().digest();
        assert!(user.issue_confirmation(&email("ada@example.org"), link, day(0)));
        let before = user.clone();
        let refused = user.confirm(&link, &origin(1));
        assert!(matches!(refused, Err(Error::LinkDead)), "it has expired");
        assert_eq!(user, before);
        user.confirm(&link, &origin(0)).unwrap();
        assert_eq!(user.confirmed_at, Some(day(0)));
        assert_eq!(
            kinds(&user.events),
            [EventKind::SignedUp, EventKind::EmailConfirmed]
        );
        assert!(matches!(
            user.confirm(&link, &origin(0)),
            Err(Error::LinkDead)
        ));
        assert!(matches!(
            user.ask_again(&origin(0)),
            Err(Error::AlreadyConfirmed)
        ));
        assert_eq!(user.notices, []);
    }

    #[test]
    fn another_address_takes_the_place_of_the_old_one_when_it_is_confirmed() {
        let mut user = confirmed();
        user.reset = Some(ResetLink {
            digest: Token::random().digest(),
            expires_at: day(2),
            unknown: Unknown::new(),
        });
        let link = ask(&mut user, "ada@new.example", 1);
        assert_eq!(user.email, email("ada@example.org"));
        assert_eq!(
            user.address_to_confirm(&link, day(1)),
            Some(&email("ada@new.example"))
        );
        user.notices.clear();
        user.confirm(&link, &origin(1)).unwrap();
        assert_eq!(user.email, email("ada@new.example"));
        assert_eq!((user.confirmed_at, &user.reset), (Some(day(1)), &None));
        let mail = &user.notices[0];
        assert_eq!(
            (mail.kind, &mail.to),
            (MailKind::Security(EmailChanged), &email("ada@example.org"))
        );
        assert!(user.holds(&email("ada@example.org"), day(7)));
        assert!(!user.holds(&email("ada@example.org"), day(8)));
        assert_eq!(
            kinds(&user.events),
            [
                EventKind::SignedUp,
                EventKind::EmailAsked,
                EventKind::Security(EmailChanged)
            ]
        );
    }

    #[test]
    fn an_address_that_was_never_confirmed_is_neither_told_nor_held() {
        let mut user = ada();
        let link = ask(&mut user, "ada@new.example", 1);
        user.notices.clear();
        user.confirm(&link, &origin(1)).unwrap();
        assert_eq!((&user.notices, &user.held), (&vec![], &vec![]));
        assert_eq!(user.confirmed_at, Some(day(1)));
    }

    #[test]
    fn the_newest_request_ends_older_ones() {
        let mut user = confirmed();
        let first = ask(&mut user, "first@example.org", 1);
        let second = ask(&mut user, "second@example.org", 1);
        assert!(matches!(
            user.confirm(&first, &origin(1)),
            Err(Error::LinkDead)
        ));
        let late = Token::random().digest();
        assert!(!user.issue_confirmation(&email("first@example.org"), late, day(1)));
        user.confirm(&second, &origin(1)).unwrap();
        assert_eq!(user.email, email("second@example.org"));
    }

    #[test]
    fn an_address_changes_three_times_in_seven_days() {
        let mut user = confirmed();
        let own = user.ask_for_address(&email("ada@example.org"), &origin(0));
        assert!(matches!(own, Err(Error::OwnEmail)));
        for (n, address) in ["b@example.org", "c@example.org", "d@example.org"]
            .iter()
            .enumerate()
        {
            let n = u32::try_from(n).unwrap();
            let link = ask(&mut user, address, n);
            user.confirm(&link, &origin(n)).unwrap();
        }
        let fourth = user.ask_for_address(&email("e@example.org"), &origin(3));
        assert_eq!(
            fourth.unwrap_err().to_string(),
            "Too many attempts, try again in 4 days"
        );
        ask(&mut user, "e@example.org", 7);
    }

    #[test]
    fn to_and_fro_are_changes_too() {
        let mut user = confirmed();
        for address in ["b@example.org", "ada@example.org", "b@example.org"] {
            let link = ask(&mut user, address, 1);
            user.confirm(&link, &origin(1)).unwrap();
        }
        assert_eq!(user.held.len(), 1);
        let fourth = user.ask_for_address(&email("ada@example.org"), &origin(7));
        assert!(matches!(fourth, Err(Error::TooManyAttempts(_))));
        user.note(EventKind::Secured, &origin(7));
        ask(&mut user, "ada@example.org", 7);
    }
}
