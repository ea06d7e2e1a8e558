//! Where a login leads.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The longest `next`, in bytes.
const MAX_BYTES: usize = 512;

/// `next` where it is a path of this site, and `/` where it is anything else.
///
/// One leading `/`; no `//`, `\`, `..`, `%` in the path, and nothing but visible ASCII (OWASP Unvalidated
/// Redirects; the value becomes a `Location` header).
pub fn safe(next: &str) -> &str {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let is_ours = next.len() <= MAX_BYTES
        && next.starts_with('/')
        && next.bytes().all(|b| b.is_ascii_graphic())
        && !next.contains('\\')
        && !["//", "..", "%"].iter().any(|bad| path.contains(bad));
    if is_ours { next } else { "/" }
}

/// What may stand in a query value as it is.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// A link to `path` that keeps where the visitor wanted to go.
pub fn link(path: &str, next: &str) -> String {
    match next {
        "" | "/" => path.to_owned(),
        next => format!("{path}?next={}", utf8_percent_encode(next, QUERY_VALUE)),
    }
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn a_path_of_this_site_is_kept() {
        for next in [
            "/",
            "/packages/stdlib",
            "/search?q=a%20b//c",
            "/a#b",
            "/auth/login?next=/x",
        ] {
            assert_eq!(safe(next), next);
        }
        let longest = format!("/{}", "a".repeat(511));
        assert_eq!(safe(&longest), longest);
    }

    #[test]
    fn anything_else_leads_home() {
        let too_long = format!("/{}", "a".repeat(512));
        for next in [
            "",
            "packages",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "%2f%2fevil.example",
            "/%09/evil.example",
            "/%2fevil.example",
            "/\t/evil.example",
            "/..//evil.example",
            "/a/../b",
            "/..",
            "@evil.example",
            "/a\r\nSet-Cookie: x=y",
            "/a b",
            "/é",
            "/a\0",
            "///evil.example",
            "/a//b",
            "/\u{2028}",
            &too_long,
        ] {
            assert_eq!(safe(next), "/", "{next:?}");
        }
    }
}
