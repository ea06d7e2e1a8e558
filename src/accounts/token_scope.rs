//! What an upload token is good for: which packages, what with them, and for how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    error::Error,
    lifetimes::DAY,
    name::Name,
    package::Packages,
    record::{Word, parse_word},
};

/// How long a token can live, in days.
pub const TOKEN_DAYS: [u32; 4] = [7, 30, 90, 365];
/// How long it lives if nobody says so.
pub const DEFAULT_DAYS: u32 = 90;

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum May {
    /// To publish new packages, and new versions of those that exist.
    Publish,
    /// To publish packages that do not exist yet.
    PublishNew,
    /// To publish new versions of packages that exist.
    PublishUpdate,
    /// To publish one package that does not exist yet, once.
    FirstPublish,
    /// Something that a later version knows. For this one it is nothing.
    Unknown,
}

impl Word for May {
    const LATER: Self = Self::Unknown;

    fn parse(word: &str) -> Option<Self> {
        parse_word(word)
    }
}

impl May {
    /// Its word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::PublishNew => "publish-new",
            Self::PublishUpdate => "publish-update",
            Self::FirstPublish => "first-publish",
            Self::Unknown => "unknown",
        }
    }

    /// What it is, for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Publish => "New packages and versions",
            Self::PublishNew => "New packages only",
            Self::PublishUpdate => "New versions only",
            Self::FirstPublish => "One new package, once",
            Self::Unknown => "Something that a later version of the registry knows",
        }
    }
}

/// A token as its user wants it.
#[derive(Debug, Clone)]
pub struct WantedToken {
    /// What the user calls it.
    pub name: Name,
    /// The packages it is for.
    pub packages: Packages,
    /// What it may do.
    pub may: May,
    /// How long it lives.
    pub life: Duration,
}

impl WantedToken {
    /// Reads what was typed. Only the number of days may be missing.
    pub fn parse(name: &str, packages: &str, may: &str, days: &str) -> Result<Self, Error> {
        let name = Name::parse(name)?;
        let packages = Packages::parse(packages)?;
        let may = match may.trim() {
            "" => return Err(Error::MayRequired),
            word => <May as Word>::parse(word).ok_or(Error::MayInvalid)?,
        };
        if may == May::FirstPublish && !packages.are_one() {
            return Err(Error::NotOnePackage);
        }
        let days = match days.trim() {
            "" => DEFAULT_DAYS,
            days => days.parse().map_err(|_| Error::DaysInvalid)?,
        };
        if !TOKEN_DAYS.contains(&days) {
            return Err(Error::DaysInvalid);
        }
        Ok(Self {
            name,
            packages,
            may,
            life: DAY * days,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use super::*;

    fn refusal(name: &str, packages: &str, may: &str, days: &str) -> String {
        let wanted = WantedToken::parse(name, packages, may, days);
        wanted.unwrap_err().to_string()
    }

    #[test]
    fn a_token_lives_for_ninety_days_or_as_many_as_are_offered() {
        for (days, expected) in [("", 90), ("7", 7), (" 30 ", 30), ("365", 365)] {
            let wanted = WantedToken::parse("laptop", "*", "publish", days).unwrap();
            assert_eq!(wanted.life, DAY * expected);
        }
        for days in ["0", "8", "-7", "1e2", "never", "٧"] {
            let sentence = "Choose 7, 30, 90 or 365 days";
            assert_eq!(refusal("laptop", "*", "publish", days), sentence, "{days}");
        }
    }

    #[test]
    fn what_a_token_may_do_is_one_of_four_words() {
        for (word, may) in [
            ("publish", May::Publish),
            ("publish-new", May::PublishNew),
            ("publish-update", May::PublishUpdate),
            ("first-publish", May::FirstPublish),
        ] {
            let wanted = WantedToken::parse("laptop", "stdlib", word, "").unwrap();
            assert_eq!(wanted.may, may);
        }
        let sentence = "Choose what the token may do";
        assert_eq!(refusal("laptop", "*", " ", ""), sentence);
        for word in ["unknown", "Publish", "publish,publish-new", "all"] {
            let sentence = "A token may publish, publish-new, publish-update or first-publish";
            assert_eq!(refusal("laptop", "*", word, ""), sentence, "{word}");
        }
    }

    #[test]
    fn a_first_publication_is_of_one_package() {
        for packages in ["*", "stdlib*", "stdlib json"] {
            let sentence = "A token for a first publication is for one package, named in full";
            assert_eq!(refusal("x", packages, "first-publish", ""), sentence);
        }
    }
}
