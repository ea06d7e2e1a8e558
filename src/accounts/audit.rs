//! The audit log: security events as lines of closed kinds, which a program can filter, and a count of each kind.
//!
//! A line names a user by the id, never by an address or its digest, which can be guessed back (ASVS 16.2.5, 16.3).

use super::{counts::Counts, error::CodeRefusal, id::UserId, network::Network};

/// The target of the lines, so that `RUST_LOG=warn,audit=info` keeps them.
const TARGET: &str = "audit";

/// Something that matters to who guards the accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditEvent {
    /// An account was made.
    SignedUp,
    /// A login from a known device.
    LoggedIn,
    /// A login from a new device.
    NewDevice,
    /// A right password of a user who has a second factor.
    SecondFactorAsked,
    /// A login failed.
    LoginFailed(LoginFailure),
    /// Too many logins failed: only a known device or a mailed link gets in.
    AccountClosed,
    /// Another password was given for the current one.
    WrongCurrentPassword,
    /// A wrong code was given to show again who is there.
    WrongCurrentCode,
    /// A second factor or recovery codes were added.
    SecondFactorAdded,
    /// A second factor was removed.
    SecondFactorRemoved,
    /// This limit refused an attempt.
    RateLimited(&'static str),
    /// A reset link was asked for. Whether there is such a user is not known yet.
    ResetAsked,
    /// The password was set by a reset link.
    PasswordReset,
    /// The password was changed.
    PasswordChanged,
    /// Another e-mail address was asked for.
    EmailChangeAsked,
    /// An e-mail address was confirmed.
    EmailConfirmed,
    /// The link "this was not me" was used.
    NotMe,
    /// An upload token was made, perhaps in the place of another one.
    UploadTokenMade,
    /// An upload token was ended, or used up by a first publication.
    UploadTokenEnded,
    /// A text in the form of an upload token that is none.
    UploadTokenUnknown,
    /// The user deleted the account.
    AccountDeleted,
    /// An operator did this.
    Operator(&'static str),
}

/// Why a login failed. The client is told the same in all cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginFailure {
    /// No user has this e-mail and password.
    Wrong,
    /// What is stored cannot be compared with.
    Unreadable,
    /// What is stored is of the first backend, and its salt is not set.
    NoLegacySalt,
    /// An operator has disabled the account.
    Disabled,
    /// The password was right, the code of the second factor was not.
    WrongCode,
    /// The password was right, but the secret of the authenticator app cannot be decrypted.
    UnreadableSecret,
    /// A passkey was not accepted.
    Passkey,
}

impl From<CodeRefusal> for LoginFailure {
    fn from(refusal: CodeRefusal) -> Self {
        match refusal {
            CodeRefusal::Unreadable => Self::UnreadableSecret,
            _ => Self::WrongCode,
        }
    }
}

impl AuditEvent {
    /// One of each kind.
    pub const ALL: [Self; 22] = [
        Self::SignedUp,
        Self::LoggedIn,
        Self::NewDevice,
        Self::SecondFactorAsked,
        Self::LoginFailed(LoginFailure::Wrong),
        Self::AccountClosed,
        Self::WrongCurrentPassword,
        Self::WrongCurrentCode,
        Self::SecondFactorAdded,
        Self::SecondFactorRemoved,
        Self::RateLimited(""),
        Self::ResetAsked,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::EmailChangeAsked,
        Self::EmailConfirmed,
        Self::NotMe,
        Self::UploadTokenMade,
        Self::UploadTokenEnded,
        Self::UploadTokenUnknown,
        Self::AccountDeleted,
        Self::Operator(""),
    ];

