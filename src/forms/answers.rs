//! What the server function of each form can answer, for `/openapi.json`. Apart from the declarations of the forms, since
//! the browser has no use for it.

use std::{borrow::Cow, time::Duration};

use super::{
    change_email, change_name, change_password, confirm_email, delete_account, end_other_sessions,
    end_session, forgot_password, form::Form, login, logout, not_me, passkey, resend_confirmation,
    reset_password, second_factor, second_factors, signup, upload_tokens,
};
use crate::accounts::{
    error::{CodeRefusal, Error, StoreError, TokenRefusal},
    facts::{Fact, Kind},
    name::Name,
    package::{MAX_PATTERNS, MAX_SCOPE_CHARS},
    password::Password,
    user::{passkeys::MAX_PASSKEYS, upload_tokens::MAX_UPLOAD_TOKENS},
    wait::Wait,
};

/// What the server function of a form can answer.
#[derive(Debug)]
pub struct Answers {
    /// The form.
    pub form: &'static Form,
    /// What success tells, beside its message if it has one.
    pub facts: &'static [Fact],
    /// Its refusals, apart from those of the gate and [`OF_THE_STORE`].
    pub refusals: &'static [&'static [Error]],
}

/// The answers of every form.
pub static ANSWERS: &[Answers] = &[
    Answers {
        form: &login::FORM,
        facts: &[],
        refusals: &[
            &[
                Error::EmailRequired,
                Error::PasswordRequired,
                Error::WrongLogin,
            ],
            SECOND_FACTOR,
            LIMITED,
        ],
    },
    Answers {
        form: &second_factor::FORM,
        facts: &[],
        refusals: &[LOGGED_OUT, SECOND_FACTOR, LIMITED],
    },
    Answers {
        form: &passkey::begin::FORM,
        facts: &[Fact::new("options", Kind::Json)],
        refusals: &[
            LOGGED_OUT,
            &[
                Error::PurposeInvalid,
                Error::NotFound,
                Error::PasskeysNotOffered,
            ],
            LIMITED,
        ],
    },
    Answers {
        form: &passkey::log_in::FORM,
        facts: &[],
        refusals: &[
            LOGGED_OUT,
            &[
                Error::CredentialRequired,
                Error::ChallengeExpired,
                Error::PasskeyRefused,
                Error::PasskeyUnverified,
                Error::PasskeyNotAlone,
                Error::PasskeyCopied,
                Error::PasskeysNotOffered,
            ],
            LIMITED,
        ],
    },
    Answers {
        form: &signup::FORM,
        facts: &[],
        refusals: &[NAME, EMAIL, &[Error::EmailTaken], NEW_PASSWORD, LIMITED],
    },
    Answers {
        form: &logout::FORM,
        facts: &[],
        refusals: &[&[Error::NoSession]],
    },
    Answers {
        form: &forgot_password::FORM,
        facts: &[],
        refusals: &[EMAIL, LIMITED],
    },
    Answers {
        form: &reset_password::FORM,
        facts: &[],
        refusals: &[DEAD_LINK, NEW_PASSWORD, LIMITED],
    },
    Answers {
        form: &confirm_email::FORM,
        facts: &[],
        refusals: &[&[Error::LinkDead, Error::EmailTaken]],
    },
    Answers {
        form: &not_me::FORM,
        facts: &[],
        refusals: &[DEAD_LINK],
    },
    Answers {
        form: &change_name::FORM,
        facts: &[],
        refusals: &[NAME],
    },
    Answers {
        form: &change_password::FORM,
        facts: &[],
        refusals: &[NEW_PASSWORD],
    },
    Answers {
        form: &change_email::FORM,
        facts: &[],
        refusals: &[EMAIL, &[Error::OwnEmail]],
    },
    Answers {
        form: &resend_confirmation::FORM,
        facts: &[],
        refusals: &[&[Error::AlreadyConfirmed], LIMITED],
    },
    Answers {
        form: &end_session::FORM,
        facts: &[],
        refusals: &[&[Error::NotFound]],
    },
    Answers {
        form: &end_other_sessions::FORM,
        facts: &[Fact::new("ended", Kind::Count)],
        refusals: &[],
    },
    Answers {
        form: &delete_account::FORM,
        facts: &[],
        refusals: &[EMAIL, &[Error::NotYourEmail]],
    },
    Answers {
        form: &second_factors::begin_totp::FORM,
        facts: &[
            Fact::new("secret", Kind::Text),
            Fact::new("uri", Kind::Text),
        ],
        refusals: &[&[Error::TotpNotOffered]],
    },
    Answers {
        form: &second_factors::confirm_totp::FORM,
        facts: &[Fact::new("recovery_codes", Kind::List(&Kind::Text))],
        refusals: &[&[
            Error::SetupExpired,
            Error::SetupCode(CodeRefusal::Required),
            Error::SetupCode(CodeRefusal::Wrong),
            Error::SetupCode(CodeRefusal::OfOtherMinute),
        ]],
    },
    Answers {
        form: &second_factors::end_totp::FORM,
        facts: &[],
        refusals: &[&[Error::NotFound]],
    },
    Answers {
        form: &second_factors::make_recovery_codes::FORM,
        facts: &[Fact::new("recovery_codes", Kind::List(&Kind::Text))],
        refusals: &[&[Error::NoSecondFactor]],
    },
    Answers {
        form: &second_factors::begin_passkey::FORM,
        facts: &[Fact::new("options", Kind::Json)],
        refusals: &[&[Error::PasskeysNotOffered], LIMITED],
    },
    Answers {
        form: &second_factors::add_passkey::FORM,
        facts: &[],
        refusals: &[
            NAME,
            &[
                Error::CredentialRequired,
                Error::ChallengeExpired,
                Error::PasskeyInvalid,
                Error::PasskeyKnown,
                Error::TooManyPasskeys(MAX_PASSKEYS),
                Error::PasskeysNotOffered,
            ],
        ],
    },
    Answers {
        form: &second_factors::end_passkey::FORM,
        facts: &[],
        refusals: &[&[Error::NotFound]],
    },
    Answers {
        form: &upload_tokens::make::FORM,
        facts: &[Fact::new("token", Kind::Text)],
        refusals: &[
            NAME,
            &[
                Error::PackagesRequired,
                Error::PackagesInvalid,
                Error::NotOnePackage,
                Error::TooManyPackages(MAX_PATTERNS, MAX_SCOPE_CHARS),
                Error::MayRequired,
                Error::MayInvalid,
                Error::DaysInvalid,
                Error::EmailNotConfirmed,
                Error::TooManyUploadTokens(MAX_UPLOAD_TOKENS),
            ],
        ],
    },
    Answers {
        form: &upload_tokens::rotate::FORM,
        facts: &[Fact::new("token", Kind::Text)],
        refusals: &[&[
            Error::NotFound,
            Error::AlreadyReplaced,
            Error::EmailNotConfirmed,
            Error::TooManyUploadTokens(MAX_UPLOAD_TOKENS),
        ]],
    },
    Answers {
        form: &upload_tokens::end::FORM,
        facts: &[],
        refusals: &[&[Error::NotFound]],
    },
    Answers {
        form: &upload_tokens::end_all::FORM,
        facts: &[Fact::new("ended", Kind::Count)],
        refusals: &[],
    },
    Answers {
        form: &upload_tokens::end_by_holder::FORM,
        facts: &[],
        refusals: &[&[Error::NotFound], LIMITED],
    },
    Answers {
        form: &upload_tokens::check::FORM,
        facts: &[
            Fact::new("id", Kind::Text),
            Fact::new("email", Kind::Text),
            Fact::new("packages", Kind::List(&Kind::Text)),
            Fact::new(
                "may",
                Kind::Word(&["publish", "publish-new", "publish-update", "first-publish"]),
            ),
            Fact::new("expires_at", Kind::Time),
        ],
        refusals: &[
            &[
                Error::PackageRequired,
                Error::PackageInvalid,
                Error::IsNewRequired,
            ],
            TOKEN_REFUSED,
            &[
                Error::TokenRefused(TokenRefusal::NewOnly),
                Error::TokenRefused(TokenRefusal::FirstOnly),
                Error::TokenRefused(TokenRefusal::UpdateOnly),
                Error::TokenRefused(TokenRefusal::OfLaterVersion),
            ],
            LIMITED,
        ],
    },
    Answers {
        form: &upload_tokens::used::FORM,
        facts: &[],
        refusals: &[
            &[Error::PackageRequired, Error::PackageInvalid],
            TOKEN_REFUSED,
            &[Error::TokenRefused(TokenRefusal::NotFirstPublish)],
            LIMITED,
        ],
    },
];

