//! Recovery codes: the way back for a user who has lost the second factor.

use std::fmt;

use base32::Alphabet::Crockford;

use super::{random::random_bytes, token::Digest};

/// How many a user gets at once.
const HOW_MANY: usize = 10;
/// The random bytes of one. To find 80 bits by their digest is out of reach, though ASVS 6.5.2 asks for 112 without a slow
/// hash: ten slow hashes for each code that somebody types would cost the server too much.
const RANDOM_BYTES: usize = 10;
/// How many characters one has, without those between.
pub const CHARS: usize = 16;
/// How many characters stand together.
const GROUP: usize = 4;

/// The text of a recovery code: 80 random bits in base32 of Crockford, in groups of four. Only its [`Digest`] is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCodeText([u8; RANDOM_BYTES]);

/// Recovery codes as a user gets them.
pub type RecoveryCodeTexts = [RecoveryCodeText; HOW_MANY];

impl RecoveryCodeText {
    /// A new code from the operating system's generator.
    pub fn random() -> Self {
        Self(random_bytes())
    }

    /// Reads a code as people type it: in any case, with or without what stands between the groups, and with `O`, `I` and
    /// `L` for the digits they look like.
    pub fn parse(text: &str) -> Option<Self> {
        let chars: String = text.chars().filter(|c| !is_between(*c)).collect();
        let bytes = base32::decode(Crockford, &chars).filter(|_| chars.len() == CHARS)?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The digest that is stored of it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// The text, for the client alone.
    pub fn reveal(&self) -> String {
        in_groups(&base32::encode(Crockford, &self.0), "-")
    }
}

/// A text in groups, which is easier to type.
pub fn in_groups(text: &str, between: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let groups = chars.chunks(GROUP).map(String::from_iter);
    groups.collect::<Vec<_>>().join(between)
}

/// Whether a character only parts the groups of a code.
pub fn is_between(c: char) -> bool {
    c == '-' || c.is_whitespace()
}

impl fmt::Debug for RecoveryCodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCodeText(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = RecoveryCodeText([0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]);
        assert_eq!(code.reveal(), "0123-4567-89AB-CDEF");
        for typed in [
            "0123-4567-89AB-CDEF",
            "0123456789abcdef",
            " 0123 4567 89ab cdef\n",
            "oi23-4567-89ab-cdef",
            "OL23 4567-89ab cdef",
        ] {
            assert_eq!(
                RecoveryCodeText::parse(typed),
                Some(code.clone()),
                "{typed:?}"
            );
        }
    }

    #[test]
    fn a_secret_is_typed_in_groups_of_four() {
        let groups = in_groups("GEZDGNBVGY3TQOJQ", " ");
        assert_eq!(groups, "GEZD GNBV GY3T QOJQ");
    }

    proptest! {
        #[test]
        fn what_is_told_is_read_and_nothing_else_is_it(bytes: [u8; RANDOM_BYTES], text in ".*") {
            let code = RecoveryCodeText(bytes);
            prop_assert_eq!(RecoveryCodeText::parse(&code.reveal()), Some(code.clone()));
            if let Some(read) = RecoveryCodeText::parse(&text) {
                prop_assert_eq!(text.chars().filter(|c| !is_between(*c)).count(), CHARS);
                prop_assert_eq!(read.reveal().len(), CHARS + 3);
            }
        }
    }
}
