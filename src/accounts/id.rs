//! The ids of users, and the handles of what belongs to them.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{clock::Timestamp, token::Digest};

/// The id of a user. It never changes, and may be logged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(String);

/// A public name for something that also has a secret token, such as a session, so that a user can pick it from a
/// list: 64 random bits in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(String);

impl UserId {
    /// A new id: the current second and 64 random bits, in 24 hexadecimal digits, as an ObjectId of MongoDB.
    pub fn new(now: Timestamp) -> Self {
        let second = u32::try_from(now.millis() / 1000).unwrap_or_default();
        Self(format!("{second:08x}{}", random_digits()))
    }

    /// The id that a store has.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Handle {
    /// A new handle.
    pub fn random() -> Self {
        Self(random_digits())
    }

    /// The handle that a store has.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The handle of a session that was stored before sessions had handles.
    pub fn of_older(session: &Digest) -> Self {
        let digest = Digest::of(session.as_bytes()).to_string();
        Self(digest.chars().take(16).collect())
    }

    /// The handle as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 64 random bits in 16 hexadecimal digits.
fn random_digits() -> String {
    // The fixed bits of a UUID, version and variant, are in the middle: take both ends.
    let [a, b, c, d, .., w, x, y, z] = Uuid::new_v4().into_bytes();
    let bits = u64::from_be_bytes([a, b, c, d, w, x, y, z]);
    format!("{bits:016x}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::accounts::token::Token;

    #[test]
    fn ids_and_handles_are_random_and_short() {
        let ids: HashSet<_> = (0..100).map(|_| UserId::new(Timestamp::PAST)).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.as_str().len() == 24));
        assert_eq!(Handle::random().as_str().len(), 16);
        let digest = Token::random().digest();
        let handle = Handle::of_older(&digest);
        assert!(!digest.to_string().contains(handle.as_str()));
    }
}
