//! Random tokens of sessions, devices and reset links, and the digests that are stored of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::{Uuid, Version};

/// A random version-4 UUID handed to a client; only its [`Digest`] is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Uuid);

impl Token {
    /// A new token from the operating system's generator (122 random bits).
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Reads a token in its one written form, `xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx` in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok()?;
        (uuid.get_version() == Some(Version::Random) && uuid.to_string() == text)
            .then_some(Self(uuid))
    }

    /// The digest that is stored of this token.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// The first 16 digits of the digest, to recognize the token in a page that must not contain it.
    pub fn digest_prefix(&self) -> String {
        self.digest().to_string().chars().take(16).collect()
    }

    /// The token as text, for the client alone.
    pub fn reveal(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The length of a [`Digest`].
pub const DIGEST_BYTES: usize = 32;

/// A SHA-256, mostly of a [`Token`].
///
/// A plain hash is enough there, since a token has more than 112 random bits (ASVS 6.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; DIGEST_BYTES]);

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    /// Reads 64 hexadecimal digits.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; DIGEST_BYTES];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err("not 64 hexadecimal digits"),
        }
    }
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest that is stored as `bytes`.
    pub fn from_bytes(bytes: [u8; DIGEST_BYTES]) -> Self {
        Self(bytes)
    }

    /// The digest as bytes.
    pub fn as_bytes(&self) -> &[u8; DIGEST_BYTES] {
        &self.0
    }
}

impl fmt::Display for Digest {
    /// In hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 2 * DIGEST_BYTES];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back() {
        let token = Token::random();
        assert_eq!(Token::parse(&token.reveal()), Some(token));
    }

    #[test]
    fn only_the_written_form_of_a_random_uuid_is_a_token() {
        for text in [
            "",
            "john",
            "00000000-0000-0000-0000-000000000000",
            "c232ab00-9414-11ec-b3c8-9f6bdeced846",
            "936DA01F-9ABD-4D9D-80C7-02AF85C822A8",
            "936da01f9abd4d9d80c702af85c822a8",
            "{936da01f-9abd-4d9d-80c7-02af85c822a8}",
            "936da01f-9abd-4d9d-80c7-02af85c822a8 ",
        ] {
            assert_eq!(Token::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_token_never_shows_in_debug() {
        assert_eq!(format!("{:?}", Token::random()), "Token(…)");
    }
}