/// An upload token that allows nothing, or nothing with this package.
const TOKEN_REFUSED: &[Error] = &[
    Error::TokenRefused(TokenRefusal::Incomplete),
    Error::TokenRefused(TokenRefusal::Unknown),
    Error::TokenRefused(TokenRefusal::Expired),
    Error::TokenRefused(TokenRefusal::OtherPackage(Cow::Borrowed("stdlib json-*"))),
];
/// A code of a second factor that is missing or refused.
const SECOND_FACTOR: &[Error] = &[
    Error::SecondFactor(CodeRefusal::Required),
    Error::SecondFactor(CodeRefusal::Wrong),
    Error::SecondFactor(CodeRefusal::Used),
    Error::SecondFactor(CodeRefusal::OfOtherMinute),
    Error::SecondFactor(CodeRefusal::Closed),
    Error::SecondFactor(CodeRefusal::Unreadable),
];
/// A name that cannot be taken.
const NAME: &[Error] = &[
    Error::NameRequired,
    Error::NameTooLong(Name::MAX_CHARS),
    Error::NameInvalid,
];
/// Text that is no address.
const EMAIL: &[Error] = &[Error::EmailRequired, Error::EmailInvalid];
/// A password that cannot be chosen.
const NEW_PASSWORD: &[Error] = &[
    Error::PasswordRequired,
    Error::PasswordTooShort(Password::MIN_CHARS),
    Error::PasswordTooLong(Password::MAX_CHARS),
    Error::PasswordTooEasy("it is one of the most common passwords"),
    Error::PasswordBreached,
];
/// A rate limit.
pub const LIMITED: &[Error] = &[Error::TooManyAttempts(Wait::of(Duration::from_secs(30)))];
/// Nobody is logged in.
pub const LOGGED_OUT: &[Error] = &[Error::NotLoggedIn];
/// A mailed link that does not work.
pub const DEAD_LINK: &[Error] = &[Error::LinkDead];
/// A password that has to be given, or was wrong.
pub const CURRENT_PASSWORD: &[Error] =
    &[Error::CurrentPasswordRequired, Error::WrongCurrentPassword];
