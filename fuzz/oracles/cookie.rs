//! A cookie is found if it comes once, under exactly its name; a token is in its one written form.

use axum::http::{HeaderMap, HeaderValue, header};
use fpm_registry::{
    accounts::token::Token,
    forms::cookie::{Cookies, Kind},
};

const KINDS: [Kind; 10] = [
    Kind::Session,
    Kind::Reset,
    Kind::Confirm,
    Kind::NotMe,
    Kind::Pending,
    Kind::Challenge,
    Kind::Device,
    Kind::Shown,
    Kind::RecoveryCodes,
    Kind::Form,
];

/// What a kind is called over http. A kind that is new stops the compiler here: it belongs in `KINDS` too.
fn plain_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Session => "uuid",
        Kind::Reset => "reset",
        Kind::Confirm => "confirm",
        Kind::NotMe => "not-me",
        Kind::Pending => "pending",
        Kind::Challenge => "passkey",
        Kind::Device => "device",
        Kind::Shown => "shown",
        Kind::RecoveryCodes => "recovery-codes",
        Kind::Form => "form",
    }
}

/// Each line of the input is a header.
pub fn check(input: &[u8]) {
    let lines: Result<Vec<_>, _> = input
        .split(|byte| *byte == b'\n')
        .map(HeaderValue::from_bytes)
        .collect();
    let Ok(lines) = lines else {
        return;
    };
    let lines = lines.into_iter().map(|line| (header::COOKIE, line));
    let headers: HeaderMap = lines.collect();
    for kind in KINDS {
        check_kind(kind, false, input, &headers);
        check_kind(kind, true, input, &headers);
    }
}

fn check_kind(kind: Kind, secure: bool, input: &[u8], headers: &HeaderMap) {
    let cookies = Cookies { secure };
    let prefix = if secure { "__Host-" } else { "" };
    let found = cookies.find(kind, headers);
    assert_eq!(found, only(input, &format!("{prefix}{}", plain_name(kind))));

    let token = cookies.token(kind, headers);
    let text = token.as_ref().map(Token::reveal);
    assert_eq!(text, found.filter(|found| is_canonical(found)));
    if let Some(token) = token {
        check_link(cookies, kind, headers, &token);
        check_is_kept(cookies, kind, &token);
    }
}

/// The value of the only cookie of this name, if it is text. A character here is a byte there.
fn only(input: &[u8], name: &str) -> Option<String> {
    let text: String = input.iter().copied().map(char::from).collect();
    let strip = |text: &str| text.trim_matches([' ', '\t']).to_owned();
    let mut values: Vec<String> = text
        .split(['\n', ';'])
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, _)| strip(key) == name)
        .map(|(_, value)| strip(value))
        .collect();
    let value = values.pop().filter(|_| values.is_empty())?;
    String::from_utf8(value.chars().map(|char| char as u8).collect()).ok()
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

/// Asserts that the link of the cookie counts for a form of that link and for a program, and a body that names a
/// link goes before it.
fn check_link(cookies: Cookies, kind: Kind, headers: &HeaderMap, token: &Token) {
    let link_token = |uuid, link| cookies.link_token(kind, headers, uuid, link);
    let digest = token.digest().to_string();
    assert_eq!(link_token(None, None).as_ref(), Some(token));
    assert_eq!(link_token(None, Some(&digest[..16])).as_ref(), Some(token));
    for other in ["", &digest[..15], &digest] {
        assert_eq!(link_token(None, Some(other)), None);
    }
    assert_eq!(link_token(Some(""), None), None);
    let named = "936da01f-9abd-4d9d-80c7-02af85c822a8";
    let named_token = link_token(Some(named), Some(&digest[..16]));
    assert_eq!(
        named_token.map(|token| token.reveal()).as_deref(),
        Some(named)
    );
}

/// Asserts that a browser which is given the token sends it back.
fn check_is_kept(cookies: Cookies, kind: Kind, token: &Token) {
    let header = cookies.set(kind, token);
    let pair = header.to_str().unwrap().split(';').next().unwrap();
    let pair = HeaderValue::from_str(pair).unwrap();
    let headers = HeaderMap::from_iter([(header::COOKIE, pair)]);
    assert_eq!(cookies.token(kind, &headers).as_ref(), Some(token));
}
