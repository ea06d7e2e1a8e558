//! The errors of the accounts.

use std::borrow::Cow;

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
    /// A login with the right password whose code is missing or refused.
    #[error(transparent)]
    SecondFactor(CodeRefusal),
    /// A code that shows again who is there is missing or refused.
    #[error(transparent)]
    CurrentCode(CodeRefusal),
    /// A code of an authenticator app that is being added is missing or refused.
    #[error(transparent)]
    SetupCode(CodeRefusal),
    /// There is no authenticator app to confirm, or its time is over.
    #[error("Begin again: an authenticator app has to be confirmed within 10 minutes")]
    SetupExpired,
    /// No answer of a passkey.
    #[error("Credential is required")]
    CredentialRequired,
    /// Not a purpose that a passkey can be asked for.
    #[error("A passkey is for login, second-factor or recent")]
    PurposeInvalid,
    /// There is no such challenge, or its time is over.
    #[error("Begin again: a passkey has to be used within 5 minutes")]
    ChallengeExpired,
    /// The passkey at a login is none of a user's, or its answer is wrong.
    #[error("This passkey was not accepted")]
    PasskeyRefused,
    /// The passkey at a login has not verified its user.
    #[error("Your passkey has not asked who you are: log in with your password first")]
    PasskeyUnverified,
    /// The account was taken back since the passkey was last used.
    #[error(
        "Your account was taken back: log in with your password once, and this passkey after it"
    )]
    PasskeyNotAlone,
    /// The passkey may have been copied.
    #[error("This passkey may have been copied and is refused: log in another way")]
    PasskeyCopied,
    /// What was to be added is no passkey.
    #[error("This passkey cannot be added")]
    PasskeyInvalid,
    /// The user has this passkey.
    #[error("You have added this passkey already")]
    PasskeyKnown,
    /// The user has this many passkeys, the most there can be.
    #[error("You have {0} passkeys, the most there can be: remove one first")]
    TooManyPasskeys(usize),
    /// The address of the registry is one that passkeys do not work at.
    #[error(
        "This registry does not offer passkeys: its PUBLIC_URL has no name, such as http://localhost:9090"
    )]
    PasskeysNotOffered,
    /// The registry has no key to encrypt the secrets of authenticator apps with.
    #[error("This registry does not offer authenticator apps")]
    TotpNotOffered,
    /// Something that only users with a second factor need.
    #[error("Add an authenticator app or a passkey first")]
    NoSecondFactor,
    /// The address is the user's already.
    #[error("This is already your email")]
    OwnEmail,
    /// The address is not the user's.
    #[error("This is not your email")]
    NotYourEmail,
    /// The address of record is confirmed.
    #[error("Your email is already confirmed")]
    AlreadyConfirmed,
    /// Something that only users with a confirmed address can do.
    #[error("Confirm your email first")]
    EmailNotConfirmed,
    /// No package.
    #[error("Package is required")]
    PackageRequired,
    /// Not the name of a package.
    #[error("A package name has only lower-case letters, digits, - and _, at most 100")]
    PackageInvalid,
    /// Not said whether a package is new.
    #[error("Say whether the package is new: true or false")]
    IsNewRequired,
    /// No packages that a token is for.
    #[error("Packages are required: names with spaces between, or * for all")]
    PackagesRequired,
    /// Packages that a token cannot be for.
    #[error(
        "A package name has only lower-case letters, digits, - and _, at most 100, and perhaps * at its end"
    )]
    PackagesInvalid,
    /// More packages, or more characters of them, than this.
    #[error(
        "A token is for at most {0} packages, of {1} characters in all; use * at the end of names"
    )]
    TooManyPackages(usize, usize),
    /// A token for a first publication that is for other than one package.
    #[error("A token for a first publication is for one package, named in full")]
    NotOnePackage,
    /// Not said what a token may do.
    #[error("Choose what the token may do")]
    MayRequired,
    /// Something that no token may do.
    #[error("A token may publish, publish-new, publish-update or first-publish")]
    MayInvalid,
    /// A number of days that no token lives for.
    #[error("Choose 7, 30, 90 or 365 days")]
    DaysInvalid,
    /// The user has this many live tokens, the most there can be.
    #[error("You have {0} upload tokens, the most there can be: end one first")]
    TooManyUploadTokens(usize),
    /// Another token took the place of this one.
    #[error("This token was already replaced")]
    AlreadyReplaced,
    /// An upload token does not allow this.
    #[error(transparent)]
    TokenRefused(TokenRefusal),
    /// An upload token that says who somebody is, but is no live one.
    #[error(transparent)]
    BadToken(TokenRefusal),
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

/// Why the code of a second factor is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefusal {
    /// No code.
    #[error("Enter the code of your second factor")]
    Required,
    /// No code of this user.
    #[error("This code is not valid")]
    Wrong,
    /// A code of the authenticator app that was used before, or an older one.
    #[error("This code has been used already: wait for the next one")]
    Used,
    /// Too many wrong codes of the authenticator app in a row (NIST SP 800-63B-4, 3.2.2).
    #[error("Too many wrong codes: use a recovery code or a passkey")]
    Closed,
    /// A code of the authenticator app that is some minutes old.
    #[error("Your code is from another minute: check the clock of your phone")]
    OfOtherMinute,
    /// The secret of the authenticator app cannot be decrypted.
    #[error("Your authenticator app cannot be checked: use a recovery code or a passkey")]
    Unreadable,
}

/// Why an upload token does not allow something. The text is all that the user of `fpm publish` reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// A text that is no token, as its checksum says.
    #[error("This is not a whole upload token: it begins with fpm_ and has 42 characters")]
    Incomplete,
    /// A token that was never made, or that was ended.
    #[error("This upload token was ended or never made: make a new one")]
    Unknown,
    /// A token whose time is over.
    #[error("This upload token has expired: make a new one")]
    Expired,
    /// A token for these packages.
    #[error("This token is for the packages {0}")]
    OtherPackage(Cow<'static, str>),
    /// A token for new packages, and the package exists.
    #[error("This token is for new packages, and this one exists already")]
    NewOnly,
    /// A token for the first publication of a package that exists.
    #[error("This token is for a first publication, and this package exists already")]
    FirstOnly,
    /// A token for new versions, and the package does not exist yet.
    #[error("This token is for new versions of packages, and this one does not exist yet")]
    UpdateOnly,
    /// A token that is not used up by a first publication.
    #[error("This token is not for a first publication")]
    NotFirstPublish,
    /// A token that only a later version of the registry understands.
    #[error("This part of the registry does not know yet what this token may do")]
    OfLaterVersion,
}
