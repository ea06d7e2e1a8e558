//! Passwords: what may be chosen, and how they are hashed.

use std::{fmt, iter};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{self, Ident, Output, ParamsString, Salt},
};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{
    error::Error,
    legacy::{LegacyHash, LegacySalt},
};

/// A password as typed, in Unicode normal form C (NIST SP 800-63B-4, 3.1.1.2), otherwise untouched.
#[derive(Clone)]
pub struct Password {
    text: String,
    /// What was typed, if it was not in that form.
    typed: Option<String>,
}

impl Password {
    /// The shortest password that can be chosen, in characters (ASVS 6.2.1).
    pub const MIN_CHARS: usize = 8;
    /// The longest password that can be chosen, in characters (ASVS 6.2.9).
    pub const MAX_CHARS: usize = 256;

    /// A password to be compared with a stored hash: any text that is not empty.
    pub fn typed(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::PasswordRequired);
        }
        let normal: String = text.nfc().collect();
        let typed = (normal != text).then(|| text.to_owned());
        Ok(Self {
            text: normal,
            typed,
        })
    }

    /// A password to be set, of a length within the limits; [`Hasher::hash`](super::hasher::Hasher::hash) judges its strength.
    pub fn chosen(text: &str) -> Result<Self, Error> {
        let password = Self::typed(text)?;
        match password.text.chars().count() {
            n if n < Self::MIN_CHARS => Err(Error::PasswordTooShort(Self::MIN_CHARS)),
            n if n > Self::MAX_CHARS => Err(Error::PasswordTooLong(Self::MAX_CHARS)),
            _ => Ok(password),
        }
    }
}

impl Password {
    /// The password as text, to be hashed or judged.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// What the first backend may have hashed, which knew no normal form.
    fn legacy_texts(&self) -> impl Iterator<Item = &str> {
        iter::once(&*self.text).chain(self.typed.as_deref())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A stored password hash, a PHC string if this program wrote it.
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

    /// Whether it is that of a password: not if none was chosen yet, or since the account was taken back.
    pub fn is_usable(&self) -> bool {
        !matches!(&*self.0, "" | "!")
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
    /// The stored hash is of the first backend, and its salt is not known.
    NoLegacySalt,
}

/// What a hash costs.
#[derive(Debug, Clone, Copy)]
pub struct HashCost {
    memory_kib: u32,
    passes: u32,
}

impl HashCost {
    /// What passwords are hashed at (ASVS 11.4.2, argon2id).
    pub const STANDARD: Self = Self {
        memory_kib: 19_456,
        passes: 2,
    };
    /// The least that argon2 takes, for tests of anything but hashes. A release build has no such cost.
    #[cfg(debug_assertions)]
    pub const LEAST: Self = Self {
        memory_kib: 8,
        passes: 1,
    };

    fn argon2(self) -> Argon2<'static> {
        let params = Params::new(self.memory_kib, self.passes, LANES, None);
        let params = params.unwrap_or(Params::DEFAULT);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }
}

const LANES: u32 = 1;

/// The mark of a hash whose input is not a password but a [`LegacyHash`]: the algorithm of its PHC string.
const WRAPPED: Ident = Ident::new_unwrap("sha256-argon2id");

/// The memory of one hash.
pub(super) type Memory = Vec<Block>;

/// A hash of the password with a salt of its own.
pub(super) fn hash_now(password: &Password, cost: HashCost, memory: &mut Memory) -> PasswordHash {
    hash_input(&password.text, Algorithm::Argon2id.ident(), cost, memory)
}

/// A hash of what the first backend stored, marked as such.
pub(super) fn wrap_now(legacy: &LegacyHash, memory: &mut Memory) -> PasswordHash {
    hash_input(&legacy.digits(), WRAPPED, HashCost::STANDARD, memory)
}

#[expect(
    clippy::expect_used,
    reason = "fails only if the system has no random numbers"
)]
fn hash_input(input: &str, algorithm: Ident, cost: HashCost, memory: &mut Memory) -> PasswordHash {
    let (argon2, salt) = (cost.argon2(), Salt::generate());
    let hash = digest(&argon2, input, &salt, memory);
    let hash = phc::PasswordHash {
        algorithm,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).expect("three numbers"),
        salt: Some(salt),
        hash: Some(hash.expect("argon2 hashes any password with its own salt")),
    };
    PasswordHash(hash.to_string())
}

