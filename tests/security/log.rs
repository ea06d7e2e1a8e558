//! The log: no secret, and no line that a request has forged.

use serde_json::Value;

use crate::{
    ADA, FORGOT, RESET,
    authenticator::Authenticator,
    socket::{
        Answer, JSON, NEW_PASSWORD, PUBLIC_URL, Registry, get, login, post, post_as, request,
    },
};

/// ASVS 16.2.5, 16.4.1: whatever is sent, the log has whole lines of its own and no secret.
#[test]
fn the_log_has_no_secret_and_no_forged_line() {
    let registry = Registry::start();
    let answer = registry.sign_up(ADA);
    let session = answer.session();
    let device = answer.cookie("device").unwrap();
    let uuid = registry.reset_uuid(ADA);
    let forged = "2026-01-01T00:00:00.000000Z  INFO forged";
    for sent in [
        login("ada@example.org\r\nforged line", "hunter2-secret"),
        login(&format!("x\n{forged}"), &format!("x\n{forged}")),
        post(
            "/auth/signup",
            &[
                ("name", "x\nforged line"),
                ("email", ADA),
                ("password", "hunter2-secret"),
            ],
        ),
        post(FORGOT, &[("email", "nobody@example.org\nforged line")]),
        get("/x%0d%0aforged%20line"),
        get("/x%0aforged%1b[31m"),
        get("/auth/login?next=/hunter2-secret&email=ada@example.org"),
        get(&format!("{RESET}?uuid={uuid}")).by_browser(),
        get(&format!("{RESET}?uuid={uuid}&password=hunter2-secret")).by_browser(),
        get("/")
            .with("Cookie", format!("{session}; {device}"))
            .with("User-Agent", "hunter2-secret"),
        get("/")
            .with("Authorization", "Basic hunter2-secret")
            .with("Referer", "http://x/?hunter2-secret"),
        get("/").with("X-Forwarded-For", "1.1.1.1\tforged line"),
        get("/").with("Cookie", b"uuid=\xff\xfehunter2-secret"),
        request("BREW", "/hunter2"),
        post_as(JSON, "/auth/login", &[]).with_body("{\"password\":\"hunter2-secret\""),
        post(RESET, &[("uuid", &uuid), ("password", "short")]),
        post(RESET, &[("uuid", &uuid), ("password", NEW_PASSWORD)]),
        login(ADA, NEW_PASSWORD).with("Cookie", &session),
        post("/auth/logout", &[]).with("Cookie", &session),
    ] {
        registry.send(&sent);
    }
    for raw in [
        &b"GET /x\x01\x02 HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"hunter2-secret\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ] {
        registry.exchange(raw);
    }
    let log = registry.stop();
    assert!(
        log.contains("method=POST path=\"/auth/login\" status=401"),
        "{log}"
    );
    for line in log.lines() {
        let (moment, rest) = line.split_once(' ').unwrap();
        assert!(
            moment.starts_with("20") && moment.ends_with('Z') && moment.len() == 27,
            "{line}"
        );
        assert!(
            rest.starts_with(" INFO") || rest.starts_with(" WARN"),
            "{line}"
        );
        assert!(!rest.starts_with(" INFO forged"), "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
    let secrets =
        [session, device, uuid].map(|pair| pair.split('=').next_back().unwrap().to_owned());
    for secret in secrets.iter().map(String::as_str) {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
    for secret in [
        "hunter2-secret",
        "horse",
        "plum",
        "ada@",
        "ada%40",
        "nobody@",
        "argon2",
    ] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}

/// What a passkey is verified with is in no line, whether it is added, used or refused.
#[test]
fn the_log_has_nothing_of_passkeys() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let mut secrets = Vec::new();
    let begin = |answer: &Answer, secrets: &mut Vec<String>| {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        let options = told["options"].clone();
        let cookie = answer.cookie("passkey").unwrap();
        let challenge = options["publicKey"]["challenge"].as_str().unwrap();
        secrets.push(challenge.to_owned());
        secrets.push(cookie.split_once('=').unwrap().1.to_owned());
        (options, cookie)
    };
    let mut phone = Authenticator::new(PUBLIC_URL);
    let send = |path: &str, fields: &[(&str, &str)], cookies: &str| {
        registry.send(&post(path, fields).with("Cookie", cookies))
    };
    let (options, cookie) = begin(
        &send("/account/passkeys/begin", &[], &session),
        &mut secrets,
    );
    let made = phone.create(&options).unwrap().to_string();
    let fields = [("name", "hunter2-phone"), ("credential", &*made)];
    let cookies = format!("{session}; {cookie}");
    for status in [200, 400] {
        let answer = send("/account/passkeys", &fields, &cookies);
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    for (counter, status) in [(1, 200), (0, 401), (1, 401)] {
        phone.counter = Some(counter);
        phone.verifies_user = counter == 1 && status == 200;
        let (options, cookie) = begin(&send("/auth/passkey/begin", &[], ""), &mut secrets);
        let used = phone.get(&options).unwrap();
        let credential = used.to_string();
        let answer = send("/auth/passkey", &[("credential", &*credential)], &cookie);
        assert_eq!(answer.status, status, "{}", answer.body);
        for member in ["clientDataJSON", "authenticatorData", "signature"] {
            secrets.push(used["response"][member].as_str().unwrap().to_owned());
        }
    }
    let (_, cookie) = begin(&send("/auth/passkey/begin", &[], ""), &mut secrets);
    for credential in ["hunter2-credential", "{\"id\":\"hunter2\"}"] {
        send("/auth/passkey", &[("credential", credential)], &cookie);
    }
    secrets.extend([phone.passkey_id().unwrap(), "hunter2".to_owned()]);
    let log = registry.stop();
    assert!(log.contains("a passkey was refused"), "{log}");
    for secret in &secrets {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}
