//! Why a passkey is refused.

use webauthn_rs_core::error::WebauthnError;

/// Why a passkey is refused. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyRefusal {
    /// It is not what a browser sends.
    #[error("the passkey is malformed")]
    Malformed,
    /// It is not one of those that are known.
    #[error("the passkey is unknown")]
    Unknown,
    /// Its authenticator has not verified its user.
    #[error("the passkey's user was not verified")]
    NotVerified,
    /// It is valid, but its counter is not above the last: there may be a copy of the authenticator.
    #[error("the passkey's counter went back")]
    CounterWentBack,
    /// Anything else, such as another challenge, another origin or a wrong signature.
    #[error("the passkey is refused: {0}")]
    Refused(String),
}

impl PasskeyRefusal {
    /// A refusal for this cause.
    pub(super) fn of(cause: impl ToString) -> Self {
        Self::Refused(cause.to_string())
    }
}

impl From<WebauthnError> for PasskeyRefusal {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::CredentialPossibleCompromise => Self::CounterWentBack,
            WebauthnError::ParseBase64Failure(_)
            | WebauthnError::ParseCBORFailure(_)
            | WebauthnError::ParseJSONFailure(_)
            | WebauthnError::ParseNOMFailure => Self::Malformed,
            other => Self::of(other),
        }
    }
}
