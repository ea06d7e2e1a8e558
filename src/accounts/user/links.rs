//! Links that are mailed to a user, and the addresses that they are about.

use crate::accounts::{
    clock::Timestamp, email::Email, mail::MailId, record::record, token::Digest,
};

record! {
    /// A link to choose a new password.
    pub struct ResetLink {
        /// The digest of the token in the link.
        "digest" required digest: Digest,
        /// When it ends by itself.
        "expiresAt" required expires_at: Timestamp,
    }
}

record! {
    /// An address that is to be confirmed by a mailed link.
    pub struct Confirmation {
        /// The address of record, or the one that is to take its place.
        "email" required email: Email,
        /// When it was asked for.
        "askedAt" required asked_at: Timestamp,
        /// The digest of the token in the link, once its mail was sent.
        "digest" optional digest: Option<Digest>,
        /// When the link ends by itself.
        "expiresAt" optional expires_at: Option<Timestamp>,
    }
}

record! {
    /// A former address, held back so that its owner can undo the change.
    pub struct HeldAddress {
        /// The address.
        "email" required email: Email,
        /// When another one took its place.
        "changedAt" required changed_at: Timestamp,
        /// When anybody can take it.
        "expiresAt" required expires_at: Timestamp,
    }
}

record! {
    /// The link of a security mail, by which the mailbox that got it takes the account back.
    pub struct NotMeLink {
        /// The digest of the token in the link.
        "digest" required digest: Digest,
        /// The mail. Sent again, it has another link.
        "mail" required mail: MailId,
        /// The address the mail went to.
        "email" required email: Email,
        /// When that happened of which the mail tells.
        "eventAt" required event_at: Timestamp,
        /// When it ends by itself.
        "expiresAt" required expires_at: Timestamp,
        /// Whether it leaves second factors as they are, since the mail tells of somebody who did not get in.
        "keepsSecondFactors" optional keeps_second_factors: bool,
    }
}
