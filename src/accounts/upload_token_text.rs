//! The text of an upload token, which a program shows to publish packages.

use std::fmt;

use super::{random::random_bytes, token::Digest};

/// What every upload token begins with, so that secret scanners recognize it.
pub const PREFIX: &str = "fpm_";
/// How many random characters follow it: 190 bits.
const RANDOM_CHARS: usize = 32;
/// How many characters of a checksum end it, so that a scanner can tell a token from a text that looks like one.
const CHECKSUM_CHARS: usize = 6;
/// How many characters a token has.
pub const CHARS: usize = PREFIX.len() + RANDOM_CHARS + CHECKSUM_CHARS;
/// The digits of base62, in the order that secret scanners expect.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The text of an upload token: `fpm_`, 32 random characters of base62, and the CRC-32 of all that in six more. Only
/// its [`Digest`] is stored, and its last four characters.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadTokenText(String);

impl UploadTokenText {
    /// A new text from the operating system's generator.
    pub fn random() -> Self {
        let body = PREFIX.to_owned() + &random_digits();
        let checksum = checksum(&body);
        Self(body + &checksum)
    }

    /// Reads a text; none if it is not whole, as its checksum says.
    pub fn parse(text: &str) -> Option<Self> {
        let is_ours = text.len() == CHARS
            && text.starts_with(PREFIX)
            && text[PREFIX.len()..]
                .bytes()
                .all(|byte| DIGITS.contains(&byte));
        let body = text.get(..CHARS - CHECKSUM_CHARS)?;
        (is_ours && text.ends_with(&checksum(body))).then(|| Self(text.to_owned()))
    }

    /// The digest that is stored of it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// Its last four characters, by which its user tells it from others.
    pub fn last4(&self) -> String {
        self.0[CHARS - 4..].to_owned()
    }

    /// The text, for the client alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UploadTokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadTokenText(…)")
    }
}

/// Random digits of base62, each as likely as every other.
fn random_digits() -> String {
    let mut digits = String::with_capacity(RANDOM_CHARS);
    while digits.len() < RANDOM_CHARS {
        let bytes = random_bytes::<{ 2 * RANDOM_CHARS }>();
        // The bytes from 248 on would make the first digits likelier.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        let fair = fair.map(|byte| char::from(DIGITS[usize::from(byte % 62)]));
        digits.extend(fair.take(RANDOM_CHARS - digits.len()));
    }
    digits
}

/// The CRC-32 of a text in base62, with zeros before it.
fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut digits = [DIGITS[0]; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % 62];
        rest /= 62;
    }
    digits.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_as_secret_scanners_expect() {
        let texts: HashSet<_> = (0..1000)
            .map(|_| UploadTokenText::random().reveal().to_owned())
            .collect();
        assert_eq!(texts.len(), 1000);
        let mut used = HashSet::new();
        for text in &texts {
            assert_eq!(text.len(), 42);
            assert!(text.starts_with("fpm_"), "{text}");
            used.extend(text[4..36].bytes());
            assert_eq!(
                UploadTokenText::parse(text).unwrap().last4(),
                text[38..].to_owned()
            );
        }
        assert_eq!(used, DIGITS.iter().copied().collect());
    }

    /// CRC-32 as `zlib.crc32` of Python computes it, in base62.
    #[test]
    fn the_checksum_is_that_of_everybody_else() {
        for (body, expected) in [
            ("fpm_00000000000000000000000000000000", "28C1ac"),
            ("fpm_zZ9aA0zZ9aA0zZ9aA0zZ9aA0zZ9aA0zZ", "07Ye3w"),
        ] {
            assert_eq!(checksum(body), expected);
            let text = body.to_owned() + expected;
            assert_eq!(UploadTokenText::parse(&text).unwrap().reveal(), text);
        }
    }

    #[test]
    fn a_text_that_is_not_whole_is_none() {
        let whole = UploadTokenText::random().reveal().to_owned();
        for broken in [
            "",
            "fpm_",
            &whole[1..],
            &whole[..41],
            &format!("{whole}0"),
            &format!(" {whole}"),
            &whole.replace("fpm_", "FPM_"),
            &whole.replace("fpm_", "fpm-"),
            "fpm_äääääääääääääääääää",
        ] {
            assert_eq!(UploadTokenText::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_text_never_shows_in_debug() {
        let text = UploadTokenText::random();
        assert_eq!(format!("{text:?}"), "UploadTokenText(…)");
    }

    proptest! {
        #[test]
        fn one_changed_character_is_noticed(position in 4_usize..42, digit in 0_usize..62) {
            let whole = UploadTokenText::random().reveal().to_owned();
            let mut changed = whole.clone().into_bytes();
            changed[position] = DIGITS[digit];
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(UploadTokenText::parse(&changed).is_some(), changed == whole);
        }

        #[test]
        fn no_other_text_is_one(text in "\\PC{0,50}") {
            prop_assert_eq!(UploadTokenText::parse(&text), None);
        }
    }
}
