//! The keys by which secrets are encrypted at rest: those of authenticator apps, which a login needs in plain.
//!
//! By AES-256-GCM, with the user's id as associated data: a secret is good for no other user.

use std::fmt;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use super::{id::UserId, random::random_bytes, token::Digest};

/// The length of a key.
const KEY_BYTES: usize = 32;
/// How many hexadecimal digits the id of a key has.
const ID_DIGITS: usize = 8;
/// What the secrets are for. Another purpose needs another label, so that none can be taken for one of it.
const PURPOSE: &str = "totp";

/// The keys by which secrets are encrypted at rest; the first one encrypts, all decrypt.
///
/// Nonces are random. Under one key, 2^32 of them meet with a probability below 2^-32 (NIST SP 800-38D, 8.3), and a
/// user needs one whenever a secret is made or sealed anew.
#[derive(Clone)]
pub struct SecretKeys(Vec<SecretKey>);

#[derive(Clone)]
struct SecretKey {
    id: KeyId,
    key: LessSafeKey,
}

/// Tells keys apart: the first 8 hexadecimal digits of the SHA-256 of a key. It may be logged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

/// A secret as it is stored: `<key id>.<base64url(nonce || ciphertext)>`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

/// A secret that was decrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The secret.
    pub secret: Vec<u8>,
    /// Whether the first key has encrypted it; if not, it should be sealed anew.
    pub is_current: bool,
}

/// Why a text holds no keys. Nothing of the text is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoKeys {
    /// There is none.
    #[error("has no key")]
    Empty,
    /// The line of this number, from 1, is none.
    #[error("has no key of 32 bytes in base64 in line {0}")]
    Malformed(usize),
}

impl SecretKeys {
    /// Reads the text of a key file: one key a line, the newest first, between comments (`#`) and empty lines.
    pub fn parse(text: &str) -> Result<Self, NoKeys> {
        let lines = text.lines().map(str::trim).zip(1..);
        let keys = lines
            .filter(|(line, _)| !line.is_empty() && !line.starts_with('#'))
            .map(|(line, number)| SecretKey::parse(line).ok_or(NoKeys::Malformed(number)))
            .collect::<Result<Vec<_>, _>>()?;
        match keys.is_empty() {
            true => Err(NoKeys::Empty),
            false => Ok(Self(keys)),
        }
    }

    /// The text of a new key file.
    pub fn random_file_text() -> String {
        format!(
            "# The keys by which fpm-registry encrypts the secrets of authenticator apps, the newest first.\n\
             # No backup of the registry has this file: keep a copy. Without it users lose their authenticator apps.\n\
             {}\n",
            STANDARD.encode(random_bytes::<KEY_BYTES>())
        )
    }

    /// Encrypts a secret of a user by the first key.
    pub fn seal(&self, user: &UserId, secret: &[u8]) -> Sealed {
        self.0[0].seal(user, secret)
    }

    /// Decrypts a secret of a user; none if it is not the user's, was changed, or its key is not here.
    pub fn open(&self, user: &UserId, sealed: &Sealed) -> Option<Opened> {
        let mut keys = self.0.iter().enumerate();
        keys.find_map(|(place, key)| {
            let secret = key.open(user, sealed)?;
            let is_current = place == 0;
            Some(Opened { secret, is_current })
        })
    }

    /// The ids of the keys; the first is that of the one that encrypts.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.0.iter().map(|key| &key.id)
    }

    /// The id of the key that encrypts.
    pub fn encrypting(&self) -> &KeyId {
        &self.0[0].id
    }
}

impl Sealed {
    /// The id of the key that encrypted it.
    pub fn key_id(&self) -> KeyId {
        let id = self.0.split('.').next().unwrap_or_default();
        KeyId(id.to_owned())
    }
}

impl KeyId {
    /// The id that a store has.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl SecretKey {
    fn parse(line: &str) -> Option<Self> {
        let bytes = STANDARD.decode(line).ok()?;
        // Refuses any other length.
        let key = UnboundKey::new(&AES_256_GCM, &bytes).ok()?;
        let digest = Digest::of(&bytes).to_string();
        Some(Self {
            id: KeyId(digest[..ID_DIGITS].to_owned()),
            key: LessSafeKey::new(key),
        })
    }

    #[expect(
        clippy::expect_used,
        reason = "fails for a secret of 64 GiB, which nobody has"
    )]
    fn seal(&self, user: &UserId, secret: &[u8]) -> Sealed {
        let nonce = random_bytes::<NONCE_LEN>();
        let mut text = secret.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                associated(user),
                &mut text,
            )
            .expect("a secret is short");
        let bytes = [&nonce[..], &text].concat();
        Sealed(format!("{}.{}", self.id, URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn open(&self, user: &UserId, sealed: &Sealed) -> Option<Vec<u8>> {
        let text = sealed.0.strip_prefix(&self.id.0)?.strip_prefix('.')?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut text = ciphertext.to_vec();
        let secret = self.key.open_in_place(nonce, associated(user), &mut text);
        secret.ok().map(|secret| secret.to_vec())
    }
}

/// What a secret is bound to.
fn associated(user: &UserId) -> Aad<Vec<u8>> {
    Aad::from(format!("{PURPOSE}:{user}").into_bytes())
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKeys(…)")
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(…)")
    }
}

#[cfg(test)]
mod tests;
