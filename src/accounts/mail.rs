//! Mails: as they wait in the outbox, as they are sent, and the trait of what sends them.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{clock::Timestamp, email::Email, token::Token};

/// The id of a mail in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MailId(Uuid);

impl From<MailId> for String {
    fn from(id: MailId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for MailId {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Uuid::try_parse(&text).map(Self)
    }
}

impl MailId {
    /// A new id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The id that is stored as `bytes`.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The id as bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for MailId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// Which mail is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailKind {
    /// The link to choose a new password, if the address has an account.
    ResetLink,
    /// The notice that the password was changed.
    PasswordChanged,
    /// The notice that only known devices can log in after too many failures, with a link to choose a new password.
    AccountClosed,
}

impl MailKind {
    const ALL: [Self; 3] = [Self::ResetLink, Self::PasswordChanged, Self::AccountClosed];

    /// The word that stores write for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::ResetLink => "reset-link",
            Self::PasswordChanged => "password-changed",
            Self::AccountClosed => "account-closed",
        }
    }

    /// The kind of a word that a store has.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A mail waiting in the outbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueuedMail {
    /// Its id.
    pub id: MailId,
    /// Which mail it is.
    pub kind: MailKind,
    /// The address it was asked for, whether or not it has an account.
    pub to: Email,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// How many delivery attempts were started.
    pub attempts: u32,
}

impl QueuedMail {
    /// A mail asked for now.
    pub fn new(kind: MailKind, to: Email, now: Timestamp) -> Self {
        Self {
            id: MailId::random(),
            kind,
            to,
            queued_at: now,
            attempts: 0,
        }
    }
}

/// How long a mail stays in the outbox before it is given up.
pub const MAIL_LIFE: Duration = Duration::from_secs(5 * 24 * 3600);

/// A mail to one user.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Becomes the `Message-ID`, so that a mail sent twice is recognized.
    pub id: MailId,
    /// Whom it goes to.
    pub to: Email,
    /// What it says.
    pub letter: Letter,
}

/// What a mail says.
#[derive(Debug, Clone)]
pub enum Letter {
    /// Here is the link to choose a new password.
    ResetLink(Token),
    /// Your password was changed at this moment.
    PasswordChanged(Timestamp),
    /// Too many logins failed; here is the link to choose a new password.
    AccountClosed(Token),
}

/// Why a delivery failed. The text is for the log and contains no address.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A later attempt may succeed.
    #[error("{0}")]
    Temporary(String),
    /// No attempt will succeed.
    #[error("{0}")]
    Permanent(String),
}

/// Delivers mail.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Sends a mail. `Ok` once a mail server or a folder has accepted it.
    async fn send(&self, mail: Mail) -> Result<(), MailError>;
}
