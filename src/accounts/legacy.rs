//! Passwords of the registry's first backend, which stored the SHA-256 of each and of one salt for all users.
//!
//! That is fast to guess, so it is never stored here: an import hashes it again by argon2id, and the first login replaces
//! that by a hash of the password.

use std::fmt;

use super::token::Digest;

/// The salt that the first backend appended to every password. A secret.
#[derive(Clone)]
pub struct LegacySalt(String);

/// What the first backend stored of a password. A secret.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacyHash(Digest);

impl LegacySalt {
    /// The salt of this text.
    pub fn new(salt: String) -> Self {
        Self(salt)
    }

    /// What the first backend would have stored of a password.
    pub fn hash(&self, password: &str) -> LegacyHash {
        LegacyHash(Digest::of([password, &self.0].concat().as_bytes()))
    }
}

impl LegacyHash {
    /// Reads 64 hexadecimal digits; none if it is anything else.
    pub fn parse(stored: &str) -> Option<Self> {
        Digest::parse(stored).map(Self)
    }

    /// The digits, to be hashed in the place of a password.
    pub(super) fn digits(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for LegacyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LegacyHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `hashlib.sha256(("correct horse" + "pepper ü").encode()).hexdigest()`, as the first backend made it.
    const HASHED: &str = "dd9806061913d04f0e080a9dd5e26359b8aba89ee0ab4a8d69ea048d925a153f";

    #[test]
    fn a_hash_is_what_the_first_backend_stored() {
        let salt = LegacySalt::new("pepper ü".to_owned());
        assert_eq!(Some(salt.hash("correct horse")), LegacyHash::parse(HASHED));
        assert_ne!(Some(salt.hash("correct Horse")), LegacyHash::parse(HASHED));
        for other in ["", "correct horse", &HASHED[1..], "$argon2id$v=19$m=19456"] {
            assert_eq!(LegacyHash::parse(other), None);
        }
    }
}
