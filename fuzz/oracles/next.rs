//! A login leads to `next` if that is a plain path of this site, and else to `/`.

use fpm_registry::forms::next::{link, location, safe};
use percent_encoding::percent_decode_str;
use url::Url;

const SITE: &str = "https://registry.example.org";

/// Checks what a request gives as `next`.
pub fn check(next: &str) {
    assert_eq!(safe(next), if is_plain_path(next) { next } else { "/" });
    assert_leads_home(&location(next));
    assert_links_back(next);
}

/// Whether this is a path as it may stand in an address: not long, nothing in it that is hidden or leads elsewhere.
fn is_plain_path(next: &str) -> bool {
    let is_hidden = |char| matches!(char, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}');
    let path = path_of(next);
    let pairs: Vec<&[u8]> = path.as_bytes().windows(2).collect();
    next.len() <= 512
        && !next.contains(is_hidden)
        && path.bytes().next() == Some(b'/')
        && !path.bytes().any(|byte| byte == b'%' || byte == b'\\')
        && !pairs.contains(&b"//".as_slice())
        && !pairs.contains(&b"..".as_slice())
}

/// Asserts that a browser stays on the site, and that a server which decodes the path finds it plain.
fn assert_leads_home(location: &str) {
    assert!(location.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_is_plain(path_of(location));
    let site = Url::parse(SITE).unwrap();
    let url = site.join(location).unwrap();
    assert_eq!(url.origin(), site.origin());
    assert!(url.username().is_empty() && url.password().is_none());
    assert_is_plain(url.path());
}

fn path_of(address: &str) -> &str {
    let end = address
        .bytes()
        .position(|byte| byte == b'?' || byte == b'#');
    &address[..end.unwrap_or(address.len())]
}

/// Asserts that a path begins with one `/` and goes nowhere else, before and after it is decoded.
fn assert_is_plain(path: &str) {
    let decoded = percent_decode_str(path).decode_utf8().unwrap();
    for path in [path, &decoded] {
        assert!(path.starts_with('/') && !path.contains("//") && !path.contains('\\'));
        assert!(path.split('/').all(|segment| segment != ".."));
    }
}

/// Asserts that a link carries `next` as it is, and leads to its own path.
fn assert_links_back(next: &str) {
    let link = link("/auth/signup", next);
    assert!(link.bytes().all(|byte| byte.is_ascii_graphic()));
    let url = Url::parse(SITE).unwrap().join(&link).unwrap();
    assert_eq!(url.path(), "/auth/signup");
    let carried: Vec<_> = url.query_pairs().collect();
    match next {
        "" | "/" => assert!(carried.is_empty()),
        next => assert_eq!(carried, [("next".into(), next.into())]),
    }
}
