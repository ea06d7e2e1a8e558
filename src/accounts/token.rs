//! Random tokens of sessions, devices and reset links, and the digests that are stored of them.

use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest as _, Sha256};
use uuid::{Uuid, Version};

use super::record::Text;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; DIGEST_BYTES]);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(digits) = Text::deserialize(deserializer)?;
        Self::parse(&digits).ok_or_else(|| D::Error::custom("not 64 hexadecimal digits"))
    }
}

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal digits; none if it is anything else.
    pub fn parse(digits: &str) -> Option<Self> {
        let mut bytes = [0; DIGEST_BYTES];
        if digits.len() != 2 * DIGEST_BYTES {
            return None;
        }
        HEXLOWER_PERMISSIVE
            .decode_mut(digits.as_bytes(), &mut bytes)
            .ok()?;
        Some(Self(bytes))
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
        HEXLOWER.encode_mut(&self.0, &mut digits);
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
