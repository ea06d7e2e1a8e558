//! A filter of passwords that are known from breaches: a binary fuse filter of their digests, in a file with a version
//! and a checksum. The server asks it, and `cargo xtask breached` makes it.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use xorf::{BinaryFuse16, Descriptor, DmaSerializable, Filter};

/// The shortest password that is put into a filter, in characters. Shorter ones cannot be chosen.
pub const MIN_CHARS: usize = 8;

/// What a file begins with.
const MAGIC: &[u8] = b"breached";
/// The version of the format, which follows. Another hash of passwords is another version.
const VERSION: u8 = 1;
/// The length of the checksum, which comes next. It is the SHA-256 of all that follows.
const CHECKSUM_BYTES: usize = 32;
/// The length of the filter's parameters. After them come its fingerprints.
const DESCRIPTOR_BYTES: usize = BinaryFuse16::DESCRIPTOR_LEN;

/// Passwords that are known from breaches. All of them are found, and one in 65,536 of others.
pub struct BreachedPasswords(BinaryFuse16);

/// Why a filter cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It does not begin as one.
    #[error("is no filter of breached passwords")]
    NotAFilter,
    /// It has another version of the format.
    #[error("is a filter in a format that this version does not know")]
    OtherVersion,
    /// It is incomplete, or was changed.
    #[error("is damaged")]
    Damaged,
}

/// No filter can be made: none of the passwords has [`MIN_CHARS`] characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The list has no password of {MIN_CHARS} or more characters")]
pub struct NoPasswords;

impl BreachedPasswords {
    /// The filter of these passwords. The same passwords always make the same filter.
    pub fn of_list<'a>(passwords: impl Iterator<Item = &'a str>) -> Result<Self, NoPasswords> {
        let long = passwords.filter(|password| password.chars().count() >= MIN_CHARS);
        let mut keys: Vec<u64> = long.map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Err(NoPasswords);
        }
        let filter = BinaryFuse16::try_from(&keys);
        Ok(Self(filter.expect("different keys make a filter")))
    }

    /// Reads the file of a filter.
    pub fn read(file: &[u8]) -> Result<Self, Unreadable> {
        let rest = file.strip_prefix(MAGIC).ok_or(Unreadable::NotAFilter)?;
        let (version, rest) = rest.split_first().ok_or(Unreadable::Damaged)?;
        if *version != VERSION {
            return Err(Unreadable::OtherVersion);
        }
        let (checksum, filter) = rest
            .split_first_chunk::<CHECKSUM_BYTES>()
            .ok_or(Unreadable::Damaged)?;
        if *checksum != *Sha256::digest(filter) {
            return Err(Unreadable::Damaged);
        }
        read_filter(filter).map(Self).ok_or(Unreadable::Damaged)
    }

    /// The file of the filter, for [`Self::read`].
    pub fn to_file(&self) -> Vec<u8> {
        let mut filter = vec![0; DESCRIPTOR_BYTES];
        self.0.dma_copy_descriptor_to(&mut filter);
        let fingerprints = self.0.fingerprints.iter();
        filter.extend(fingerprints.flat_map(|fingerprint| fingerprint.to_le_bytes()));
        let checksum = Sha256::digest(&filter);
        [MAGIC, &[VERSION], &checksum, &filter].concat()
    }

    /// Whether the filter has this very password. Both ways to write an accent are one.
    pub fn contains(&self, password: &str) -> bool {
        self.0.contains(&key(password))
    }
}

