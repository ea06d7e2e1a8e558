//! Limits on request headers, the same-origin rule, and the default headers of responses.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{settings::PublicUrl, state};

/// The most bytes of cookies in a request.
const MAX_COOKIE_BYTES: usize = 8 * 1024;
/// The most bytes of an `Origin` that are logged.
const MAX_LOGGED_BYTES: usize = 100;
/// The most bytes of names and values of all headers.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// The headers of every response that does not set its own (ASVS 3.4; OWASP HTTP Headers).
///
/// `Referrer-Policy` is `same-origin`: with `no-referrer`, browsers send `Origin: null` with our own forms.
const DEFAULTS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    // The same as `frame-ancestors`, for older browsers.
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];
/// Two years, the least that browsers' preload lists take (ASVS 3.4.1).
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");
/// The default `Retry-After` of a 503, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Adds the default headers to a response.
pub async fn add(State(state): State<Arc<state::State>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_unavailable = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    for (name, value) in DEFAULTS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    if state.public_url.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    if is_unavailable {
        headers.entry(header::RETRY_AFTER).or_insert(RETRY_AFTER);
    }
    response
}

/// Refuses requests with too many bytes of headers or cookies, before any route reads them.
pub async fn refuse_large_headers(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies: usize = cookies.map(HeaderValue::len).sum();
    let all = headers.iter();
    let all: usize = all
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if cookies > MAX_COOKIE_BYTES || all > MAX_HEADER_BYTES {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into_response()
    } else {
        next.run(request).await
    }
}

/// Refuses requests that change something and come from a page of another site (OWASP CSRF, Fetch Metadata), login and
/// logout included.
pub async fn refuse_cross_site(
    State(state): State<Arc<state::State>>,
    request: Request,
    next: Next,
) -> Response {
    let is_safe_method = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if is_safe_method || is_same_origin(request.headers(), &state.public_url) {
        next.run(request).await
    } else {
        log_origin(request.headers(), &state.public_url);
        StatusCode::FORBIDDEN.into_response()
    }
}

/// Logs a request that was refused for its `Origin` alone. If `PUBLIC_URL` is not the URL that browsers use, every form
/// is refused like this, and the operator needs to know.
fn log_origin(headers: &HeaderMap, public_url: &PublicUrl) {
    if let (None, Some(origin)) = (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
        let origin = origin.as_bytes();
        let origin = origin
            .get(..MAX_LOGGED_BYTES)
            .unwrap_or(origin)
            .escape_ascii();
        let public_url = public_url.origin();
        tracing::warn!(%origin, public_url, "cross-site request refused, its Origin is not that of PUBLIC_URL");
    }
}

/// Whether a request comes from our own pages, or not from a browser. `Sec-Fetch-Site` decides if it is there, else
/// `Origin`; every browser sends one of them.
fn is_same_origin(headers: &HeaderMap, public_url: &PublicUrl) -> bool {
    match (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => origin.as_bytes() == public_url.origin().as_bytes(),
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_and_programs_may_send() {
        let public_url = PublicUrl::parse("https://registry.example.org").unwrap();
        for (site, origin, is_ours) in [
            ("same-origin", "", true),
            ("none", "", true),
            ("same-origin", "null", true),
            ("same-site", "https://registry.example.org", false),
            ("cross-site", "https://registry.example.org", false),
            ("cross-site", "", false),
            ("", "https://registry.example.org", true),
            ("", "http://registry.example.org", false),
            ("", "https://registry.example.org:8443", false),
            ("", "https://evil.example", false),
            ("", "null", false),
            ("", "", true),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if !value.is_empty() {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(
                is_same_origin(&headers, &public_url),
                is_ours,
                "{site} {origin}"
            );
        }
    }
}
