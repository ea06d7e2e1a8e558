//! Maps each error of the accounts to what a client sees: status, field at fault, reason.

use super::{
    field::{CODE, CURRENT_PASSWORD},
    passkey::CREDENTIAL_FIELD,
    reply::{Reason, Refusal},
};
use crate::accounts::error::{CodeRefusal, Error, TokenRefusal};

impl From<Error> for Refusal {
    /// The cause of a store failure goes to the log, not to the client.
    fn from(error: Error) -> Self {
        if let Error::Unavailable(cause) = &error {
            tracing::error!(%cause, "store unavailable");
        }
        Self::from(&error)
    }
}

impl From<&Error> for Refusal {
    /// The only mapping of errors to statuses.
    fn from(error: &Error) -> Self {
        let (code, field, reason) = match error {
            Error::NameRequired => (400, "name", Reason::Required),
            Error::NameTooLong(_) => (400, "name", Reason::TooLong),
            Error::NameInvalid => (400, "name", Reason::Invalid),
            Error::EmailRequired => (400, "email", Reason::Required),
            Error::EmailInvalid => (400, "email", Reason::Invalid),
            Error::EmailTaken => (400, "email", Reason::EmailTaken),
            Error::PasswordRequired => (400, "password", Reason::Required),
            Error::PasswordTooShort(_) => (400, "password", Reason::TooShort),
            Error::PasswordTooLong(_) => (400, "password", Reason::TooLong),
            Error::PasswordTooEasy(_) => (400, "password", Reason::TooEasy),
            Error::PasswordBreached => (400, "password", Reason::Breached),
            Error::WrongLogin => (401, "", Reason::WrongLogin),
            Error::NotLoggedIn => (401, "", Reason::NotLoggedIn),
            Error::NoSession => (404, "", Reason::NotLoggedIn),
            Error::LinkDead => (404, "", Reason::LinkDead),
            Error::NotFound => (404, "", Reason::NotFound),
            Error::CurrentPasswordRequired => {
                (403, CURRENT_PASSWORD.name, Reason::CurrentPasswordRequired)
            }
            Error::WrongCurrentPassword => {
                (403, CURRENT_PASSWORD.name, Reason::WrongCurrentPassword)
            }
            Error::SecondFactor(CodeRefusal::Required) => {
                (401, CODE.name, Reason::SecondFactorRequired)
            }
            Error::SecondFactor(_) => (401, CODE.name, Reason::WrongCode),
            Error::CurrentCode(CodeRefusal::Required) => {
                (403, CODE.name, Reason::CurrentCodeRequired)
            }
            Error::CurrentCode(_) => (403, CODE.name, Reason::WrongCurrentCode),
            Error::SetupCode(CodeRefusal::Required) => (400, CODE.name, Reason::Required),
            Error::SetupCode(_) => (400, CODE.name, Reason::WrongCode),
            Error::SetupExpired => (400, "", Reason::SetupExpired),
            Error::TotpNotOffered => (403, "", Reason::NotOffered),
            Error::NoSecondFactor => (400, "", Reason::NoSecondFactor),
            Error::CredentialRequired => (400, CREDENTIAL_FIELD, Reason::Required),
            Error::PurposeInvalid => (400, "purpose", Reason::Invalid),
            Error::ChallengeExpired => (400, "", Reason::ChallengeExpired),
            Error::PasskeyRefused
            | Error::PasskeyUnverified
            | Error::PasskeyNotAlone
            | Error::PasskeyCopied => (401, "", Reason::PasskeyRefused),
            Error::PasskeyInvalid => (400, "", Reason::Invalid),
            Error::PasskeyKnown => (400, "", Reason::PasskeyKnown),
            Error::TooManyPasskeys(_) => (400, "", Reason::TooManyPasskeys),
            Error::PasskeysNotOffered => (403, "", Reason::NotOffered),
            Error::OwnEmail => (400, "email", Reason::OwnEmail),
            Error::NotYourEmail => (400, "email", Reason::NotYourEmail),
            Error::AlreadyConfirmed => (400, "", Reason::AlreadyConfirmed),
            Error::EmailNotConfirmed => (403, "", Reason::EmailNotConfirmed),
            Error::PackageRequired => (400, "package", Reason::Required),
            Error::PackageInvalid => (400, "package", Reason::Invalid),
            Error::IsNewRequired => (400, "is_new", Reason::Required),
            Error::PackagesRequired => (400, "packages", Reason::Required),
            Error::PackagesInvalid | Error::NotOnePackage => (400, "packages", Reason::Invalid),
            Error::TooManyPackages(..) => (400, "packages", Reason::TooLong),
            Error::MayRequired => (400, "may", Reason::Required),
            Error::MayInvalid => (400, "may", Reason::Invalid),
            Error::DaysInvalid => (400, "days", Reason::Invalid),
            Error::TooManyUploadTokens(_) => (400, "", Reason::TooManyTokens),
            Error::AlreadyReplaced => (400, "", Reason::AlreadyReplaced),
            Error::TokenRefused(why) => (403, "", reason(why)),
            Error::BadToken(why) => (401, "", reason(why)),
            Error::TooManyAttempts(_) => (429, "", Reason::TooManyAttempts),
            Error::Busy => (503, "", Reason::Busy),
            Error::Unavailable(_) => (503, "", Reason::Unavailable),
        };
        let retry_after = match error {
            Error::TooManyAttempts(wait) => Some(wait.seconds()),
            _ => None,
        };
        Self {
            field: (!field.is_empty()).then(|| field.to_owned()),
            retry_after,
            ..Self::new(code, reason, error.to_string())
        }
    }
}

fn reason(why: &TokenRefusal) -> Reason {
    match why {
        TokenRefusal::Incomplete => Reason::TokenIncomplete,
        TokenRefusal::Unknown => Reason::TokenUnknown,
        TokenRefusal::Expired => Reason::TokenExpired,
        TokenRefusal::OtherPackage(_)
        | TokenRefusal::NewOnly
        | TokenRefusal::FirstOnly
        | TokenRefusal::UpdateOnly
        | TokenRefusal::NotFirstPublish
        | TokenRefusal::OfLaterVersion => Reason::TokenScope,
    }
}
