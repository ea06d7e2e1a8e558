//! Passwords: what may be chosen, and how they are hashed.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{self, Output, ParamsString, Salt},
};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::error::Error;

/// A password as typed, in Unicode normal form C (NIST SP 800-63B-4, 3.1.1.2), otherwise untouched.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// The shortest password that can be chosen, in characters (ASVS 6.2.1).
    pub const MIN_CHARS: usize = 8;
    /// The longest password that can be chosen, in characters (ASVS 6.2.9).
    pub const MAX_CHARS: usize = 256;

    /// A password to be compared with a stored hash: any text that is not empty.
    pub fn typed(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            Err(Error::PasswordRequired)
        } else {
            Ok(Self(text.nfc().collect()))
        }
    }

    /// A password to be set, of a length within the limits; [`Hasher::hash`](super::hasher::Hasher::hash) judges its strength.
    pub fn chosen(text: &str) -> Result<Self, Error> {
        let password = Self::typed(text)?;
        match password.0.chars().count() {
            n if n < Self::MIN_CHARS => Err(Error::PasswordTooShort(Self::MIN_CHARS)),
            n if n > Self::MAX_CHARS => Err(Error::PasswordTooLong(Self::MAX_CHARS)),
            _ => Ok(password),
        }
    }
}

impl Password {
    /// The password as text, to be hashed or judged.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A stored password hash, an argon2id PHC string if this program wrote it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The hash stored as `text`, whatever it is.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A hash that no password has.
    pub fn unusable() -> Self {
        Self("!".to_owned())
    }

    /// The hash as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Whether a typed password is the stored one.
#[derive(Debug)]
pub enum Verdict {
    /// It is not, or there is none.
    Wrong,
    /// It is. If the stored hash is weaker than today's, with a stronger one.
    Right(Option<PasswordHash>),
    /// The stored text is not a hash that can be compared with.
    Unreadable,
}

/// Memory of one hash in KiB, passes over it, and lanes (ASVS 11.4.2, argon2id).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The memory of one hash.
pub(super) type Memory = Vec<Block>;

/// A hash of the password with a salt of its own.
#[expect(
    clippy::expect_used,
    reason = "fails only if the system has no random numbers"
)]
pub(super) fn hash_now(password: &Password, memory: &mut Memory) -> PasswordHash {
    let (argon2, salt) = (argon2(), Salt::generate());
    let hash = digest(&argon2, password, &salt, memory);
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).expect("three numbers"),
        salt: Some(salt),
        hash: Some(hash.expect("argon2 hashes any password with its own salt")),
    };
    PasswordHash(hash.to_string())
}

/// A hash that no user's password has.
pub(super) fn dummy_hash() -> PasswordHash {
    let nobodys = Password("no user has this password".to_owned());
    hash_now(&nobodys, &mut Memory::new())
}

/// Compares a password with a stored hash, or else with a dummy, so that it takes the same time.
pub(super) fn verify_now(
    password: &Password,
    stored: Option<&PasswordHash>,
    dummy: &PasswordHash,
    memory: &mut Memory,
) -> Verdict {
    match stored.map(|stored| compare(password, stored, memory)) {
        Some(Some((_, false))) => Verdict::Wrong,
        Some(Some((hash, true))) if is_weak(&hash) => {
            Verdict::Right(Some(hash_now(password, memory)))
        }
        Some(Some((_, true))) => Verdict::Right(None),
        unreadable => {
            compare(password, dummy, memory);
            match unreadable {
                Some(_) => Verdict::Unreadable,
                None => Verdict::Wrong,
            }
        }
    }
}

/// The parsed hash, and whether it is that of the password, compared in constant time. None, at once, if it is not an
/// argon2 hash.
fn compare(
    password: &Password,
    stored: &PasswordHash,
    memory: &mut Memory,
) -> Option<(phc::PasswordHash, bool)> {
    let hash = phc::PasswordHash::new(&stored.0).ok()?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash
        .version
        .map_or(Ok(Version::default()), Version::try_from);
    let argon2 = Argon2::new(algorithm, version.ok()?, Params::try_from(&hash).ok()?);
    let output = hash.hash.as_ref()?;
    let is_right = digest(&argon2, password, hash.salt.as_ref()?, memory)? == *output;
    Some((hash, is_right))
}

fn digest(
    argon2: &Argon2,
    password: &Password,
    salt: &Salt,
    memory: &mut Memory,
) -> Option<Output> {
    let params = argon2.params();
    let missing = params.block_count().saturating_sub(memory.len());
    memory.try_reserve_exact(missing).ok()?;
    memory.resize(memory.len() + missing, Block::new());
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..length)?;
    let password = password.0.as_bytes();
    let hashed = argon2.hash_password_into_with_memory(password, salt, output, memory);
    hashed.ok().and_then(|()| Output::new(output).ok())
}

/// Whether a hash was made with less than today's parameters.
fn is_weak(hash: &phc::PasswordHash) -> bool {
    let Ok(params) = Params::try_from(hash) else {
        return true;
    };
    hash.algorithm.as_str() != "argon2id"
        || params.m_cost() < MEMORY_KIB
        || params.t_cost() < PASSES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        assert!(matches!(Password::chosen(""), Err(Error::PasswordRequired)));
        assert!(matches!(
            Password::chosen("7 chars"),
            Err(Error::PasswordTooShort(Password::MIN_CHARS))
        ));
        assert!(Password::chosen("🦆🦆🦆🦆🦆🦆🦆🦆").is_ok());
        assert!(Password::chosen(&"x".repeat(256)).is_ok());
        assert!(matches!(
            Password::chosen(&"x".repeat(257)),
            Err(Error::PasswordTooLong(Password::MAX_CHARS))
        ));
    }
}
