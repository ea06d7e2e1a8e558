//! The site at `PUBLIC_URL`: reached, its certificate, and whether browsers are told to keep to https.

use crate::{
    Examined, examine, front::Front, smtp::CERTIFICATE_FILE as CERTIFICATE, socket::Setup,
};

/// A certificate for `localhost`, signed by itself and valid until 2021.
const EXPIRED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctor/expired.pem");
const ANSWER: &str = "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=63072000; includeSubDomains\r\nContent-Length: 0\r\n\r\n";
const REACH: &str = "start the server and its proxy, correct PUBLIC_URL or its name in the DNS, or open the firewall between";
const PASS_ON: &str = "have the proxy pass Strict-Transport-Security on as this server sends it";

/// What the doctor finds at this URL if this certificate is trusted.
fn at(url: &str, trusted: &str) -> Examined {
    let setup = Setup::new().with("PUBLIC_URL", url);
    examine(&setup.with("SSL_CERT_FILE", trusted), &[])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_with_a_certificate_and_hsts_is_well() {
    let front = Front::start(Some(CERTIFICATE), ANSWER).await;
    let url = format!("https://localhost:{}", front.port);
    let examined = at(&url, CERTIFICATE);
    examined.assert_line(&format!("ok       PUBLIC_URL   {url} answers 200"));
    examined.assert_line("ok       HSTS         browsers are told to keep to https");
    // The certificate is valid until 2120.
    let line = examined.line("certificate").unwrap();
    let days = line.strip_prefix("ok       certificate  it is valid for ");
    let days = days.and_then(|rest| rest.strip_suffix(" days more"));
    let days: u32 = days.unwrap().parse().unwrap();
    assert!((27_000..36_000).contains(&days), "{days}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_browsers_refuse_is_wrong() {
    for (certificate, host, trusted, line) in [
        (
            EXPIRED,
            "localhost",
            EXPIRED,
            "it has ended; renew it, and have the proxy load it",
        ),
        (
            CERTIFICATE,
            "127.0.0.1",
            CERTIFICATE,
            "it is for another name; get one for the name in PUBLIC_URL, or correct PUBLIC_URL",
        ),
        (
            CERTIFICATE,
            "localhost",
            EXPIRED,
            "no authority that this machine trusts has signed it; have the proxy send the whole chain (fullchain.pem) of an authority that browsers trust",
        ),
    ] {
        let front = Front::start(Some(certificate), ANSWER).await;
        let examined = at(&format!("https://{host}:{}", front.port), trusted);
        examined.assert_line(&format!("wrong    certificate  {line}"));
        assert_eq!(examined.line("HSTS"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_tells_no_browser_to_keep_to_https_is_wrong() {
    for (answer, found) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "browsers are not told to keep to https",
        ),
        (
            "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=600\r\nContent-Length: 0\r\n\r\n",
            "browsers are told to keep to https for 600 s only",
        ),
    ] {
        let front = Front::start(Some(CERTIFICATE), answer).await;
        let url = format!("https://localhost:{}", front.port);
        let line = format!("wrong    HSTS         {found}; {PASS_ON}");
        at(&url, CERTIFICATE).assert_line(&line);
    }
}

/// The proxy answers in the place of the server, whose header it cannot know.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_hsts_needs_an_answer_of_the_server() {
    let answer = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    let front = Front::start(Some(CERTIFICATE), answer).await;
    let examined = at(&format!("https://localhost:{}", front.port), CERTIFICATE);
    let found = examined.line("PUBLIC_URL").unwrap();
    assert!(found.contains(" answers 502; "), "{found}");
    assert_eq!(examined.line("HSTS"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_out_of_reach_is_wrong() {
    at("http://127.0.0.1:1", CERTIFICATE).assert_line(&format!(
        "wrong    PUBLIC_URL   http://127.0.0.1:1 is out of reach: Connection refused (os error 111); {REACH}"
    ));
    // Longer than a name can be, so that no DNS server is asked.
    let url = format!("https://{}.example.org", "a".repeat(64));
    let nowhere = at(&url, CERTIFICATE);
    let line = nowhere.line("PUBLIC_URL").unwrap();
    let begins = &format!("wrong    PUBLIC_URL   {url} is out of reach: failed to lookup");
    assert!(line.starts_with(begins) && line.ends_with(REACH), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_none_is_wrong() {
    let plain = Front::start(None, "220 localhost ESMTP\r\n").await;
    for (url, found) in [
        (
            format!("http://127.0.0.1:{}", plain.port),
            "speaks no HTTP: invalid HTTP version parsed; correct PUBLIC_URL, or have the proxy answer there",
        ),
        (
            format!("https://localhost:{}", plain.port),
            "speaks no TLS: received corrupt message of type InvalidContentType; have the proxy speak TLS 1.2 or 1.3 there",
        ),
    ] {
        let line = format!("wrong    PUBLIC_URL   {url} {found}");
        at(&url, CERTIFICATE).assert_line(&line);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_without_a_server_behind_it_is_wrong() {
    let answer = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    let front = Front::start(None, answer).await;
    let url = format!("http://127.0.0.1:{}", front.port);
    at(&url, CERTIFICATE).assert_line(&format!(
        "wrong    PUBLIC_URL   {url} answers 502; start the server, or have the proxy pass requests on to 127.0.0.1:0"
    ));
}
