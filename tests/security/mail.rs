//! Mails: nothing typed and nothing of a request gets into one.

use std::collections::BTreeSet;

use crate::{
    ADA, CONFIRM, FORGOT, RESET,
    socket::{Answer, FORM, PASSWORD, PUBLIC_HTTPS_URL, PUBLIC_URL, Registry, Setup, post},
};

/// ASVS 1.3.11, CS-Email, CS-Input, F14: nothing typed adds a header, a recipient or a word to a mail.
#[test]
fn nothing_typed_gets_into_a_mail() {
    let registry = Registry::start();
    let sign_up = |name: &str, email: &str| {
        let fields = [("name", name), ("email", email), ("password", PASSWORD)];
        registry.send(&post("/auth/signup", &fields))
    };
    for name in [
        "Ada\r\nBcc: evil@evil.example",
        "Ada\nBcc: x",
        "A\u{85}da",
        "Ada\u{1b}[31m",
    ] {
        let message = "Name must not contain line breaks or control characters";
        sign_up(name, ADA).assert_refused(400, message, Some("name"));
    }
    let long_local = format!("{}@example.org", "a".repeat(65));
    let long = format!("a@{}.org", ["b".repeat(60).as_str(); 5].join("."));
    for email in [
        "ada@example.org\r\nBcc: evil@evil.example",
        "ada@example.org\nBcc: evil@evil.example",
        "ada@example.org\0",
        "ada@example.org,evil@evil.example",
        "ada@example.org evil@evil.example",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        "\"x\"\r\n@example.org",
        "\"ada\"@example.org",
        "`id`@example.org",
        "ada@example.org;evil@evil.example",
        "ada@[127.0.0.1]",
        "\u{430}da@example.org",
        "ada@ex\u{430}mple.org",
        "ada@example.org%0d%0aBcc:evil@evil.example",
        "ada@-example.org",
        &long_local,
        &long,
    ] {
        let message = "Enter a valid email address";
        sign_up("Ada", email).assert_refused(400, message, Some("email"));
        let asked = registry.send(&post(FORGOT, &[("email", email)]));
        asked.assert_refused(400, message, Some("email"));
    }
    let name = "Click http://evil.example <b>now</b>";
    sign_up(name, "-ada+tag@example.org").assert_done("Signup successful");
    let asked = post(FORGOT, &[("email", "-ada+tag@example.org")]);
    let asked = asked
        .with("User-Agent", "evil.example")
        .with("Accept-Language", "evil");
    assert_eq!(registry.send(&asked).status, 200);
    for _ in [CONFIRM, RESET] {
        assert_plain(&registry.next_mail());
    }
    assert_eq!(registry.unread_mail(), None);
}

/// That a mail to `-ada+tag@example.org` has nothing that was typed or sent, and leads here alone.
fn assert_plain(mail: &str) {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let mut names: Vec<String> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap().to_lowercase())
        .collect();
    names.sort();
    let once: BTreeSet<&String> = names.iter().collect();
    assert_eq!(once.len(), names.len(), "a header comes twice: {names:?}");
    assert!(head.contains("\r\nTo: -ada+tag@example.org\r\n"), "{head}");
    assert!(
        !names.contains(&"bcc".to_owned()) && !names.contains(&"cc".to_owned()),
        "{names:?}"
    );
    assert!(!mail.contains("evil") && !mail.contains("Click"), "{mail}");
    let ours = [CONFIRM, RESET].map(|path| format!("{PUBLIC_URL}{path}?uuid="));
    let ours = ours.iter().map(|link| body.matches(link).count());
    assert_eq!(body.matches("://").count(), ours.sum::<usize>(), "{body}");
}

/// ASVS 4.1.3, CS-Forgot, F16: the link in a mail is the configured one, whatever a request says of hosts.
#[test]
fn a_mailed_link_never_follows_what_a_request_says() {
    let registry = Setup::unlimited()
        .with("PUBLIC_URL", PUBLIC_HTTPS_URL)
        .start();
    registry.sign_up(ADA);
    let confirmation = registry.next_mail();
    let link = format!("{PUBLIC_HTTPS_URL}{CONFIRM}?uuid=");
    assert!(confirmation.contains(&link), "{confirmation}");
    let body = "email=ada%40example.org";
    for (target, host) in [
        (FORGOT, "evil.example"),
        (FORGOT, "registry.example.org:80@evil.example"),
        ("http://evil.example/auth/forgot-password", "evil.example"),
    ] {
        let sent = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: evil.example\r\n\
             X-Forwarded-Proto: http\r\nForwarded: host=evil.example;proto=http\r\n\
             X-Original-URL: http://evil.example/\r\nReferer: http://evil.example/\r\n\
             Connection: close\r\nContent-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = Answer::parse(&registry.exchange(sent.as_bytes()));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mail = registry.next_mail();
        assert!(
            mail.contains(&format!("{PUBLIC_HTTPS_URL}{RESET}?uuid=")),
            "{mail}"
        );
        assert!(!mail.contains("evil"), "{mail}");
    }
}
