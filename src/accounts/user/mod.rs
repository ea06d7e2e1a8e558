//! The record of a user, and every rule that changes it: no clock and no store.
//!
//! # Layout
//! - `sessions`: logins, sessions and known devices; `password`: choosing another one
//! - `address`: the e-mail address, how it is confirmed and changed; `not_me`: how a mailbox takes an account back
//! - `operator`: what an operator does; `backup`: what of a record goes into a backup
//! - [`event`], [`history`]: what has happened

use std::ops::Not;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::event::{Event, EventKind, Origin};
use super::{
    clock::Timestamp,
    device_name::DeviceName,
    email::Email,
    id::{Handle, UserId},
    mail::{MailId, MailKind, QueuedMail},
    name::Name,
    password::PasswordHash,
    token::Digest,
};

mod address;
mod backup;
pub mod event;
pub mod history;
mod not_me;
mod operator;
mod password;
mod sessions;

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
    /// When the user showed that mail to the address reaches them; none if that has not happened.
    pub confirmed_at: Option<Timestamp>,
    /// When the password was chosen; none if another program wrote it.
    pub password_changed_at: Option<Timestamp>,
    /// Whether the password turned out at a login to be known from a breach. Another one has not.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub password_breached: bool,
    /// When an operator disabled the account; none if it can be used.
    pub disabled_at: Option<Timestamp>,
    /// When the user signed up.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When the user last logged in.
    #[serde(default)]
    pub login_at: Timestamp,
    /// When the user last logged out.
    pub last_logout: Option<Timestamp>,
    /// Where the user is logged in, the oldest first; some may have expired.
    #[serde(default)]
    pub sessions: Vec<Session>,
    /// The devices the user has logged in with, the oldest first.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// The link to choose a new password; it may have expired.
    pub reset: Option<ResetLink>,
    /// The address that is to be confirmed; its link may have expired.
    pub confirmation: Option<Confirmation>,
    /// Former addresses, which nobody else can take for a while, the oldest first; some may have expired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldAddress>,
    /// The links of security mails, the oldest first; some may have expired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_me: Vec<NotMeLink>,
    /// What has happened, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Mail that goes with the last change and is not in the outbox yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<QueuedMail>,
    /// What else the record holds.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// One logged-in device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Names the session to its user; opens nothing.
    pub handle: Handle,
    /// The digest of the token in the device's cookie.
    pub digest: Digest,
    /// When the user logged in.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When the session was last seen in use.
    #[serde(default)]
    pub used_at: Timestamp,
    /// When it ends by itself.
    #[serde(default)]
    pub expires_at: Timestamp,
    /// When the user last gave a password in it.
    #[serde(default)]
    pub authenticated_at: Timestamp,
    /// What the device called itself.
    #[serde(default)]
    pub user_agent: String,
    /// Where it was last seen in use, as [`Network::coarse`](super::network::Network::coarse) says it.
    #[serde(default)]
    pub network: String,
    /// What else the record holds.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A device its owner has logged in with, by the token in its cookie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The digest of the token.
    pub digest: Digest,
    /// When the device got it.
    #[serde(default)]
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

/// An address that is to be confirmed by a mailed link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Confirmation {
    /// The address of record, or the one that is to take its place.
    pub email: Email,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// The digest of the token in the link, once its mail was sent.
    pub digest: Option<Digest>,
    /// When the link ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A former address, held back so that its owner can undo the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldAddress {
    /// The address.
    pub email: Email,
    /// When another one took its place.
    pub changed_at: Timestamp,
    /// When anybody can take it.
    pub expires_at: Timestamp,
}

/// The link of a security mail, by which the mailbox that got it takes the account back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotMeLink {
    /// The digest of the token in the link.
    pub digest: Digest,
    /// The mail. Sent again, it has another link.
    pub mail: MailId,
    /// The address the mail went to.
    pub email: Email,
    /// When that happened of which the mail tells.
    pub event_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl User {
    /// A user who has just signed up, and is logged in. The address is to be confirmed.
    pub fn new(
        name: Name,
        email: Email,
        password: PasswordHash,
        session: Session,
        device: Device,
    ) -> Self {
        let origin = session.origin();
        let confirmation = Confirmation {
            email: email.clone(),
            asked_at: origin.at,
            digest: None,
            expires_at: None,
        };
        let mut user = Self::begin(name, email, password, &origin);
        user.password_changed_at = Some(origin.at);
        user.login_at = origin.at;
        user.sessions.push(session);
        user.devices.push(device);
        user.confirmation = Some(confirmation);
        user
    }

    /// A user as each begins.
    fn begin(name: Name, email: Email, password: PasswordHash, origin: &Origin) -> Self {
        let mut user = Self {
            id: UserId::new(origin.at),
            rev: None,
            name: name.as_str().to_owned(),
            email,
            password,
            confirmed_at: None,
            password_changed_at: None,
            password_breached: false,
            disabled_at: None,
            created_at: origin.at,
            login_at: Timestamp::PAST,
            last_logout: None,
            sessions: Vec::new(),
            devices: Vec::new(),
            reset: None,
            confirmation: None,
            held: Vec::new(),
            not_me: Vec::new(),
            events: Vec::new(),
            notices: Vec::new(),
            unknown: Unknown::new(),
        };
        user.note(EventKind::SignedUp, origin);
        user
    }

    /// Gives the user another name.
    pub fn change_name(&mut self, name: &Name, origin: &Origin) {
        self.name = name.as_str().to_owned();
        self.note(EventKind::NameChanged, origin);
    }

    /// Has a security mail sent to the address of record. An address that is not confirmed gets none: it may be that
    /// of somebody else.
    fn notify(&mut self, kind: MailKind, origin: &Origin) {
        if self.confirmed_at.is_some() {
            let to = self.email.clone();
            self.send(kind, to, origin);
        }
    }

    fn send(&mut self, kind: MailKind, to: Email, origin: &Origin) {
        self.notices.push(QueuedMail {
            user: Some(self.id.clone()),
            device: Some(origin.device),
            ..QueuedMail::new(kind, to, origin.at)
        });
    }
}

impl Session {
    /// When and where from it was begun.
    pub fn origin(&self) -> Origin {
        Origin {
            at: self.created_at,
            network: self.network.clone(),
            device: self.device_name(),
        }
    }

    /// What the device is called.
    pub fn device_name(&self) -> DeviceName {
        DeviceName::of_user_agent(&self.user_agent)
    }
}

/// Drops the oldest items past `most`.
fn drop_first<T>(items: &mut Vec<T>, most: usize) {
    items.drain(..items.len().saturating_sub(most));
}

/// What the tests of the rules begin with.
#[cfg(test)]
mod tests;
