//! The cookie that is found is the first of its name, and a token is in its one written form.
#![no_main]

use axum::http::{HeaderMap, HeaderValue, header};
use fpm_registry::auth::cookie::{Cookies, Kind};
use libfuzzer_sys::fuzz_target;

const NAMES: [(Kind, bool, &str); 6] = [
    (Kind::Session, false, "uuid"),
    (Kind::Session, true, "__Host-uuid"),
    (Kind::Reset, false, "reset"),
    (Kind::Reset, true, "__Host-reset"),
    (Kind::Device, false, "device"),
    (Kind::Device, true, "__Host-device"),
];

// Each line is a header.
fuzz_target!(|input: &[u8]| {
    let lines: Result<Vec<_>, _> = input
        .split(|byte| *byte == b'\n')
        .map(HeaderValue::from_bytes)
        .collect();
    let Ok(lines) = lines else {
        return;
    };
    let headers: HeaderMap = lines
        .into_iter()
        .map(|line| (header::COOKIE, line))
        .collect();
    let text = String::from_utf8_lossy(input);
    for (kind, secure, name) in NAMES {
        let cookies = Cookies { secure };
        let found = cookies.find(kind, &headers);
        assert_eq!(found.as_deref(), first(&text, name));
        if let Some(token) = cookies.token(kind, &headers) {
            assert!(is_canonical(&token.reveal()));
            assert_eq!(found, Some(token.reveal()));
        }
    }
});

/// The first cookie of this name.
fn first<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(['\n', ';'])
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

/// Whether this is a version-4 UUID in lower case with its four dashes.
fn is_canonical(text: &str) -> bool {
    let is_right = |(index, byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        14 => byte == b'4',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}
