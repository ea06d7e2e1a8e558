//! What an operator can ask for, and what comes of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounts::{
    error::{Error, StoreError},
    id::UserId,
    user::{User, end_of_second_factors::CannotEnd, event::EventKind},
};

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Something about one user, who is named by an e-mail address or an id.
    User {
        /// The address or the id.
        who: String,
        /// What.
        act: Act,
    },
    /// An account that somebody else is to use, who is mailed a link to choose a password.
    CreateUser {
        /// The name.
        name: String,
        /// The address.
        email: String,
    },
    /// Users, in the order of their ids.
    ListUsers(UserFilter),
    /// What has happened to users, the newest first.
    ListEvents(EventFilter),
    /// What belongs to users, some of those after this id.
    ListInUse {
        /// The id after which to begin.
        after: Option<UserId>,
    },
    /// To add users as they are, except those whose address or id a user has.
    AddUsers(Vec<User>),
    /// The mails in the outbox.
    ListMails,
    /// To send a mail now, even if it is parked.
    RetryMail(String),
    /// To delete a mail.
    DropMail(String),
    /// Who is refused for too many attempts.
    ListLimits,
    /// To forget the attempts of an address, of a network, or under a key of the list.
    ClearLimits(String),
    /// To encrypt all secrets of users by the first key.
    SealAnew,
}

/// Which users are listed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserFilter {
    /// The id after which the list begins.
    pub after: Option<String>,
    /// A part of the name or the address, in any case.
    pub text: Option<String>,
    /// Only those who are disabled.
    pub disabled: bool,
    /// Only those whose address is not confirmed.
    pub unconfirmed: bool,
    /// Only those whose second factors are about to end.
    pub losing_second_factors: bool,
}

/// Which events are listed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EventFilter {
    /// The address or the id of one user.
    pub who: Option<String>,
    /// What has happened.
    pub kind: Option<EventKind>,
    /// Within this many hours.
    pub hours: Option<u32>,
}

/// What an operator can do to a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Tells what is held about the user.
    Show,
    /// Takes the address for confirmed.
    ConfirmEmail,
    /// Puts another address in the place of the one of record.
    SetEmail(String),
    /// Forgets failed logins, so that the user can try again.
    Unlock,
    /// Ends all sessions.
    EndSessions,
    /// Ends all upload tokens.
    EndUploadTokens,
    /// Has all second factors end a day later, unless the owner objects.
    EndSecondFactors,
    /// Stops the end of second factors.
    KeepSecondFactors,
    /// Mails a link to choose a new password.
    SendResetLink,
    /// Keeps the user out.
    Disable,
    /// Lets the user in again.
    Enable,
    /// Gives a stolen account back to its owner.
    Recover {
        /// The owner's address.
        email: String,
        /// Which second factors end.
        ended: EndedFactors,
    },
    /// Removes the account for good.
    Delete,
}

/// Which second factors and recovery codes end at once where an account is given back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndedFactors {
    /// None.
    None,
    /// Those that were added within this many hours.
    OfHours(u32),
    /// All.
    All,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// For people.
    pub sentence: String,
    /// For programs, and for people who asked to see it.
    pub facts: Value,
}

/// Why it was not done. The text is what the operator reads.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// Nobody has this address or id.
    #[error("there is no user `{0}`")]
    NoSuchUser(String),
    /// The address of record is confirmed.
    #[error("the email of this user is already confirmed")]
    AlreadyConfirmed,
    /// The address is the user's already.
    #[error("this is already the email of this user")]
    OwnEmail,
    /// The user is kept out already.
    #[error("this user is already disabled")]
    AlreadyDisabled,
    /// The user is not kept out.
    #[error("this user is not disabled")]
    NotDisabled,
    /// No mail that nobody is sending has this id.
    #[error("there is no mail `{0}` in the outbox, or it is being sent")]
    NoSuchMail(String),
    /// No counter has this key, and it is no address of an account or a network.
    #[error("`{0}` is no key of a limit, no email and no network address")]
    NoSuchLimit(String),
    /// There is no key to encrypt with.
    #[error("SECRET_KEY_FILE is unset, so there is no key to encrypt by")]
    NoSecretKeys,
    /// A disabled user cannot use a reset link.
    #[error("this user is disabled, enable the account first")]
    Disabled,
    /// Second factors stay.
    #[error(transparent)]
    CannotEndSecondFactors(#[from] CannotEnd),
    /// Nobody asked to end second factors.
    #[error("the second factors of this user are not about to end")]
    SecondFactorsStay,
    /// What a user would be told too.
    #[error(transparent)]
    Refused(#[from] Error),
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}
