//! The answers of a server function: success or refusal.

use std::fmt;

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{
    Deserialize, Serialize,
    de::value::{Error, StrDeserializer},
};
use serde_json::Value;

/// Success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// One sentence for a person.
    pub message: String,
    /// The HTTP status.
    pub code: u16,
    /// How many sessions or tokens were ended, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<usize>,
    /// The text of an upload token that was made, which is told only now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<ShownOnce>,
    /// The secret of an authenticator app that is being added, in base32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<ShownOnce>,
    /// The address with that secret, for the app to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<ShownOnce>,
    /// Recovery codes that were made, which are told only now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_codes: Option<Vec<ShownOnce>>,
}

/// What a browser is to ask its authenticators.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Options {
    /// What `navigator.credentials.create` or `get` takes, with its binary fields in base64url.
    pub options: Value,
}

/// A secret that a client is told once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShownOnce(pub String);

impl fmt::Debug for ShownOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownOnce(…)")
    }
}

/// A refusal, made by the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// One sentence for a person.
    pub message: String,
    /// The HTTP status.
    pub code: u16,
    /// The field at fault, if it is a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The reason, for programs.
    #[serde(default)]
    pub reason: Reason,
    /// `Retry-After` in seconds, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// Why a request was refused. Code decides by it, never by the status or the sentence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A field is missing or empty.
    Required,
    /// A field has an invalid value.
    Invalid,
    /// Too few characters.
    TooShort,
    /// Too many characters.
    TooLong,
    /// A password that an attacker would try early.
    TooEasy,
    /// A password that is known from a breach.
    Breached,
    /// The address has an account.
    EmailTaken,
    /// No user has this e-mail and password.
    WrongLogin,
    /// Nobody is logged in.
    NotLoggedIn,
    /// The mailed link is unknown, used or expired.
    LinkDead,
    /// The user has not given the password for a while.
    CurrentPasswordRequired,
    /// What was given for it is another one.
    WrongCurrentPassword,
    /// A login has to be completed by a second factor.
    SecondFactorRequired,
    /// The code of the second factor is not accepted.
    WrongCode,
    /// The user has not given a second factor for a while.
    CurrentCodeRequired,
    /// The code that was given for it is not accepted.
    WrongCurrentCode,
    /// An authenticator app was not confirmed in time.
    SetupExpired,
    /// There is no such challenge for a passkey, or its time is over.
    ChallengeExpired,
    /// The passkey is not accepted.
    PasskeyRefused,
    /// The user has this passkey.
    PasskeyKnown,
    /// The user has as many passkeys as there can be.
    TooManyPasskeys,
    /// The registry is not set up for this.
    NotOffered,
    /// The user has no second factor.
    NoSecondFactor,
    /// The address is the user's already.
    OwnEmail,
    /// The address is not the user's.
    NotYourEmail,
    /// The address of record is confirmed.
    AlreadyConfirmed,
    /// The address of record is not confirmed.
    EmailNotConfirmed,
    /// The user has as many upload tokens as there can be.
    TooManyTokens,
    /// Another token took the place of this one.
    AlreadyReplaced,
    /// A text that is no upload token, or a part of one.
    TokenIncomplete,
    /// An upload token that was never made, or that was ended.
    TokenUnknown,
    /// An upload token whose time is over.
    TokenExpired,
    /// An upload token that is for something else.
    TokenScope,
    /// A rate limit is reached.
    TooManyAttempts,
    /// The server is overloaded.
    Busy,
    /// The store or the network failed.
    Unavailable,
    /// The request cannot be read.
    Malformed,
    /// A field is given more than once.
    Repeated,
    /// A field is not text.
    NotText,
    /// A password is in a URL.
    PasswordInUrl,
    /// A page of another site sent the request.
    OtherSite,
    /// The form token is not that of the browser's cookie.
    OutdatedForm,
    /// There is nothing at this path.
    NotFound,
    /// The method is not allowed for this path.
    MethodNotAllowed,
    /// The body did not come in time.
    Timeout,
    /// The body is too large.
    TooLarge,
    /// The media type of the body is not supported.
    UnsupportedType,
    /// The headers are too large.
    HeadersTooLarge,
    /// A part of the server failed.
    Internal,
    /// A reason that this version does not know, from a later one.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Refusal {
    /// A refusal without a field at fault.
    pub fn new(code: u16, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code,
            field: None,
            reason,
            retry_after: None,
        }
    }

    /// The refusal for an internal error.
    pub fn internal() -> Self {
        let sentence = "Something went wrong, try again in a moment";
        Self::new(500, Reason::Internal, sentence)
    }
}

impl Reason {
    /// The reason with this name.
    pub fn named(word: &str) -> Self {
        Self::deserialize(StrDeserializer::<Error>::new(word)).unwrap_or_default()
    }
}

impl FromServerFnError for Refusal {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Self::new(400, Reason::Malformed, "The request cannot be read")
            }
            _ => Self::internal(),
        }
    }
}
