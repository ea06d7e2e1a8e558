//! Passkeys: how they are added and removed, and what is noted when one is used.

use super::{
    Passkey, User,
    event::{EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp,
    error::Error,
    id::Handle,
    mail::MailKind,
    name::Name,
    passkeys::{StoredCredential, Used},
    record::Unknown,
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
        if self.passkeys.len() >= MAX_PASSKEYS {
            return Err(Error::TooManyPasskeys(MAX_PASSKEYS));
        }
        self.passkeys.push(Passkey {
            handle: Handle::random(),
            name: name.as_str().to_owned(),
            added_at: origin.at,
            used_at: None,
            credential,
            unknown: Unknown::new(),
        });
        self.authenticate_by_second_factor(session, origin.at);
        self.note_about(EventKind::PasskeyAdded, name.as_str().to_owned(), origin);
        self.notify(MailKind::PasskeyAdded, origin);
        Ok(())
    }

    /// Removes the passkey of this handle; false, with nothing changed, if there is none.
    pub fn end_passkey(&mut self, handle: &Handle, origin: &Origin) -> bool {
        let mut passkeys = self.passkeys.iter();
        let Some(position) = passkeys.position(|passkey| passkey.handle == *handle) else {
            return false;
        };
        let ended = self.passkeys.remove(position);
        self.drop_useless_codes();
        self.note_about(EventKind::PasskeyRemoved, ended.name, origin);
        self.notify(MailKind::PasskeyRemoved, origin);
        true
    }

    /// Notes that a passkey was used, with its new counter.
    pub fn note_passkey_use(&mut self, used: Used, now: Timestamp) {
        if let Some(passkey) = self.passkeys.get_mut(used.index) {
            passkey.credential = used.credential;
            passkey.used_at = Some(now);
        }
    }

    /// Notes that a passkey was refused that may have been copied.
    pub fn note_copied_passkey(&mut self, origin: &Origin) {
        self.note(EventKind::PasskeyRefused, origin);
        self.notify(MailKind::PasskeyRefused, origin);
    }
}
