//! Second factors of a user, and those that a user had.

use crate::accounts::{
    clock::Timestamp, id::Handle, passkeys::StoredCredential, record::record, secret_keys::Sealed,
    token::Digest,
};

record! {
    /// An authenticator app.
    pub struct Totp {
        /// The secret that it shares with the server, encrypted.
        "secret" required secret: Sealed,
        /// When it was added.
        "addedAt" required added_at: Timestamp,
        /// When a code of it was last used at a login.
        "usedAt" optional used_at: Option<Timestamp>,
        /// The step of the last code that was accepted. No code of it or of an earlier one works again.
        "step" default step: u64,
        /// How many wrong codes in a row were typed on devices that are not known.
        "wrong" optional wrong: u32,
        /// How many on known ones, and by who was logged in.
        "wrongOfKnown" optional wrong_of_known: u32,
    }
}

record! {
    /// Recovery codes.
    pub struct RecoveryCodes {
        /// When they were made.
        "madeAt" required made_at: Timestamp,
        /// Those that were not used yet.
        "codes" default codes: Vec<RecoveryCode>,
    }
}

record! {
    /// A recovery code that was not used yet.
    pub struct RecoveryCode {
        /// The digest of its text.
        "digest" required digest: Digest,
    }
}

record! {
    /// A passkey.
    pub struct Passkey {
        /// Names the passkey to its user; opens nothing.
        "handle" required handle: Handle,
        /// What its user calls it.
        "name" default name: String,
        /// When it was added.
        "addedAt" required added_at: Timestamp,
        /// When it was last used.
        "usedAt" optional used_at: Option<Timestamp>,
        /// Whether it lets nobody in alone, since the account was taken back and nobody has used it after a password since.
        "needsPassword" optional needs_password: bool,
        /// Its public key, counter and properties, as [`passkeys`](crate::accounts::passkeys) reads them.
        "credential" required credential: StoredCredential,
    }
}

record! {
    /// What a change of its user took away of second factors, kept for who undoes the change.
    pub struct FormerFactors {
        /// When it was taken away.
        "replacedAt" required replaced_at: Timestamp,
        /// The authenticator app.
        "totp" optional totp: Option<Totp>,
        /// The passkey.
        "passkey" optional passkey: Option<Passkey>,
        /// The recovery codes that were not used yet.
        "recoveryCodes" optional recovery_codes: Option<RecoveryCodes>,
    }
}
