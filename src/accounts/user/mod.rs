//! The record of a user, and every rule that changes it: no clock and no store.
//!
//! # Layout
//! - `sessions`: logins, sessions and known devices; `password`: choosing another one
//! - `address`: the e-mail address, how it is confirmed and changed; `not_me`: how a mailbox takes an account back
//! - `links`: the records of links that are mailed, and of former addresses
//! - [`upload_tokens`]: tokens by which programs publish packages
//! - [`second_factors`]: authenticator apps, recovery codes and passkeys; `pending_login`: a login that waits for one;
//!   `factors`: their records; `former_factors`: those that a change took away, and how they come back;
//!   `secrets`: by which keys they are encrypted
//! - [`end_of_second_factors`]: how an operator helps who has lost them; `due`: what is done by the clock
//! - `operator`: what an operator does; `backup`: what of a record goes into a backup
//! - [`event`], [`history`]: what has happened

pub use self::{
    factors::{FormerFactors, Passkey, RecoveryCode, RecoveryCodes, Totp},
    links::{Confirmation, HeldAddress, NotMeLink, ResetLink},
};

use self::event::{Event, EventKind, Origin};
use super::{
    clock::Timestamp,
    device_name::DeviceName,
    email::Email,
    id::{Handle, UserId},
    mail::{MailKind, QueuedMail},
    name::Name,
    package::Packages,
    password::PasswordHash,
    record::{Unknown, record},
    secret_keys::Sealed,
    token::Digest,
    token_scope::May,
};

mod address;
mod backup;
mod due;
pub mod end_of_second_factors;
pub mod event;
mod factors;
mod former_factors;
pub mod history;
mod links;
mod not_me;
mod operator;
pub mod passkeys;
mod password;
mod pending_login;
pub mod second_factors;
mod secrets;
mod sessions;
pub mod upload_tokens;

/// The most sessions a user can have; a further login ends the oldest.
pub const MAX_SESSIONS: usize = 50;
/// The version of the schema of records. A program that cannot read those of an earlier one has to convert them.
pub const SCHEMA: u32 = 1;
/// The most devices that are remembered of a user; a further one takes the place of the oldest.
pub const MAX_DEVICES: usize = 10;

record! {
    /// A user as the stores keep one.
    pub struct User {
        /// Names the user for good.
        "id" required id: UserId,
        /// The version of the schema that the record was made by, 0 if another program wrote it. It stays as it is where
        /// an earlier version changes the record.
        "schema" default schema: u32,
        /// The number of changes; none if another program wrote the record.
        "rev" optional rev: Option<i64>,
        /// The name the user goes by.
        "name" required name: String,
        /// The address the user logs in with.
        "email" required email: Email,
        /// The hash of the password.
        "password" required password: PasswordHash,
        /// When the user showed that mail to the address reaches them; none if that has not happened.
        "confirmedAt" optional confirmed_at: Option<Timestamp>,
        /// When the password was chosen; none if another program wrote it.
        "passwordChangedAt" optional password_changed_at: Option<Timestamp>,
        /// Whether the password turned out at a login to be known from a breach. Another one has not.
        "passwordBreached" optional password_breached: bool,
        /// When an operator disabled the account; none if it can be used.
        "disabledAt" optional disabled_at: Option<Timestamp>,
        /// When the user signed up.
        "createdAt" default created_at: Timestamp,
        /// When the user last logged in.
        "loginAt" default login_at: Timestamp,
        /// When the user last logged out.
        "lastLogout" optional last_logout: Option<Timestamp>,
        /// Where the user is logged in, the oldest first; some may have expired.
        "sessions" default sessions: Vec<Session>,
        /// The devices the user has logged in with, the oldest first.
        "devices" default devices: Vec<Device>,
        /// The link to choose a new password; it may have expired.
        "reset" optional reset: Option<ResetLink>,
        /// The address that is to be confirmed; its link may have expired.
        "confirmation" optional confirmation: Option<Confirmation>,
        /// Former addresses, which nobody else can take for a while, the oldest first; some may have expired.
        "held" optional held: Vec<HeldAddress>,
        /// The links of security mails, the oldest first; some may have expired.
        "notMe" optional not_me: Vec<NotMeLink>,
        /// The tokens by which programs publish packages, the oldest first; some may have expired.
        "uploadTokens" optional upload_tokens: Vec<UploadToken>,
        /// When something is next to be done to the user by the clock; none if nothing is.
        "dueAt" optional due_at: Option<Timestamp>,
        /// The authenticator app.
        "totp" optional totp: Option<Totp>,
        /// An authenticator app that is being added; its time may be over.
        "pendingTotp" optional pending_totp: Option<PendingTotp>,
        /// The recovery codes that were not used yet.
        "recoveryCodes" optional recovery_codes: Option<RecoveryCodes>,
        /// The passkeys, the oldest first.
        "passkeys" optional passkeys: Vec<Passkey>,
        /// What the user's own changes took away of second factors, the oldest first; the time of some may be over.
        "formerFactors" optional former_factors: Vec<FormerFactors>,
        /// When all second factors end, as an operator has asked; none if that is not so.
        "secondFactorsEndAt" optional second_factors_end_at: Option<Timestamp>,
        /// Logins with the right password that wait for a second factor, the oldest first; the time of some may be over.
        "pendingLogins" optional pending_logins: Vec<PendingLogin>,
        /// What has happened, the oldest first.
        "events" optional events: Vec<Event>,
        /// Mail that goes with the last change and is not in the outbox yet.
        "notices" optional notices: Vec<QueuedMail>,
    }
}

