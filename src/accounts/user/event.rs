//! Something that has happened to a user.

use serde::{Deserialize, Serialize};

use crate::accounts::{
    clock::Timestamp,
    device_name::DeviceName,
    record::{Word, parse_word, record},
    security_event::{SecurityEvent, Severity},
};

/// When and where from something is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// When.
    pub at: Timestamp,
    /// From which network, as [`Network::coarse`](crate::accounts::network::Network::coarse) says it.
    pub network: String,
    /// By which device.
    pub device: DeviceName,
}

record! {
    /// Something that has happened.
    pub struct Event {
        /// What.
        "kind" word kind: EventKind,
        /// When.
        "at" required at: Timestamp,
        /// From which network.
        "network" required network: String,
        /// By which device.
        "device" word device: DeviceName,
        /// What the user calls that which it is about.
        "about" optional about: String,
    }
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The account was made.
    SignedUp,
    /// The account was imported from the first backend.
    Imported,
    /// A login from a known device.
    LoggedIn,
    /// A logout.
    LoggedOut,
    /// A session was ended from another one.
    SessionEnded,
    /// The password was changed by a mailed link.
    PasswordReset,
    /// Another address was asked for.
    EmailAsked,
    /// The address of record was confirmed.
    EmailConfirmed,
    /// The former address is that of record again.
    EmailUndone,
    /// The name was changed.
    NameChanged,
    /// The account was taken back with the link of a security mail.
    Secured,
    /// An upload token was made.
    UploadTokenMade,
    /// An upload token took the place of another one.
    UploadTokenRotated,
    /// The user ended an upload token.
    UploadTokenEnded,
    /// All upload tokens were ended.
    UploadTokensEnded,
    /// Who had the text of an upload token ended it.
    UploadTokenEndedByHolder,
    /// A package was published for the first time by the upload token that was made for that.
    UploadTokenUsedUp,
    /// All second factors stay, though an operator had asked to have them removed.
    EndOfSecondFactorsStopped,
    /// An operator had failed logins forgotten.
    Unlocked,
    /// An operator had a reset link sent.
    ResetLinkSent,
    /// An operator disabled the account.
    Disabled,
    /// An operator let the user in again.
    Enabled,
    /// An operator gave the stolen account back to its owner.
    Recovered,
    /// Something that a later version tells of.
    Unknown,
    /// Something that a security mail tells of too.
    #[serde(untagged)]
    Security(SecurityEvent),
}

impl Word for EventKind {
    const LATER: Self = Self::Unknown;

    fn parse(word: &str) -> Option<Self> {
        parse_word(word)
    }
}

impl EventKind {
    /// Whether it can be repeated at will by whoever has a session or the password. Such events displace only each other, so that
    /// nobody pushes the rest out of the history.
    pub(super) fn is_routine(self) -> bool {
        match self {
            Self::LoggedIn
            | Self::LoggedOut
            | Self::SessionEnded
            | Self::EmailAsked
            | Self::NameChanged
            | Self::UploadTokenMade
            | Self::UploadTokenRotated
            | Self::UploadTokenEnded
            | Self::UploadTokensEnded => true,
            Self::SignedUp
            | Self::Imported
            | Self::PasswordReset
            | Self::EmailConfirmed
            | Self::EmailUndone
            | Self::Secured
            | Self::UploadTokenEndedByHolder
            | Self::UploadTokenUsedUp
            | Self::EndOfSecondFactorsStopped
            | Self::Unlocked
            | Self::ResetLinkSent
            | Self::Disabled
            | Self::Enabled
            | Self::Recovered
            | Self::Unknown => false,
            Self::Security(event) => event.severity() == Severity::Routine,
        }
    }

    /// What the history page says.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::SignedUp => "Signed up",
            Self::Imported => "Account moved from the first registry",
            Self::LoggedIn => "Logged in",
            Self::LoggedOut => "Logged out",
            Self::SessionEnded => "Session ended",
            Self::PasswordReset => "Password reset by a mailed link",
            Self::EmailAsked => "Change of email asked for",
            Self::EmailConfirmed => "Email confirmed",
            Self::EmailUndone => "Change of email undone",
            Self::NameChanged => "Name changed",
            Self::Secured => "Account secured by “this was not me”",
            Self::UploadTokenMade => "Upload token made",
            Self::UploadTokenRotated => "Upload token replaced",
            Self::UploadTokenEnded => "Upload token ended",
            Self::UploadTokensEnded => "All upload tokens ended",
            Self::UploadTokenEndedByHolder => "Upload token ended by someone who had its text",
            Self::UploadTokenUsedUp => "Upload token used up by a first publication",
            Self::EndOfSecondFactorsStopped => "Removal of all second factors stopped",
            Self::Unlocked => "Failed logins forgotten",
            Self::ResetLinkSent => "Reset link sent",
            Self::Disabled => "Account disabled",
            Self::Enabled => "Account enabled again",
            Self::Recovered => "Account given back to its owner",
            Self::Unknown => "Something that a later version of the registry tells of",
            Self::Security(event) => event.in_words(),
        }
    }
}
