//! Wherever a login leads, it is a page of this site.
#![no_main]

use fpm_registry::auth::next::{link, location, safe};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;
use url::Url;

const SITE: &str = "https://registry.example.org";

fuzz_target!(|next: &str| {
    let kept = safe(next);
    assert!(kept == next || kept == "/");
    assert_eq!(safe(kept), kept);
    assert_leads_home(&location(next));
    assert_links_back(next);
});

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

fn path_of(location: &str) -> &str {
    location.split(['?', '#']).next().unwrap_or_default()
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
