//! The name of a user.

use super::error::Error;

/// A user's name: trimmed, visible, at most [`Name::MAX_CHARS`] characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name as typed.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let name = typed.trim();
        if name.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
            Err(Error::NameRequired)
        } else if name.chars().count() > Self::MAX_CHARS {
            Err(Error::NameTooLong(Self::MAX_CHARS))
        } else if name.chars().any(|c| c.is_control() || changes_direction(c)) {
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

/// Whether a character alone is invisible: Unicode's default ignorable code points and the empty Braille pattern. They
/// are allowed beside visible ones, since names in some scripts contain joiners.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a character changes the direction of the text after it, with which a name could garble a page.
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        for nothing in [
            "",
            " \t ",
            "\u{200b}",
            "\u{202e}",
            "\u{feff} \u{ad}",
            "\u{3164}",
            "\u{2800}\u{e0041}",
        ] {
            assert!(matches!(Name::parse(nothing), Err(Error::NameRequired)));
        }
        assert!(matches!(
            Name::parse("a\r\nBcc: b"),
            Err(Error::NameInvalid)
        ));
        assert!(matches!(Name::parse("a\0b"), Err(Error::NameInvalid)));
        assert!(matches!(
            Name::parse("Ada \u{202e}nimda"),
            Err(Error::NameInvalid)
        ));
        assert!(matches!(
            Name::parse(&"a".repeat(101)),
            Err(Error::NameTooLong(Name::MAX_CHARS))
        ));
        assert!(Name::parse(&"é".repeat(100)).is_ok());
    }
}