    /// Its word in the log and in the metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::SignedUp => "signed-up",
            Self::LoggedIn => "logged-in",
            Self::NewDevice => "new-device",
            Self::SecondFactorAsked => "second-factor-asked",
            Self::LoginFailed(_) => "login-failed",
            Self::AccountClosed => "account-closed",
            Self::WrongCurrentPassword => "wrong-current-password",
            Self::WrongCurrentCode => "wrong-current-code",
            Self::SecondFactorAdded => "second-factor-added",
            Self::SecondFactorRemoved => "second-factor-removed",
            Self::RateLimited(_) => "rate-limited",
            Self::ResetAsked => "reset-asked",
            Self::PasswordReset => "password-reset",
            Self::PasswordChanged => "password-changed",
            Self::EmailChangeAsked => "email-change-asked",
            Self::EmailConfirmed => "email-confirmed",
            Self::NotMe => "not-me",
            Self::UploadTokenMade => "upload-token-made",
            Self::UploadTokenEnded => "upload-token-ended",
            Self::UploadTokenUnknown => "upload-token-unknown",
            Self::AccountDeleted => "account-deleted",
            Self::Operator(_) => "operator",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::SignedUp => "signed up",
            Self::LoggedIn => "logged in",
            Self::NewDevice => "logged in from a new device",
            Self::SecondFactorAsked => "right password, second factor asked for",
            Self::LoginFailed(_) => "login failed",
            Self::AccountClosed => "account closed to unknown devices after too many failed logins",
            Self::WrongCurrentPassword => "wrong current password",
            Self::WrongCurrentCode => "wrong current code of the second factor",
            Self::SecondFactorAdded => "second factor or recovery codes added",
            Self::SecondFactorRemoved => "second factor removed",
            Self::RateLimited(_) => "rate limit exceeded",
            Self::ResetAsked => "reset link asked for",
            Self::PasswordReset => "password reset",
            Self::PasswordChanged => "password changed",
            Self::EmailChangeAsked => "change of e-mail asked for",
            Self::EmailConfirmed => "e-mail confirmed",
            Self::NotMe => "account secured: this was not me",
            Self::UploadTokenMade => "upload token made",
            Self::UploadTokenEnded => "upload token ended",
            Self::UploadTokenUnknown => "unknown upload token",
            Self::AccountDeleted => "account deleted",
            Self::Operator(_) => "an operator acted",
        }
    }

    fn detail(self) -> Option<&'static str> {
        match self {
            Self::LoginFailed(why) => Some(match why {
                LoginFailure::Wrong => "wrong email or password",
                LoginFailure::Unreadable => "the stored password is not an argon2 hash",
                LoginFailure::NoLegacySalt => "the stored password needs LEGACY_SALT",
                LoginFailure::Disabled => "the account is disabled",
                LoginFailure::Passkey => "passkey not accepted",
                LoginFailure::WrongCode => "wrong code of the second factor",
                LoginFailure::UnreadableSecret => {
                    "the secret of the authenticator app cannot be decrypted, its key may be lost"
                }
            }),
            Self::RateLimited(limit) => Some(limit),
            Self::Operator(did) => Some(did),
            _ => None,
        }
    }
}

/// Writes the audit log and counts its lines.
#[derive(Clone, Default)]
pub struct Audit {
    /// How many lines of each kind there were.
    pub counts: Counts,
}

impl Audit {
    /// Logs and counts an event; `user` is none if it is not known whose account it is about.
    pub fn record(&self, event: AuditEvent, user: Option<&UserId>, client: Option<Network>) {
        let word = event.word();
        self.counts.get_or_create(&[("event", word)]).inc();
        tracing::info!(
            target: TARGET,
            event = word,
            user = user.map_or("none", UserId::as_str),
            client = client.map(display),
            detail = event.detail(),
            "{}",
            event.sentence()
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_of_event_is_among_all() {
        let source = syn::parse_file(include_str!("audit.rs")).expect("this file");
        let kinds = source.items.iter().find_map(|item| match item {
            syn::Item::Enum(found) if found.ident == "AuditEvent" => Some(found.variants.len()),
            _ => None,
        });
        let words = BTreeSet::from(AuditEvent::ALL.map(AuditEvent::word));
        assert_eq!(Some(words.len()), kinds);
    }
}