record! {
    /// One logged-in device.
    pub struct Session {
        /// Names the session to its user; opens nothing.
        "handle" required handle: Handle,
        /// The digest of the token in the device's cookie.
        "digest" required digest: Digest,
        /// When the user logged in.
        "createdAt" default created_at: Timestamp,
        /// When the session was last seen in use.
        "usedAt" default used_at: Timestamp,
        /// When it ends by itself.
        "expiresAt" default expires_at: Timestamp,
        /// When the user last gave a password in it.
        "authenticatedAt" default authenticated_at: Timestamp,
        /// When the user last gave a second factor in it; none if that has not happened.
        "secondFactorAt" optional second_factor_at: Option<Timestamp>,
        /// What the device called itself.
        "userAgent" default user_agent: String,
        /// Where it was last seen in use, as [`Network::coarse`](super::network::Network::coarse) says it.
        "network" default network: String,
    }
}

record! {
    /// A device its owner has logged in with, by the token in its cookie.
    pub struct Device {
        /// The digest of the token.
        "digest" required digest: Digest,
        /// When the device got it.
        "createdAt" default created_at: Timestamp,
    }
}

record! {
    /// A token by which a program publishes packages.
    pub struct UploadToken {
        /// Names the token to its user; opens nothing.
        "handle" required handle: Handle,
        /// The digest of its text.
        "digest" required digest: Digest,
        /// The last four characters of its text.
        "last4" default last4: String,
        /// What its user calls it.
        "name" default name: String,
        /// The packages it is for.
        "packages" required packages: Packages,
        /// What it may do.
        "may" word may: May,
        /// When it was made.
        "createdAt" default created_at: Timestamp,
        /// When it ends by itself.
        "expiresAt" default expires_at: Timestamp,
        /// When it was last seen in use, to the hour.
        "usedAt" optional used_at: Option<Timestamp>,
        /// When another one took its place.
        "replacedAt" optional replaced_at: Option<Timestamp>,
        /// When its user was told that it expires soon.
        "remindedAt" optional reminded_at: Option<Timestamp>,
    }
}

record! {
    /// An authenticator app that is being added.
    pub struct PendingTotp {
        /// The secret, encrypted.
        "secret" required secret: Sealed,
        /// The session that adds it.
        "session" required session: Handle,
        /// The digest of the browser's form token, if it has one. No other browser is shown the secret.
        "form" optional form: Option<Digest>,
        /// When it is too late to confirm it.
        "expiresAt" required expires_at: Timestamp,
    }
}

record! {
    /// A login with the right password that waits for a second factor.
    pub struct PendingLogin {
        /// The digest of the token in the browser's cookie.
        "digest" required digest: Digest,
        /// The digest of the browser's form token, if it has one. No other browser can go on.
        "form" optional form: Option<Digest>,
        /// The digest of the hash that the password was compared with. Another password ends the login.
        "password" required password: Digest,
        /// Whether it was begun by a device that the user knows.
        "ofKnownDevice" default of_known_device: bool,
        /// From which network it was begun.
        "network" default network: String,
        /// By which device.
        "device" optional_word device: Option<DeviceName>,
        /// How many wrong codes were typed.
        "wrong" default wrong: u32,
        /// When it ends by itself.
        "expiresAt" required expires_at: Timestamp,
    }
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
            unknown: Unknown::new(),
        };
        let mut user = Self::begin(name.as_str(), email, password, EventKind::SignedUp, &origin);
        user.password_changed_at = Some(origin.at);
        user.login_at = origin.at;
        user.sessions.push(session);
        user.devices.push(device);
        user.confirmation = Some(confirmation);
        user
    }

    /// A user as each begins, by this event.
    fn begin(
        name: &str,
        email: Email,
        password: PasswordHash,
        event: EventKind,
        origin: &Origin,
    ) -> Self {
        let mut user = Self {
            id: UserId::new(origin.at),
            schema: SCHEMA,
            rev: None,
            name: name.to_owned(),
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
            upload_tokens: Vec::new(),
            due_at: None,
            totp: None,
            pending_totp: None,
            recovery_codes: None,
            passkeys: Vec::new(),
            former_factors: Vec::new(),
            second_factors_end_at: None,
            pending_logins: Vec::new(),
            events: Vec::new(),
            notices: Vec::new(),
            unknown: Unknown::new(),
        };
        user.note(event, origin);
        user
    }

    /// Gives the user another name.
    pub fn change_name(&mut self, name: &Name, origin: &Origin) {
        self.name = name.as_str().to_owned();
        self.note(EventKind::NameChanged, origin);
    }

    /// Has a mail sent to the address of record. An address that is not confirmed gets none: it may be that
    /// of somebody else.
    fn notify(&mut self, kind: MailKind, origin: &Origin) {
        if self.confirmed_at.is_some() {
            let to = self.email.clone();
            self.send(kind, to, origin);
        }
    }

    fn send(&mut self, kind: MailKind, to: Email, origin: &Origin) {
        // A change of address that was stored before is earlier, whatever the clocks of two processes say.
        let changes = self.held.iter().map(|held| held.changed_at);
        let at = changes.fold(origin.at, Timestamp::max);
        self.notices.push(QueuedMail {
            user: Some(self.id.clone()),
            device: Some(origin.device),
            ..QueuedMail::new(kind, to, at)
        });
    }
}

impl Session {
    /// Whether it has not expired.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }

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
