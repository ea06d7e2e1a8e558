//! Content negotiation: a page or JSON (RFC 9110, 12).

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};

use crate::forms::client::Client;

impl Client {
    /// [`Self::Page`] if `Accept` contains `text/html`, else [`Self::Program`].
    pub fn of(headers: &HeaderMap) -> Self {
        let names_html = headers
            .get_all(header::ACCEPT)
            .iter()
            .any(|line| names(&String::from_utf8_lossy(line.as_bytes()), "text/html"));
        if names_html {
            Self::Page
        } else {
            Self::Program
        }
    }
}

/// Whether a list such as that of `Accept` contains `what` with a weight other than 0 (RFC 9110, 12.4.2).
pub fn names(list: &str, what: &str) -> bool {
    list.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(what));
        let is_unwanted = parts.any(|parameter| {
            parameter
                .split_once('=')
                .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                .is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0))
        });
        is_named && !is_unwanted
    })
}

/// Adds a header name to `Vary`, once.
pub fn vary(response: &mut Response, name: &'static str) {
    let headers = response.headers_mut();
    if !headers
        .get_all(header::VARY)
        .iter()
        .any(|word| word == name)
    {
        headers.append(header::VARY, HeaderValue::from_static(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(accept: &'static str) -> Client {
        Client::of(&HeaderMap::from_iter([(
            header::ACCEPT,
            HeaderValue::from_static(accept),
        )]))
    }

    #[test]
    fn only_who_names_html_gets_pages() {
        for accept in [
            "text/html",
            "TEXT/HTML;level=1",
            "application/json, text/html;q=0.1",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ] {
            assert_eq!(client(accept), Client::Page, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "text/*",
            "application/json",
            "text/html;q=0",
            "text/html; Q=0.000",
            "application/xhtml+xml",
            "text/htmlx",
        ] {
            assert_eq!(client(accept), Client::Program, "{accept}");
        }
        assert_eq!(Client::of(&HeaderMap::new()), Client::Program);
    }
}
