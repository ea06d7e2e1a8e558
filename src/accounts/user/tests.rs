//! What the tests of the rules begin with.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::time::Duration;

use super::{
    Device, Passkey, Session, Unknown, User,
    event::{Event, EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp, device_name::DeviceName, email::Email, id::Handle, mail::MailKind,
    name::Name, passkeys::tests::phone, password::PasswordHash, token::Token,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub fn day(n: u32) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000).plus(n * DAY)
}

pub fn origin(n: u32) -> Origin {
    Origin {
        at: day(n),
        network: "192.0.2.0/24".to_owned(),
        device: DeviceName::of_user_agent("curl/8"),
    }
}

pub fn session(from: u32, to: u32) -> Session {
    Session {
        handle: Handle::random(),
        digest: Token::random().digest(),
        created_at: day(from),
        used_at: day(from),
        expires_at: day(to),
        authenticated_at: day(from),
        second_factor_at: None,
        user_agent: "curl/8".to_owned(),
        network: "192.0.2.0/24".to_owned(),
        unknown: Unknown::new(),
    }
}

pub fn device(since: u32) -> Device {
    Device {
        digest: Token::random().digest(),
        created_at: day(since),
        unknown: Unknown::new(),
    }
}

/// A passkey that was added on day `n`.
pub fn passkey(n: u32) -> Passkey {
    let (_, credential) = phone();
    Passkey {
        handle: Handle::random(),
        name: "laptop".to_owned(),
        added_at: day(n),
        used_at: None,
        needs_password: false,
        credential,
        unknown: Unknown::new(),
    }
}

pub fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

/// Signed up on day 0.
pub fn ada() -> User {
    User::new(
        Name::parse("Ada Lovelace").unwrap(),
        email("ada@example.org"),
        PasswordHash::from_stored("first".to_owned()),
        session(0, 30),
        device(0),
    )
}

/// The same, with a confirmed address.
pub fn confirmed() -> User {
    User {
        confirmed_at: Some(day(0)),
        confirmation: None,
        ..ada()
    }
}

pub fn kinds(events: &[Event]) -> Vec<EventKind> {
    events.iter().map(|event| event.kind).collect()
}

/// The mails that are to be sent, and to whom.
pub fn mails(user: &User) -> Vec<(MailKind, &Email)> {
    let mails = user.notices.iter();
    mails.map(|mail| (mail.kind, &mail.to)).collect()
}
