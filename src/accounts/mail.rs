//! Mails: as they wait in the outbox, as they are sent, and the trait of what sends them.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    clock::Timestamp,
    device_name::DeviceName,
    email::Email,
    id::{Handle, UserId},
    record::{Unknown, Word, parse_word, record},
    security_event::SecurityEvent,
    token::Token,
};

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
    /// The notice that only known devices can log in after too many failures, with a link to choose a new password.
    AccountClosed,
    /// The link to confirm an address, or the notice to its owner that it has an account already.
    ConfirmEmail,
    /// The notice that the account was deleted.
    AccountDeleted,
    /// The notice that an operator disabled the account.
    AccountDisabled,
    /// The notice that an operator enabled it again.
    AccountEnabled,
    /// The notice to the former address that an operator gave the account back to its owner.
    AccountRecovered,
    /// The notice that who had the text of an upload token ended it.
    UploadTokenEnded,
    /// The notice that an upload token expires soon.
    UploadTokenExpires,
    /// A mail that a later version knows.
    Unknown,
    /// A security mail.
    #[serde(untagged)]
    Security(SecurityEvent),
}

/// Its name in the log.
impl fmt::Display for MailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Security(event) => write!(f, "{event:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Word for MailKind {
    const LATER: Self = Self::Unknown;

    fn parse(word: &str) -> Option<Self> {
        parse_word(word)
    }
}

record! {
    /// A mail waiting in the outbox.
    pub struct QueuedMail {
        /// Its id.
        "id" required id: MailId,
        /// Which mail it is.
        "kind" word kind: MailKind,
        /// The address it was asked for, whether or not it has an account.
        "to" required to: Email,
        /// Whose account it is about, if that was known.
        "user" optional user: Option<UserId>,
        /// The device that it is about, if it is about one.
        "device" optional_word device: Option<DeviceName>,
        /// The upload token that it is about, if it is about one.
        "uploadToken" optional upload_token: Option<MailedToken>,
        /// When it was asked for.
        "queuedAt" required queued_at: Timestamp,
        /// How many delivery attempts were started.
        "attempts" required attempts: u32,
        /// Why the last one failed, as the log says it; empty if none has.
        "lastFailure" optional last_failure: String,
    }
}

record! {
    /// What a mail says of an upload token.
    pub struct MailedToken {
        /// Its handle.
        "handle" required handle: Handle,
        /// The last four characters of its text.
        "last4" required last4: String,
        /// When it ends by itself.
        "expiresAt" required expires_at: Timestamp,
    }
}

impl QueuedMail {
    /// A mail asked for now.
    pub fn new(kind: MailKind, to: Email, now: Timestamp) -> Self {
        Self {
            id: MailId::random(),
            kind,
            to,
            user: None,
            device: None,
            upload_token: None,
            queued_at: now,
            attempts: 0,
            last_failure: String::new(),
            unknown: Unknown::new(),
        }
    }
}

/// A mail in the outbox, as an operator sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxMail {
    /// The mail.
    pub mail: QueuedMail,
    /// What becomes of it.
    pub state: MailState,
}

/// How much mail is in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxSize {
    /// How many mails are to be sent.
    pub waiting: u64,
    /// How many can never be delivered.
    pub parked: u64,
    /// When the oldest of those that are to be sent was asked for.
    pub oldest: Option<Timestamp>,
}

/// What becomes of a mail in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub enum MailState {
    /// It is sent at this moment, or soon after.
    Waiting(Timestamp),
    /// A process is sending it, and has until this moment.
    Sending(Timestamp),
    /// It can never be delivered, for this reason.
    Parked(String),
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
    ResetLink {
        /// The token of the link.
        token: Token,
        /// Whether the account has a password that goes on to work: not if it was taken back, or made by an operator.
        has_password: bool,
    },
    /// Too many logins failed; here is the link to choose a new password.
    AccountClosed(Token),
    /// Here is the link to confirm the address of a new account.
    ConfirmEmail(Token),
    /// Here is the link to make this the address of an account that has another one.
    ConfirmChange(Token),
    /// Somebody asked for that, but this address has an account.
    EmailInUse,
    /// Something has happened that the owner should have done.
    Security(SecurityNotice),
    /// The account was deleted.
    AccountDeleted {
        /// When.
        at: Timestamp,
        /// Whether an operator did it, not its user.
        by_operator: bool,
    },
    /// An operator disabled the account at this moment.
    AccountDisabled(Timestamp),
    /// An operator enabled the account again at this moment.
    AccountEnabled(Timestamp),
    /// An operator gave the account to another address at this moment.
    AccountRecovered(Timestamp),
    /// Who had the text of the upload token that ends like this ended it.
    UploadTokenEnded {
        /// The last four characters of its text.
        last4: String,
        /// When.
        at: Timestamp,
    },
    /// The upload token that ends like this expires soon.
    UploadTokenExpires {
        /// The last four characters of its text.
        last4: String,
        /// When it expires.
        at: Timestamp,
    },
}

impl Letter {
    /// Whether it holds a link that is made for it alone.
    pub fn has_link(&self) -> bool {
        match self {
            Self::ResetLink { .. }
            | Self::AccountClosed(_)
            | Self::ConfirmEmail(_)
            | Self::ConfirmChange(_) => true,
            Self::Security(notice) => notice.not_me.is_some(),
            Self::EmailInUse
            | Self::AccountDeleted { .. }
            | Self::AccountDisabled(_)
            | Self::AccountEnabled(_)
            | Self::AccountRecovered(_)
            | Self::UploadTokenEnded { .. }
            | Self::UploadTokenExpires { .. } => false,
        }
    }
}

/// What has happened to an account, and how its mailbox can take it back.
#[derive(Debug, Clone)]
pub struct SecurityNotice {
    /// What.
    pub event: SecurityEvent,
    /// When.
    pub at: Timestamp,
    /// By which device.
    pub device: DeviceName,
    /// The link "this was not me", unless the account has too many.
    pub not_me: Option<Token>,
}

/// Why a delivery failed. The text is for the log and for operators, and contains no address.
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
