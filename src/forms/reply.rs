//! What a server function answers: that it was done, or why not.

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{
    Deserialize, Serialize,
    de::value::{Error, StrDeserializer},
};

/// What was asked is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// One sentence for a person.
    pub message: String,
    /// The HTTP status.
    pub code: u16,
}

/// What was asked is not done; made by the server alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// One sentence for a person.
    pub message: String,
    /// The HTTP status.
    pub code: u16,
    /// The form field at fault, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why, for a program.
    #[serde(default)]
    pub reason: Reason,
    /// After how many seconds to come again, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// Why something was refused: what code asks, instead of the status or the sentence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A field is missing or empty.
    Required,
    /// A field does not hold what it should.
    Invalid,
    /// Too few characters.
    TooShort,
    /// Too many characters.
    TooLong,
    /// A password that an attacker would try early.
    TooEasy,
    /// The address has an account.
    EmailTaken,
    /// No user has this e-mail and password.
    WrongLogin,
    /// Nobody is logged in.
    NotLoggedIn,
    /// The mailed link is unknown, used or expired.
    LinkDead,
    /// A limit on attempts is reached.
    TooManyAttempts,
    /// There is more to do than the machine can.
    Busy,
    /// The store or the network failed.
    Unavailable,
    /// The request cannot be read.
    Malformed,
    /// A field is given more than once.
    Repeated,
    /// A field is not text.
    NotText,
    /// A password stands in an address.
    PasswordInUrl,
    /// A page of another site sent the request.
    OtherSite,
    /// The form is not of a page that this browser was last given.
    OutdatedForm,
    /// Nothing is here.
    NotFound,
    /// The method is not for this path.
    MethodNotAllowed,
    /// The body did not come in time.
    Timeout,
    /// The body is too large.
    TooLarge,
    /// The body is of a type that is not read.
    UnsupportedType,
    /// The headers are too large.
    HeadersTooLarge,
    /// A part of the server failed.
    Internal,
    /// A word of a later version, in a page of an earlier one.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Refusal {
    /// A refusal that is no single field's fault.
    pub fn new(code: u16, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code,
            field: None,
            reason,
            retry_after: None,
        }
    }

    /// A part of the server failed.
    pub fn internal() -> Self {
        let sentence = "Something went wrong, try again in a moment";
        Self::new(500, Reason::Internal, sentence)
    }
}

impl Reason {
    /// The reason of this word.
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
