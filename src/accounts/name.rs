//! The name a user goes by.

use super::Error;

/// A user's name: trimmed, not empty, at most [`Name::MAX_CHARS`] characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name as typed.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let name = typed.trim();
        if name.is_empty() {
            Err(Error::NameRequired)
        } else if name.chars().count() > Self::MAX_CHARS {
            Err(Error::NameTooLong)
        } else if name.chars().any(char::is_control) {
            Err(Error::NameInvalid)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed() {
        assert_eq!(
            Name::parse("  Ada Lovelace ").unwrap().as_str(),
            "Ada Lovelace"
        );
        assert_eq!(Name::parse("Åsa 🦆").unwrap().as_str(), "Åsa 🦆");
    }

    #[test]
    fn a_bad_name_is_refused() {
        assert!(matches!(Name::parse(" \t "), Err(Error::NameRequired)));
        assert!(matches!(
            Name::parse("a\r\nBcc: b"),
            Err(Error::NameInvalid)
        ));
        assert!(matches!(Name::parse("a\0b"), Err(Error::NameInvalid)));
        assert!(matches!(
            Name::parse(&"a".repeat(101)),
            Err(Error::NameTooLong)
        ));
        assert!(Name::parse(&"é".repeat(100)).is_ok());
    }
}
