//! What has happened to a user, as the history page tells it.

use std::time::Duration;

use super::{
    User,
    event::{Event, EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp,
    lifetimes::DAY,
    mail::MailKind,
    record::Unknown,
    security_event::{SecurityEvent, Severity},
};

/// How long an event is kept.
pub const EVENT_LIFE: Duration = Duration::from_secs(365 * 24 * 3600);
/// The most events that are kept of each of the two classes, what can be repeated at will and the rest.
pub const MAX_EVENTS: usize = 50;
/// The most mails a day that tell of one kind of event that is not told each time.
const MAILS_A_DAY: usize = 3;

impl User {
    /// Writes an event down, and drops what is too old or too much.
    pub(super) fn note(&mut self, kind: EventKind, origin: &Origin) {
        self.note_about(kind, String::new(), origin);
    }

    /// The same of something that the user calls by this name.
    pub(super) fn note_about(&mut self, kind: EventKind, about: String, origin: &Origin) {
        let event = Event {
            kind,
            at: origin.at,
            network: origin.network.clone(),
            device: origin.device,
            about,
            unknown: Unknown::new(),
        };
        // What is written down later than it has happened stands where it belongs.
        let earlier = self.events.iter().rposition(|old| old.at <= event.at);
        self.events
            .insert(earlier.map_or(0, |last| last + 1), event);
        let oldest = origin.at.minus(EVENT_LIFE);
        self.events.retain(|event| event.at > oldest);
        while let Some(surplus) = self.surplus_event(kind.is_routine()) {
            self.events.remove(surplus);
        }
    }

    /// Where the event is that has to go if a class has too many: the oldest of the kind that it has most of. So what
    /// somebody repeats displaces only itself.
    fn surplus_event(&self, is_routine: bool) -> Option<usize> {
        let events = self.events.iter().map(|event| event.kind).enumerate();
        let of_class = events.filter(|(_, kind)| kind.is_routine() == is_routine);
        let of_class: Vec<_> = of_class.collect();
        let count = |kind| of_class.iter().filter(|(_, other)| *other == kind).count();
        let is_full = of_class.len() > MAX_EVENTS;
        let oldest_last = of_class.iter().rev().filter(|_| is_full);
        let surplus = oldest_last.max_by_key(|(_, kind)| count(*kind));
        surplus.map(|(position, _)| *position)
    }

    /// Writes a security event down, and has a mail tell of it.
    pub(super) fn tell(&mut self, event: SecurityEvent, origin: &Origin) {
        self.tell_about(event, String::new(), origin);
    }

    /// The same of something that the user calls by this name.
    pub(super) fn tell_about(&mut self, event: SecurityEvent, about: String, origin: &Origin) {
        let kind = EventKind::Security(event);
        self.note_about(kind, about, origin);
        let is_always_told = event.severity() >= Severity::Serious;
        if is_always_told || self.count_since(kind, origin.at.minus(DAY)) <= MAILS_A_DAY {
            self.notify(MailKind::Security(event), origin);
        }
    }

    /// How often this has happened since a moment.
    fn count_since(&self, kind: EventKind, since: Timestamp) -> usize {
        let events = self.events.iter();
        events
            .filter(|event| event.kind == kind && event.at > since)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{
        security_event::SecurityEvent::{EmailChanged, NewDevice, PasswordChanged},
        user::tests::{ada, day, kinds, origin},
    };

    #[test]
    fn what_can_be_repeated_at_will_pushes_nothing_else_out() {
        let mut user = ada();
        user.note(EventKind::Security(PasswordChanged), &origin(1));
        for n in 0..200 {
            let kind = [
                EventKind::LoggedIn,
                EventKind::NameChanged,
                EventKind::EmailAsked,
            ][n % 3];
            user.note(kind, &origin(1));
        }
        assert_eq!(
            kinds(&user.events)[..2],
            [EventKind::SignedUp, EventKind::Security(PasswordChanged)]
        );
        assert_eq!(user.events.len(), 2 + MAX_EVENTS);
        for _ in 0..200 {
            user.note(EventKind::Security(PasswordChanged), &origin(2));
        }
        assert_eq!(user.events.len(), 2 * MAX_EVENTS);
    }

    #[test]
    fn what_is_repeated_displaces_only_its_own_kind() {
        let mut user = ada();
        for once in [
            EventKind::Security(NewDevice),
            EventKind::Security(EmailChanged),
        ] {
            user.note(once, &origin(1));
        }
        for _ in 0..200 {
            user.note(EventKind::LoggedIn, &origin(2));
            user.note(EventKind::Security(PasswordChanged), &origin(2));
        }
        let first = [
            EventKind::SignedUp,
            EventKind::Security(NewDevice),
            EventKind::Security(EmailChanged),
        ];
        assert_eq!(kinds(&user.events)[..3], first);
        assert_eq!(user.events.len(), 2 * MAX_EVENTS);
        assert_eq!(user.count_since(EventKind::Security(NewDevice), day(0)), 1);
    }

    #[test]
    fn an_event_is_kept_for_a_year() {
        let mut user = ada();
        user.note(EventKind::LoggedOut, &origin(365));
        assert_eq!(kinds(&user.events), [EventKind::LoggedOut]);
        user.note(EventKind::LoggedIn, &origin(365 + 364));
        assert_eq!(
            kinds(&user.events),
            [EventKind::LoggedOut, EventKind::LoggedIn]
        );
        assert_eq!(user.count_since(EventKind::LoggedIn, day(365)), 1);
        assert_eq!(user.count_since(EventKind::LoggedIn, day(365 + 364)), 0);
    }
}
