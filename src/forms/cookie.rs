//! The cookies: the session, the reset uuid between the mailed link and the form, the device, and the form token.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};

use crate::accounts::{
    lifetimes::{
        CHALLENGE_LIFE, CONFIRMATION_LIFE, DEVICE_LIFE, PENDING_LOGIN_LIFE, RESET_LIFE,
        SESSION_LIFE, SHOWN_LIFE,
    },
    token::Token,
};

/// How cookies are named and marked, which depends on whether the public URL is https.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    /// Whether cookies travel over https only, with the `__Host-` prefix (RFC 6265bis, 4.1.3.2).
    pub secure: bool,
}

/// The kinds of cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The token of the session.
    Session,
    /// The uuid of a reset link.
    Reset,
    /// Carries the uuid of a confirmation link.
    Confirm,
    /// Carries the uuid of the link of a security mail.
    NotMe,
    /// The token of a device that its owner has logged in with.
    Device,
    /// The text of an upload token that was made just now, for the next page to show once.
    Shown,
    /// Recovery codes that were made just now, for the next page to show once.
    RecoveryCodes,
    /// The token of a login that waits for a second factor.
    Pending,
    /// The token of a challenge that a passkey is to answer.
    Challenge,
    /// The form token. Its digest is in the forms of our pages, where other sites cannot read it.
    Form,
}

impl Cookies {
    /// The value of a cookie in a request. None if it comes twice, since one of the two was set by another site.
    ///
    /// Names are compared byte for byte; only spaces and tabs around them are dropped. Browsers protect exactly the
    /// prefix `__Host-`: a sibling domain could set a name with other white space before it (RFC 6265bis, 5.7).
    pub fn find(self, kind: Kind, headers: &HeaderMap) -> Option<String> {
        let name = self.name(kind).as_bytes();
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
        let mut values = pairs.filter_map(|pair| value_of(pair, name));
        match (values.next(), values.next()) {
            (Some(value), None) => Some(str::from_utf8(value).ok()?.to_owned()),
            _ => None,
        }
    }

    /// The uuid in a cookie of a request.
    pub fn token(self, kind: Kind, headers: &HeaderMap) -> Option<Token> {
        Token::parse(&self.find(kind, headers)?)
    }

    /// The uuid of the mailed link that a request is about: that of its body, else that of the cookie. A form that
    /// was drawn for another `link` than the cookie's gets none, or it would be about the wrong account; a program does
    /// not say which link it means.
    pub fn link_token(
        self,
        kind: Kind,
        headers: &HeaderMap,
        uuid: Option<&str>,
        link: Option<&str>,
    ) -> Option<Token> {
        if let Some(uuid) = uuid {
            return Token::parse(uuid);
        }
        let token = self.token(kind, headers)?;
        let is_meant = link.is_none_or(|link| link == token.digest_prefix());
        is_meant.then_some(token)
    }

    /// The `Set-Cookie` header for this cookie.
    pub fn set(self, kind: Kind, token: &Token) -> HeaderValue {
        let life = match kind {
            Kind::Session | Kind::Form => SESSION_LIFE,
            Kind::Reset | Kind::NotMe => RESET_LIFE,
            Kind::Confirm => CONFIRMATION_LIFE,
            Kind::Device => DEVICE_LIFE,
            Kind::Shown | Kind::RecoveryCodes => SHOWN_LIFE,
            Kind::Challenge => CHALLENGE_LIFE,
            Kind::Pending => PENDING_LOGIN_LIFE,
        };
        self.header(kind, token.reveal(), life)
    }

    /// The `Set-Cookie` header with a text of visible ASCII for the next page to show.
    pub fn show_once(self, kind: Kind, text: String) -> HeaderValue {
        self.header(kind, text, SHOWN_LIFE)
    }

    /// The `Set-Cookie` header that removes this cookie.
    pub fn remove(self, kind: Kind) -> HeaderValue {
        self.header(kind, String::new(), Duration::ZERO)
    }

