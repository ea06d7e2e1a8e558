//! The errors of the accounts.

use super::wait::Wait;

/// The store failed. The text is for the log, not for clients.
#[derive(Debug, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// Why a request was refused. The text is what the client reads; `forms::refusal` gives each its HTTP status.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No name.
    #[error("Name is required")]
    NameRequired,
    /// A name with more than this many characters.
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
    /// A password with fewer than this many characters.
    #[error("Password must be at least {0} characters")]
    PasswordTooShort(usize),
    /// A password with more than this many characters.
    #[error("Password must be at most {0} characters")]
    PasswordTooLong(usize),
    /// A password that an attacker would try early; the text says why.
    #[error("Password is too easy to guess: {0}")]
    PasswordTooEasy(&'static str),
    /// A password that is known from a breach.
    #[error("Password is too easy to guess: it is in lists of leaked passwords")]
    PasswordBreached,
    /// No user has this e-mail and password.
    #[error("Invalid email or password")]
    WrongLogin,
    /// Nobody is logged in.
    #[error("Log in first")]
    NotLoggedIn,
    /// There is no live session to end.
    #[error("User not found")]
    NoSession,
    /// The mailed link is unknown, used or expired.
    #[error("User not found")]
    LinkDead,
    /// The handle is none of this user's.
    #[error("Not found")]
    NotFound,
    /// The user has not given the password for a while.
    #[error("Enter your current password")]
    CurrentPasswordRequired,
    /// What was given for it is another one.
    #[error("This is not your current password")]
    WrongCurrentPassword,
    /// The address is the user's already.
    #[error("This is already your email")]
    OwnEmail,
    /// The address is not the user's.
    #[error("This is not your email")]
    NotYourEmail,
    /// The address of record is confirmed.
    #[error("Your email is already confirmed")]
    AlreadyConfirmed,
    /// A rate limit is reached.
    #[error("Too many attempts, {0}")]
    TooManyAttempts(Wait),
    /// The queue for password hashing is full, or an account is being changed by too many requests at once.
    #[error("The registry is busy, try again in a moment")]
    Busy,
    /// The store failed; the cause is for the log.
    #[error("The registry is not available right now, try again in a moment")]
    Unavailable(#[from] StoreError),
}
