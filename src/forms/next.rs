//! Where a login leads: the `next` of the query or form.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// The longest `next`, in bytes.
const MAX_BYTES: usize = 512;

/// `next` if it is a path of this site, else `/`.
///
/// One leading `/`; no `//`, `\`, `..` or `%` in the path, and no control character at all (OWASP Unvalidated
/// Redirects).
pub fn safe(next: &str) -> &str {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let is_ours = next.len() <= MAX_BYTES
        && next.starts_with('/')
        && !next.contains(char::is_control)
        && !["//", "\\", "..", "%"].iter().any(|bad| path.contains(bad));
    if is_ours { next } else { "/" }
}

/// A safe `next` as a `Location` header, which may contain only visible ASCII.
pub fn location(next: &str) -> String {
    utf8_percent_encode(safe(next), NOT_IN_HEADERS).to_string()
}

/// The ASCII characters to escape in a header; others are always escaped.
const NOT_IN_HEADERS: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');
/// The characters to escape in a query value.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// A link to `path` that passes `next` on.
pub fn link(path: &str, next: &str) -> String {
    match next {
        "" | "/" => path.to_owned(),
        next => format!("{path}?next={}", utf8_percent_encode(next, QUERY_VALUE)),
    }
}

#[cfg(test)]
mod tests {
    use super::{location, safe};

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
    fn a_location_is_visible_ascii() {
        assert_eq!(
            location("/a b/é?q=\u{2028}&r=%20"),
            "/a%20b/%C3%A9?q=%E2%80%A8&r=%20"
        );
        assert_eq!(location("//evil.example"), "/");
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
            "/a\0",
            "///evil.example",
            "/a//b",
            &too_long,
        ] {
            assert_eq!(safe(next), "/", "{next:?}");
        }
    }
}