    /// The name of this cookie.
    pub fn name(self, kind: Kind) -> &'static str {
        match (kind, self.secure) {
            (Kind::Session, false) => "uuid",
            (Kind::Session, true) => "__Host-uuid",
            (Kind::Reset, false) => "reset",
            (Kind::Reset, true) => "__Host-reset",
            (Kind::Confirm, false) => "confirm",
            (Kind::Confirm, true) => "__Host-confirm",
            (Kind::NotMe, false) => "not-me",
            (Kind::NotMe, true) => "__Host-not-me",
            (Kind::Device, false) => "device",
            (Kind::Device, true) => "__Host-device",
            (Kind::Shown, false) => "shown",
            (Kind::Shown, true) => "__Host-shown",
            (Kind::RecoveryCodes, false) => "recovery-codes",
            (Kind::RecoveryCodes, true) => "__Host-recovery-codes",
            (Kind::Pending, false) => "pending",
            (Kind::Pending, true) => "__Host-pending",
            (Kind::Challenge, false) => "passkey",
            (Kind::Challenge, true) => "__Host-passkey",
            (Kind::Form, false) => "form",
            (Kind::Form, true) => "__Host-form",
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "uuids, tokens, codes and fixed words are always a header"
    )]
    fn header(self, kind: Kind, value: String, life: Duration) -> HeaderValue {
        let mut cookie = Cookie::build((self.name(kind), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(life.try_into().unwrap_or(cookie::time::Duration::MAX))
            .build();
        if self.secure {
            cookie.set_secure(true);
        }
        HeaderValue::try_from(cookie.to_string()).expect("a cookie of visible ASCII")
    }
}

/// The value of a `name=value` pair of this name.
fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut parts = pair.splitn(2, |byte| *byte == b'=').map(trim);
    let is_named = parts.next() == Some(name);
    parts.next().filter(|_| is_named)
}

/// The bytes without spaces and tabs around them.
fn trim(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().take_while(|byte| is_space(byte)).count();
    let rest = &bytes[start..];
    let end = rest.iter().rev().take_while(|byte| is_space(byte)).count();
    &rest[..rest.len() - end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookies).unwrap())])
    }

    #[test]
    fn the_attributes_are_the_contracts() {
        let token = Token::parse("936da01f-9abd-4d9d-80c7-02af85c822a8").unwrap();
        let plain = Cookies { secure: false };
        let secure = Cookies { secure: true };
        assert_eq!(
            plain.set(Kind::Session, &token),
            "uuid=936da01f-9abd-4d9d-80c7-02af85c822a8; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000"
        );
        assert_eq!(
            secure.set(Kind::Reset, &token),
            "__Host-reset=936da01f-9abd-4d9d-80c7-02af85c822a8; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=1800"
        );
        assert_eq!(
            plain.remove(Kind::Reset),
            "reset=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
        );
    }

    const UUID: &str = "936da01f-9abd-4d9d-80c7-02af85c822a8";

    #[test]
    fn a_cookie_is_found_among_others() {
        let cookies = Cookies { secure: false };
        let headers = request(&format!("a=b; uuid={UUID};\t reset = john\t; uuid2=x;uuid"));
        assert_eq!(cookies.find(Kind::Session, &headers).as_deref(), Some(UUID));
        assert_eq!(cookies.find(Kind::Reset, &headers).as_deref(), Some("john"));
        assert_eq!(cookies.token(Kind::Reset, &headers), None);
    }

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        let cookies = Cookies { secure: false };
        for twice in ["uuid=x; ", "uuid=; ", &format!("uuid={UUID}; ")] {
            let headers = request(&format!("{twice}uuid={UUID}; reset=john"));
            assert_eq!(cookies.find(Kind::Session, &headers), None, "{twice}");
            assert!(cookies.find(Kind::Reset, &headers).is_some());
        }
        let mut headers = request(&format!("uuid={UUID}"));
        headers.append(header::COOKIE, HeaderValue::from_static("uuid=x"));
        assert_eq!(cookies.find(Kind::Session, &headers), None);
    }

    #[test]
    fn a_name_counts_byte_for_byte() {
        let cookies = Cookies { secure: true };
        let find = |name: &str| {
            let line = HeaderValue::from_bytes(format!("{name}={UUID}").as_bytes());
            let headers = HeaderMap::from_iter([(header::COOKIE, line.unwrap())]);
            cookies.find(Kind::Session, &headers)
        };
        assert!(find("__Host-uuid").is_some());
        for space in ['\u{2000}', '\u{a0}', '\u{3000}', '\u{85}', '\u{feff}'] {
            assert_eq!(find(&format!("{space}__Host-uuid")), None, "{space:?}");
            assert_eq!(find(&format!("__Host-uuid{space}")), None, "{space:?}");
        }
        for other in [
            "__host-uuid",
            "__Host-UUID",
            "\"__Host-uuid\"",
            "$__Host-uuid",
        ] {
            assert_eq!(find(other), None, "{other}");
        }
    }

    #[test]
    fn another_cookie_that_is_no_text_does_no_harm() {
        let line = HeaderValue::from_bytes(b"z=\xff; uuid=936da01f-9abd-4d9d-80c7-02af85c822a8");
        let headers = HeaderMap::from_iter([(header::COOKIE, line.unwrap())]);
        let cookies = Cookies { secure: false };
        assert!(cookies.token(Kind::Session, &headers).is_some());
    }

    #[test]
    fn under_https_only_the_prefixed_cookie_counts() {
        let cookies = Cookies { secure: true };
        let headers = request("uuid=936da01f-9abd-4d9d-80c7-02af85c822a8");
        assert_eq!(cookies.token(Kind::Session, &headers), None);
    }
}
