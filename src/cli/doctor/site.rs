//! Looks at the site behind `PUBLIC_URL`, as this machine reaches it.

use axum::http::{HeaderMap, StatusCode, header::STRICT_TRANSPORT_SECURITY};
use url::{Host, Url};

use super::{
    certificate,
    client::{self, Failure},
    finding::Finding,
};
use crate::{
    accounts::clock::Clock,
    server::settings::{PublicUrl, Settings},
};

const PUBLIC_URL: &str = "PUBLIC_URL";
const HSTS: &str = "HSTS";
/// The least that a browser should be told to keep to https (ASVS 3.4.1), in seconds.
const LEAST_MAX_AGE: u64 = 365 * 24 * 60 * 60;

/// Looks at the site, its certificate, and whether browsers are told to keep to https.
pub async fn look(settings: &Settings) -> Vec<Finding> {
    let url = &settings.public_url;
    match client::get(url.as_url(), HeaderMap::new()).await {
        Err(failure) => vec![unreached(url, &failure)],
        Ok(reply) => {
            let mut findings = vec![answers(settings, reply.head.status)];
            if url.is_https() {
                let now = Clock::default().now();
                findings.push(certificate::valid(reply.certificate_ends, now));
            }
            // What answers in the place of the server sends no such header.
            if url.is_https() && reply.head.status == StatusCode::OK {
                findings.push(hsts(&reply.head.headers));
            }
            findings
        }
    }
}

fn answers(settings: &Settings, status: StatusCode) -> Finding {
    let url = &settings.public_url;
    let found = format!("{} answers {}", url.origin(), status.as_u16());
    if status != StatusCode::OK {
        let address = settings.leptos.site_addr;
        let change = format!("start the server, or have the proxy pass requests on to {address}");
        Finding::wrong(PUBLIC_URL, found, change)
    } else if url.is_https() || is_this_machine(url.as_url()) {
        Finding::ok(PUBLIC_URL, found)
    } else {
        Finding::warning(
            PUBLIC_URL,
            format!("{found}, but passwords can be read on the way to it"),
            "put a proxy that ends TLS in front, and set PUBLIC_URL to https",
        )
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn unreached(url: &PublicUrl, failure: &Failure) -> Finding {
    let origin = url.origin();
    match failure {
        Failure::Network(error) => Finding::wrong(
            PUBLIC_URL,
            format!("{origin} is out of reach: {error}"),
            "start the server and its proxy, correct PUBLIC_URL or its name in the DNS, or open the firewall between",
        ),
        Failure::Tls(error) => Finding::wrong(
            PUBLIC_URL,
            format!("{origin} speaks no TLS: {error}"),
            "have the proxy speak TLS 1.2 or 1.3 there",
        ),
        Failure::Http(error) => Finding::wrong(
            PUBLIC_URL,
            format!("{origin} speaks no HTTP: {error}"),
            "correct PUBLIC_URL, or have the proxy answer there",
        ),
        Failure::Certificate(why) => certificate::refused(why),
    }
}

fn hsts(headers: &HeaderMap) -> Finding {
    let change = "have the proxy pass Strict-Transport-Security on as this server sends it";
    match max_age(headers) {
        Some(LEAST_MAX_AGE..) => Finding::ok(HSTS, "browsers are told to keep to https"),
        Some(seconds) => {
            let found = format!("browsers are told to keep to https for {seconds} s only");
            Finding::wrong(HSTS, found, change)
        }
        None => Finding::wrong(HSTS, "browsers are not told to keep to https", change),
    }
}

/// For how many seconds a browser is to keep to https (RFC 6797, 6.1.1).
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let policy = headers.get(STRICT_TRANSPORT_SECURITY)?.to_str().ok()?;
    policy.split(';').find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case("max-age");
        is_it.then(|| value.trim().trim_matches('"').parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_to_keep_to_https_for_a_year() {
        for (policy, seconds) in [
            ("max-age=63072000; includeSubDomains", Some(63_072_000)),
            ("includeSubDomains;Max-Age=\"600\"", Some(600)),
            ("max-age=forever", None),
            ("includeSubDomains", None),
        ] {
            let policy = policy.parse().unwrap();
            let headers = HeaderMap::from_iter([(STRICT_TRANSPORT_SECURITY, policy)]);
            assert_eq!(max_age(&headers), seconds, "{headers:?}");
        }
    }
}