/// What stands for a password in the filter: the first 8 bytes of its SHA-256, in the normal form NFC.
fn key(password: &str) -> u64 {
    let normal: String = password.nfc().collect();
    let digest = Sha256::digest(normal);
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

/// None if the parameters do not fit the fingerprints: a lookup would panic.
fn read_filter(bytes: &[u8]) -> Option<BinaryFuse16> {
    let (seed, rest) = bytes.split_first_chunk()?;
    let (segment_length, rest) = rest.split_first_chunk()?;
    let (segment_length_mask, rest) = rest.split_first_chunk()?;
    let (segment_count_length, rest) = rest.split_first_chunk()?;
    let descriptor = Descriptor {
        seed: u64::from_le_bytes(*seed),
        segment_length: u32::from_le_bytes(*segment_length),
        segment_length_mask: u32::from_le_bytes(*segment_length_mask),
        segment_count_length: u32::from_le_bytes(*segment_count_length),
    };
    let (fingerprints, odd) = rest.as_chunks();
    let fingerprints = fingerprints.iter().copied().map(u16::from_le_bytes);
    let filter = BinaryFuse16 {
        descriptor,
        fingerprints: fingerprints.collect(),
    };
    (odd.is_empty() && fits(&filter)).then_some(filter)
}

fn fits(filter: &BinaryFuse16) -> bool {
    let of = &filter.descriptor;
    let segment = u64::from(of.segment_length);
    let needed = u64::from(of.segment_count_length) + 2 * segment;
    segment.is_power_of_two()
        && u64::from(of.segment_length_mask) == segment - 1
        && of.segment_count_length.is_multiple_of(of.segment_length)
        && of.segment_count_length > 0
        && needed == filter.len() as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use super::*;

    const LIST: [&str; 4] = ["Passw0rd", "short", "caf\u{e9} noir", "iloveyou2"];

    fn filter() -> BreachedPasswords {
        BreachedPasswords::of_list(LIST.into_iter()).unwrap()
    }

    #[test]
    fn a_filter_has_the_very_passwords_of_its_list_from_eight_characters_on() {
        let filter = filter();
        for known in ["Passw0rd", "café noir", "cafe\u{301} noir", "iloveyou2"] {
            assert!(filter.contains(known), "{known}");
        }
        for other in [
            "passw0rd",
            "Passw0rd ",
            "short",
            "cafe noir",
            "iloveyou",
            "",
        ] {
            assert!(!filter.contains(other), "{other}");
        }
    }

    #[test]
    fn a_list_may_be_of_any_length_and_repeat_itself() {
        for count in [1, 2, 3, 10, 1000, 30_000] {
            let list: Vec<String> = (0..count).map(|n| format!("password {n}")).collect();
            let twice = list.iter().chain(&list).map(String::as_str);
            let file = BreachedPasswords::of_list(twice).unwrap().to_file();
            let filter = BreachedPasswords::read(&file).unwrap();
            assert!(list.iter().all(|password| filter.contains(password)));
        }
        let none = BreachedPasswords::of_list(["short"].into_iter());
        assert_eq!(none.err(), Some(NoPasswords));
    }

    #[test]
    fn a_file_that_was_cut_or_changed_is_refused() {
        let file = filter().to_file();
        let refused = |file: &[u8]| BreachedPasswords::read(file).err();
        assert_eq!(refused(&file), None);
        for length in 0..file.len() {
            let expected = match length < MAGIC.len() {
                true => Unreadable::NotAFilter,
                false => Unreadable::Damaged,
            };
            assert_eq!(refused(&file[..length]), Some(expected), "{length}");
        }
        for position in 0..file.len() {
            let mut changed = file.clone();
            changed[position] ^= 1;
            let expected = match position {
                0..8 => Unreadable::NotAFilter,
                8 => Unreadable::OtherVersion,
                _ => Unreadable::Damaged,
            };
            assert_eq!(refused(&changed), Some(expected), "{position}");
        }
        assert_eq!(
            refused(&[&file[..], b"x"].concat()),
            Some(Unreadable::Damaged)
        );
    }

    #[test]
    fn parameters_that_do_not_fit_are_refused_even_with_a_right_checksum() {
        for position in 8..DESCRIPTOR_BYTES {
            let mut filter = filter().to_file()[MAGIC.len() + 1 + CHECKSUM_BYTES..].to_vec();
            filter[position] ^= 1;
            let file = [MAGIC, &[VERSION], &Sha256::digest(&filter), &filter].concat();
            let refused = BreachedPasswords::read(&file).err();
            assert_eq!(refused, Some(Unreadable::Damaged), "{position}");
        }
    }
}
