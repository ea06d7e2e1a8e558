//! Challenges of passkeys: what the server keeps between the two requests of adding or using one.

use serde::{Deserialize, Serialize};

use super::{
    clock::Timestamp,
    id::UserId,
    passkeys::State,
    record::{Word, parse_word, record},
    token::Digest,
};

/// What a passkey is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To log in by it alone.
    Login,
    /// To complete a login by it, after the password.
    SecondFactor,
    /// To show again who is there.
    Recent,
    /// To be added.
    Add,
    /// Something that a later version knows.
    Unknown,
}

impl Word for Purpose {
    const LATER: Self = Self::Unknown;

    fn parse(word: &str) -> Option<Self> {
        parse_word(word)
    }
}

impl Purpose {
    /// The purpose of this name; a login if it is empty.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "" => Some(Self::Login),
            word => parse_word(word),
        }
    }
}

record! {
    /// A challenge that waits for the answer of a passkey. It works once.
    pub struct Challenge {
        /// The digest of the token in the browser's cookie.
        "digest" required digest: Digest,
        /// What it is for.
        "purpose" word purpose: Purpose,
        /// Whose passkey is asked for; none at a login, which begins without a name.
        "user" optional user: Option<UserId>,
        /// What the answer is verified with.
        "state" required state: State,
        /// When it is too late for an answer.
        "expiresAt" required expires_at: Timestamp,
    }
}