/// A code of the second factor that has to be given, or was refused.
pub const CURRENT_CODE: &[Error] = &[
    Error::CurrentCode(CodeRefusal::Required),
    Error::CurrentCode(CodeRefusal::Wrong),
    Error::CurrentCode(CodeRefusal::Used),
    Error::CurrentCode(CodeRefusal::OfOtherMinute),
    Error::CurrentCode(CodeRefusal::Closed),
    Error::CurrentCode(CodeRefusal::Unreadable),
];
/// What everything can answer that needs the store.
pub const OF_THE_STORE: &[Error] = &[Error::Busy, Error::Unavailable(StoreError(String::new()))];

impl Form {
    /// What its server function can answer. None if [`ANSWERS`] lacks it.
    pub fn answers(&self) -> Option<&'static Answers> {
        ANSWERS.iter().find(|answers| answers.form == self)
    }

    /// What its success tells, beside its message if it has one.
    pub fn facts(&self) -> &'static [Fact] {
        self.answers().map_or(&[], |answers| answers.facts)
    }

    /// Whether success is a sentence for programs, and a redirect for browsers. Otherwise it is facts for both.
    pub fn has_sentence(&self) -> bool {
        !self.done.message.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::FORMS, *};

    #[test]
    fn every_form_says_what_it_answers() {
        for form in FORMS {
            assert!(
                form.answers().is_some(),
                "add what {} can answer to ANSWERS in src/forms/answers.rs",
                form.path
            );
        }
        assert_eq!(ANSWERS.len(), FORMS.len(), "a form is in ANSWERS twice");
    }
}
