//! Heads and bodies that are too large.

use std::time::{Duration, Instant};

use fpm_registry::forms::FORMS;

use crate::{
    LARGE, WRONG,
    socket::{Answer, FORM, JSON, PARTS, Registry, get, part, post, post_as},
};

/// F17: a head larger than any honest one is refused, in words where it can be read at all.
#[test]
fn large_heads_are_refused() {
    let registry = Registry::start();
    let many = |count: usize, size: usize| {
        let headers = (0..count).map(|n| (format!("X-Filler-{n}"), "a".repeat(size)));
        headers.fold(get("/auth/login"), |sent, (name, value)| {
            sent.with(&name, value)
        })
    };
    let message = "The headers of the request are too large";
    for large in [
        get("/").with("Cookie", format!("uuid={}", "a".repeat(9 * 1024))),
        get("/").with("X-Filler", "a".repeat(17 * 1024)),
        many(17, 1024),
    ] {
        registry.send(&large).assert_refused(431, message, None);
        registry.send(&large.by_browser()).assert_page(431, message);
    }
    // Past what is read at all there are no words.
    for unreadable in [many(64, 1024), many(101, 1)] {
        let answer = Answer::parse(&registry.exchange(&unreadable.bytes()));
        assert_eq!((answer.status, &*answer.body), (431, ""));
    }
    let longest = get("/").with("Cookie", format!("a={}", "a".repeat(8 * 1024 - 2)));
    assert_eq!(registry.send(&longest).status, 200);
}

/// ASVS 2.4.1, F6: what is too large is refused at once, however it comes.
#[test]
fn large_bodies_are_refused_at_once() {
    let registry = Registry::start();
    let megabyte = "a".repeat(1 << 20);
    let parts = part("a", "").repeat(10_000) + "--frontier--\r\n";
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    for (content_type, body) in [
        (FORM, format!("email=ada%40example.org&password={megabyte}")),
        (JSON, format!("{{\"password\":\"{megabyte}\"}}")),
        (JSON, deep),
        (PARTS, parts),
        (PARTS, part("password", &megabyte)),
        ("text/plain", megabyte.clone()),
    ] {
        for form in FORMS {
            let sent = post_as(content_type, form.path, &[]).with_body(body.clone());
            let started = Instant::now();
            registry.send(&sent).assert_refused(413, LARGE, None);
            assert!(
                started.elapsed() < Duration::from_secs(1),
                "{:?}",
                started.elapsed()
            );
        }
    }
    // The answer comes before the body, of which nothing is sent here.
    let head = |length: &str| {
        format!(
            "POST /auth/login HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
             Content-Type: {FORM}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    for length in ["16385", "9999999999", "9223372036854775807"] {
        let answer = Answer::parse(&registry.exchange(head(length).as_bytes()));
        answer.assert_refused(413, LARGE, None);
    }
    let most = format!("email=a&password={}", "a".repeat(16 * 1024 - 17));
    let sent = post("/auth/login", &[]).with_body(most);
    registry.send(&sent).assert_refused(401, WRONG, None);
    let crowd = part("a", "").repeat(200) + &part("email", "a") + &part("password", "a");
    let sent = post_as(PARTS, "/auth/login", &[]).with_body(crowd + "--frontier--\r\n");
    registry.send(&sent).assert_refused(401, WRONG, None);
    assert!(registry.peak_mib() < 250, "{} MiB", registry.peak_mib());
}