/// Compares a password with a stored hash, and hashes for the rest of the time that it takes for anybody: one hash; or two if the first backend's salt is known and may have been used with either of two texts, so that the time
/// tells nothing of who is of the first backend.
pub(super) fn verify_now(
    password: &Password,
    stored: Option<&PasswordHash>,
    salt: Option<&LegacySalt>,
    cost: HashCost,
    memory: &mut Memory,
) -> Verdict {
    let (verdict, hashes) = match stored {
        Some(stored) => compare(password, stored, salt, cost, memory),
        None => (Verdict::Wrong, 0),
    };
    let all = salt.map_or(1, |_| password.legacy_texts().count());
    for _ in hashes..all {
        let _ = digest(&cost.argon2(), &password.text, &Salt::generate(), memory);
    }
    verdict
}

/// Compares a password with a stored hash; also says how many hashes that took.
fn compare(
    password: &Password,
    stored: &PasswordHash,
    salt: Option<&LegacySalt>,
    cost: HashCost,
    memory: &mut Memory,
) -> (Verdict, usize) {
    let Some(hash) = ParsedHash::parse(stored, cost) else {
        return (Verdict::Unreadable, 0);
    };
    let inputs: Vec<String> = match (hash.is_wrapped, salt) {
        (false, _) => vec![password.text.clone()],
        (true, Some(salt)) => {
            let texts = password.legacy_texts();
            texts.map(|text| salt.hash(text).digits()).collect()
        }
        (true, None) => return (Verdict::NoLegacySalt, 0),
    };
    let compared = inputs.iter().map(|input| hash.is_of(input, memory));
    match compared.collect::<Option<Vec<bool>>>() {
        None => (Verdict::Unreadable, 0),
        Some(compared) if !compared.contains(&true) => (Verdict::Wrong, compared.len()),
        Some(compared) => {
            let has_stronger = hash.is_wrapped || hash.is_weak;
            let stronger = has_stronger.then(|| hash_now(password, cost, memory));
            (Verdict::Right(stronger), compared.len())
        }
    }
}

/// A stored hash that can be compared with.
struct ParsedHash {
    argon2: Argon2<'static>,
    salt: Salt,
    output: Output,
    /// Whether its input was a [`LegacyHash`].
    is_wrapped: bool,
    /// Whether it was made at less than today's cost.
    is_weak: bool,
}

impl ParsedHash {
    /// Parses a hash of argon2; none if it is anything else.
    fn parse(stored: &PasswordHash, today: HashCost) -> Option<Self> {
        let hash = phc::PasswordHash::new(&stored.0).ok()?;
        let is_wrapped = hash.algorithm == WRAPPED;
        let algorithm = match is_wrapped {
            true => Algorithm::Argon2id,
            false => Algorithm::try_from(hash.algorithm.as_str()).ok()?,
        };
        let version = hash
            .version
            .map_or(Ok(Version::default()), Version::try_from);
        let params = Params::try_from(&hash).ok()?;
        let is_weak = algorithm != Algorithm::Argon2id
            || params.m_cost() < today.memory_kib
            || params.t_cost() < today.passes;
        Some(Self {
            argon2: Argon2::new(algorithm, version.ok()?, params),
            salt: hash.salt?,
            output: hash.hash?,
            is_wrapped,
            is_weak,
        })
    }

    /// Whether it is the hash of this input, compared in constant time. None if there is no memory for it.
    fn is_of(&self, input: &str, memory: &mut Memory) -> Option<bool> {
        Some(digest(&self.argon2, input, &self.salt, memory)? == self.output)
    }
}

fn digest(argon2: &Argon2, input: &str, salt: &Salt, memory: &mut Memory) -> Option<Output> {
    let params = argon2.params();
    let missing = params.block_count().saturating_sub(memory.len());
    memory.try_reserve_exact(missing).ok()?;
    memory.resize(memory.len() + missing, Block::new());
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..length)?;
    let hashed = argon2.hash_password_into_with_memory(input.as_bytes(), salt, output, memory);
    hashed.ok().and_then(|()| Output::new(output).ok())
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
