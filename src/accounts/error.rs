//! Why something was refused.

use super::wait::Wait;

/// Why the store could not do its work; the text is for the log.
#[derive(Debug, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// Why something was refused. Each has one sentence; what status it gets is decided once, in
/// `forms::refusal`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No name.
    #[error("Name is required")]
    NameRequired,
    /// A name of more characters than these.
    #[error("Name must be at most {0} characters")]
    NameTooLong(usize),
    /// A name with control characters.
    #[error("Name must not contain line breaks or control characters")]
    NameInvalid,
    /// No e-mail.
    #[error("Email is required")]
    EmailRequired,
    /// Not an e-mail address.
    #[error("Enter a valid email address")]
    EmailInvalid,
    /// The e-mail has an account.
    #[error("A user with this email already exists")]
    EmailTaken,
    /// No password.
    #[error("Password is required")]
    PasswordRequired,
    /// A password of fewer characters than these.
    #[error("Password must be at least {0} characters")]
    PasswordTooShort(usize),
    /// A password of more characters than these.
    #[error("Password must be at most {0} characters")]
    PasswordTooLong(usize),
    /// A password an attacker would try early.
    #[error("Password is too easy to guess: {0}")]
    PasswordTooEasy(&'static str),
    /// No user has this e-mail and password.
    #[error("Invalid email or password")]
    WrongLogin,
    /// Nobody is logged in.
    #[error("Log in first")]
    NotLoggedIn,
    /// The session to end does not live.
    #[error("User not found")]
    NoSession,
    /// The mailed link is unknown, used or expired.
    #[error("User not found")]
    LinkDead,
    /// A limit on attempts is reached.
    #[error("Too many attempts, {0}")]
    TooManyAttempts(Wait),
    /// More hashing is asked for than the machine can do.
    #[error("The registry is busy, try again in a moment")]
    Busy,
    /// The store failed; the cause is for the log.
    #[error("The registry is not available right now, try again in a moment")]
    Unavailable(#[from] StoreError),
}
