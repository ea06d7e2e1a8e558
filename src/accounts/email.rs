//! E-mail addresses.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::Error;

/// An e-mail address in lower case, safe to put into a mail header.
///
/// Accepts what the HTML standard's `input type=email` accepts with a dot in the domain, within the
/// lengths of RFC 5321 (64 before the `@`, 254 in all); international domains come in their ASCII form.
/// `Debug` hides it, since addresses do not belong in logs.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// The longest address, in bytes (RFC 5321, 4.5.3.1).
    pub const MAX_BYTES: usize = 254;
    const MAX_LOCAL_BYTES: usize = 64;
    const MAX_LABEL_BYTES: usize = 63;

    /// Reads an address as typed; surrounding white space is dropped.
    pub fn parse(typed: &str) -> Result<Self, Error> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(Error::EmailRequired);
        }
        let (local, domain) = typed.rsplit_once('@').ok_or(Error::EmailInvalid)?;
        if typed.len() <= Self::MAX_BYTES && is_local_part(local) && is_domain(domain) {
            Ok(Self(typed.to_ascii_lowercase()))
        } else {
            Err(Error::EmailInvalid)
        }
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

fn is_local_part(local: &str) -> bool {
    local.len() <= Email::MAX_LOCAL_BYTES
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_{|}~-".contains(&b))
        })
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.')
        && domain.split('.').all(|label| {
            (1..=Email::MAX_LABEL_BYTES).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_address_is_kept_in_lower_case() {
        for (typed, kept) in [
            (" Ada@Example.ORG ", "ada@example.org"),
            (
                "ada+fpm.tag@mail.example.co.uk",
                "ada+fpm.tag@mail.example.co.uk",
            ),
            (
                "o'neil@xn--bcher-kva.example",
                "o'neil@xn--bcher-kva.example",
            ),
        ] {
            assert_eq!(Email::parse(typed).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn a_bad_address_is_refused() {
        assert!(matches!(Email::parse("  "), Err(Error::EmailRequired)));
        let long_local = format!("{}@example.org", "a".repeat(65));
        let long = format!("a@{}.org", ["b".repeat(60).as_str(); 5].join("."));
        for typed in [
            "john",
            "@example.org",
            "ada@",
            "ada@localhost",
            "ada@@example.org",
            "a b@example.org",
            "ada@example..org",
            ".ada@example.org",
            "ada.@example.org",
            "a..b@example.org",
            "ada@-example.org",
            "ada@example-.org",
            "\"x\"@example.org",
            "x\"\n@b.org",
            "`id`@example.org",
            "a@b.c\r\nBcc: x@y.org",
            "ada@exam\0ple.org",
            "ada@bücher.example",
            "ада@example.org",
            "<ada@example.org>",
            "ada@[127.0.0.1]",
            &long_local,
            &long,
        ] {
            assert!(
                matches!(Email::parse(typed), Err(Error::EmailInvalid)),
                "{typed:?}"
            );
        }
    }

    #[test]
    fn an_address_never_shows_in_debug() {
        assert_eq!(
            format!("{:?}", Email::parse("ada@example.org").unwrap()),
            "Email(…)"
        );
    }
}
