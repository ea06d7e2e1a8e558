//! Names of packages, and which of them an upload token is for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::error::Error;

/// The most characters of the name of a package.
pub const MAX_NAME_CHARS: usize = 100;
/// The most names and beginnings of names that a token is for.
pub const MAX_PATTERNS: usize = 50;
/// The most characters of all of them together, with spaces between: a record must stay small.
pub const MAX_SCOPE_CHARS: usize = 1000;

/// The name of a package: lower-case ASCII letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageName(String);

impl PackageName {
    /// Reads a name as typed.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        match typed.trim() {
            "" => Err(Error::PackageRequired),
            name if is_name(name) && name.len() <= MAX_NAME_CHARS => Ok(Self(name.to_owned())),
            _ => Err(Error::PackageInvalid),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which packages a token is for: names, and beginnings of names with `*` after them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Packages(Vec<Pattern>);

/// A name, or the beginning of names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Name(String),
    Prefix(String),
}

impl Packages {
    /// Reads the patterns as typed, with spaces between.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let mut patterns: Vec<Pattern> = Vec::new();
        for text in typed.split_whitespace() {
            let pattern = text.parse()?;
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        let packages = Self(patterns);
        match packages.0.len() {
            0 => Err(Error::PackagesRequired),
            1..=MAX_PATTERNS if packages.to_string().len() <= MAX_SCOPE_CHARS => Ok(packages),
            _ => Err(Error::TooManyPackages(MAX_PATTERNS, MAX_SCOPE_CHARS)),
        }
    }

    /// Whether a package is one of them.
    pub fn contain(&self, package: &PackageName) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::Name(name) => *name == package.0,
            Pattern::Prefix(prefix) => package.0.starts_with(prefix),
        })
    }

    /// Whether they are one package, named in full.
    pub fn are_one(&self) -> bool {
        matches!(&self.0[..], [Pattern::Name(_)])
    }

    /// Each as text.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(Pattern::to_string).collect()
    }
}

impl From<Packages> for String {
    fn from(packages: Packages) -> Self {
        packages.texts().join(" ")
    }
}

impl TryFrom<String> for Packages {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl fmt::Display for Packages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join(" "))
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let pattern = match text.strip_suffix('*') {
            Some("") => Self::Prefix(String::new()),
            Some(prefix) if is_name(prefix) => Self::Prefix(prefix.to_owned()),
            None if is_name(text) => Self::Name(text.to_owned()),
            _ => return Err(Error::PackagesInvalid),
        };
        match text.len() <= MAX_NAME_CHARS {
            true => Ok(pattern),
            false => Err(Error::PackagesInvalid),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use proptest::prelude::*;

    use super::*;

    fn packages(typed: &str) -> Packages {
        Packages::parse(typed).unwrap()
    }

    fn name(typed: &str) -> PackageName {
        PackageName::parse(typed).unwrap()
    }

    #[test]
    fn a_token_is_for_names_and_beginnings_of_names() {
        let some = packages(" stdlib   json-* stdlib");
        assert_eq!(some.texts(), ["stdlib", "json-*"]);
        for (package, is_in) in [
            ("stdlib", true),
            ("stdlib2", false),
            ("json-fortran", true),
            ("json-", true),
            ("json", false),
            ("xjson-", false),
        ] {
            assert_eq!(some.contain(&name(package)), is_in, "{package}");
        }
        assert!(packages("*").contain(&name("anything")));
        assert!(packages("stdlib").are_one());
        for several in ["stdlib*", "*", "stdlib json"] {
            assert!(!packages(several).are_one());
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for typed in [
            "Stdlib",
            "std.lib",
            "..",
            "../x",
            "std/lib",
            "stdlib,json",
            "**",
            "*x",
            "a*b",
            "ſtdlib",
            "stdlib\u{200b}",
            "stdlib\0",
        ] {
            assert!(
                matches!(Packages::parse(typed), Err(Error::PackagesInvalid)),
                "{typed:?}"
            );
            assert!(PackageName::parse(typed).is_err(), "{typed:?}");
        }
        assert!(matches!(Packages::parse(" "), Err(Error::PackagesRequired)));
        assert!(matches!(
            PackageName::parse(" "),
            Err(Error::PackageRequired)
        ));
        let long = "a".repeat(MAX_NAME_CHARS + 1);
        assert!(matches!(
            Packages::parse(&long),
            Err(Error::PackagesInvalid)
        ));
        let long: Vec<_> = (0..11).map(|n| format!("{n}{}", "a".repeat(95))).collect();
        assert!(Packages::parse(&long[..10].join(" ")).is_ok());
        assert!(matches!(
            Packages::parse(&long.join(" ")),
            Err(Error::TooManyPackages(..))
        ));
        let many: Vec<_> = (0..=MAX_PATTERNS).map(|n| format!("p{n}")).collect();
        assert!(matches!(
            Packages::parse(&many.join(" ")),
            Err(Error::TooManyPackages(MAX_PATTERNS, MAX_SCOPE_CHARS))
        ));
    }

    proptest! {
        /// No case, no Unicode, no dots and no empty name make a token good for more than what it says.
        #[test]
        fn a_scope_cannot_be_widened(typed in "\\PC{0,20}", package in "\\PC{0,20}") {
            if let (Ok(scope), Ok(package)) = (Packages::parse(&typed), PackageName::parse(&package)) {
                let is_said = typed.split_whitespace().any(|text| match text.strip_suffix('*') {
                    Some(prefix) => package.as_str().starts_with(prefix),
                    None => text == package.as_str(),
                });
                prop_assert_eq!(scope.contain(&package), is_said);
            }
        }

        #[test]
        fn what_is_stored_is_read_back(typed in "([a-z0-9_-]{1,8}\\*? ){1,5}") {
            let scope = packages(&typed);
            prop_assert_eq!(Packages::try_from(String::from(scope.clone())).unwrap(), scope);
        }

        #[test]
        fn of_similar_texts_only_the_same_is_the_package(name in "[a-z][a-z0-9_-]{0,8}", other in "[a-zA-Zſ.*/_-]{0,9}") {
            let scope = packages(&name);
            if let Ok(package) = PackageName::parse(&other) {
                prop_assert_eq!(scope.contain(&package), other == name);
            }
        }
    }
}
