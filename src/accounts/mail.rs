//! The mails the accounts send, and what sends them.

use async_trait::async_trait;

use super::{clock::Timestamp, email::Email, outbox::MailId, token::Token};

/// A mail to one user.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Names the mail in its `Message-ID`, so that a mail sent twice is seen as one.
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

/// Why a mail was not taken; the text is for the log and holds no address.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It may be taken later.
    #[error("{0}")]
    Temporary(String),
    /// It will never be taken.
    #[error("{0}")]
    Permanent(String),
}

/// Hands mail to whatever delivers it.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Sends a mail; `Ok` once it has been taken for delivery.
    async fn send(&self, mail: Mail) -> Result<(), MailError>;
}
