//! Something that has happened to a user.

use serde::{Deserialize, Serialize};

use crate::accounts::{
    clock::Timestamp,
    device_name::DeviceName,
    record::{Word, parse_word, record},
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
    /// A login from a device that was not known.
    NewDevice,
    /// A device that was not known gave the right password, and no second factor.
    SecondFactorMissing,
    /// A logout.
    LoggedOut,
    /// A session was ended from another one.
    SessionEnded,
    /// The password was changed by who knew the old one.
    PasswordChanged,
    /// The password was changed by a mailed link.
    PasswordReset,
    /// Another address was asked for.
    EmailAsked,
    /// The address of record was confirmed.
    EmailConfirmed,
    /// Another address took the place of the old one.
    EmailChanged,
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
    /// An authenticator app was added.
    TotpAdded,
    /// The authenticator app was removed.
    TotpRemoved,
    /// Recovery codes were made, in the place of older ones.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A passkey was refused, since it may have been copied.
    PasskeyRefused,
    /// Too many wrong codes of the authenticator app: none is accepted any more.
    TotpClosed,
    /// An operator had all second factors removed a day later.
    EndOfSecondFactorsAsked,
    /// All second factors were removed, as an operator had asked.
    SecondFactorsEnded,
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
            | Self::NewDevice
            | Self::SecondFactorMissing
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
            | Self::PasswordChanged
            | Self::PasswordReset
            | Self::EmailConfirmed
            | Self::EmailChanged
            | Self::EmailUndone
            | Self::Secured
            | Self::UploadTokenEndedByHolder
            | Self::UploadTokenUsedUp
            | Self::TotpAdded
            | Self::TotpRemoved
            | Self::RecoveryCodesMade
            | Self::RecoveryCodeUsed
            | Self::PasskeyAdded
            | Self::PasskeyRemoved
            | Self::PasskeyRefused
            | Self::TotpClosed
            | Self::EndOfSecondFactorsAsked
            | Self::SecondFactorsEnded
            | Self::EndOfSecondFactorsStopped
            | Self::Unlocked
            | Self::ResetLinkSent
            | Self::Disabled
            | Self::Enabled
            | Self::Recovered
            | Self::Unknown => false,
        }
    }

    /// What the history page says.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::SignedUp => "Signed up",
            Self::Imported => "Account moved from the first registry",
            Self::LoggedIn => "Logged in",
            Self::NewDevice => "Logged in from a new device",
            Self::SecondFactorMissing => "Right password, but no second factor",
            Self::LoggedOut => "Logged out",
            Self::SessionEnded => "Session ended",
            Self::PasswordChanged => "Password changed",
            Self::PasswordReset => "Password reset by a mailed link",
            Self::EmailAsked => "Change of email asked for",
            Self::EmailConfirmed => "Email confirmed",
            Self::EmailChanged => "Email changed",
            Self::EmailUndone => "Change of email undone",
            Self::NameChanged => "Name changed",
            Self::Secured => "Account secured by “this was not me”",
            Self::UploadTokenMade => "Upload token made",
            Self::UploadTokenRotated => "Upload token replaced",
            Self::UploadTokenEnded => "Upload token ended",
            Self::UploadTokensEnded => "All upload tokens ended",
            Self::UploadTokenEndedByHolder => "Upload token ended by someone who had its text",
            Self::UploadTokenUsedUp => "Upload token used up by a first publication",
            Self::TotpAdded => "Authenticator app added",
            Self::TotpRemoved => "Authenticator app removed",
            Self::RecoveryCodesMade => "New recovery codes made",
            Self::RecoveryCodeUsed => "Recovery code used",
            Self::PasskeyAdded => "Passkey added",
            Self::PasskeyRemoved => "Passkey removed",
            Self::PasskeyRefused => "Passkey refused, it may have been copied",
            Self::TotpClosed => "Authenticator app closed after too many wrong codes",
            Self::EndOfSecondFactorsAsked => "Removal of all second factors asked for",
            Self::SecondFactorsEnded => "All second factors removed",
            Self::EndOfSecondFactorsStopped => "Removal of all second factors stopped",
            Self::Unlocked => "Failed logins forgotten",
            Self::ResetLinkSent => "Reset link sent",
            Self::Disabled => "Account disabled",
            Self::Enabled => "Account enabled again",
            Self::Recovered => "Account given back to its owner",
            Self::Unknown => "Something that a later version of the registry tells of",
        }
    }
}
