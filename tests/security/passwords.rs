//! Passwords: their fields, which of them are refused, and that each counts whole.

use crate::{
    ADA, RESET, WRONG, attribute,
    socket::{JSON, NEW_PASSWORD, Registry, get, post, post_as},
    tags,
};

/// ASVS 6.2.6, 6.2.7, 6.2.10, 6.4.2: password managers know the fields, and nothing asks for a hint.
#[test]
fn password_fields_are_made_for_password_managers() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let cookie = format!("reset={}", registry.reset_uuid(ADA));
    for (path, fields) in [
        (
            "/auth/login",
            &[
                "email username webauthn",
                "password current-password",
                "next ",
                "csrf_token ",
                // Of the form for passkeys.
                "next ",
                "purpose ",
                "csrf_token ",
            ][..],
        ),
        (
            "/auth/signup",
            &[
                "name name",
                "email username",
                "password new-password",
                "next ",
                "csrf_token ",
            ],
        ),
        (
            RESET,
            &[
                "email username",
                "password new-password",
                "link ",
                "csrf_token ",
            ],
        ),
    ] {
        let page = registry.send(&get(path).with("Cookie", &cookie));
        let tags = tags(&page.body);
        let inputs: Vec<&&str> = tags.iter().filter(|tag| tag.starts_with("input")).collect();
        let of = |tag: &str, name| attribute(tag, name).unwrap_or_default().to_owned();
        let named = inputs.iter();
        let named: Vec<String> = named
            .map(|tag| of(tag, "name") + " " + &of(tag, "autocomplete"))
            .collect();
        assert_eq!(named, fields, "{path}");
        for tag in inputs {
            let is_password = of(tag, "name") == "password";
            assert_eq!(is_password, of(tag, "type") == "password", "{tag}");
            assert!(
                !tag.contains("maxlength") && !tag.contains("pattern"),
                "{tag}"
            );
        }
    }
}

/// ASVS 6.1.2, 6.2.4, 6.2.11: what everybody tries first is refused at signup and at reset, with the reason.
#[test]
fn easy_passwords_are_refused_at_signup_and_at_reset() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let uuid = registry.reset_uuid(ADA);
    for (password, reason) in [
        ("passwordpassword", "it repeats itself"),
        ("123456789012345", ""),
        ("qwertyuiopasdfgh", ""),
        ("password", "it is one of the most common passwords"),
        ("iloveyou", "it is one of the most common passwords"),
        ("Passw0rd", ""),
        ("grace.hopper@example.org", ""),
        ("grace.hopper", ""),
        ("Grace Hopper", ""),
        ("fpm-registry", ""),
        ("fpm-registryfpm-registry", ""),
        ("fortranfortran", ""),
    ] {
        let fields = [
            ("name", "Grace Hopper"),
            ("email", "grace.hopper@example.org"),
            ("password", password),
        ];
        let is_hers = password.to_lowercase().contains("grace");
        let mut sent = vec![post("/auth/signup", &fields)];
        if !is_hers {
            sent.push(post(RESET, &[("uuid", &uuid), ("password", password)]));
        }
        for sent in sent {
            let answer = registry.send(&sent);
            let told = answer.body.split('"').nth(3).unwrap_or_default().to_owned();
            answer.assert_refused(400, &told, Some("password"));
            let start = format!("Password is too easy to guess: {reason}");
            assert!(told.starts_with(&start), "{password}: {told}");
        }
    }
    let own = post(RESET, &[("uuid", &uuid), ("password", ADA)]);
    let answer = registry.send(&own);
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains("too easy to guess"), "{}", answer.body);
    let reset = post(RESET, &[("uuid", &uuid), ("password", NEW_PASSWORD)]);
    registry
        .send(&reset)
        .assert_done("Password reset successful");
}

/// ASVS 6.2.1 (8 characters), 6.2.5, 6.2.8, 6.2.9, NIST 3.1.1.2, CS-Storage: a password is any 8 to 256
/// characters, of which each counts; the two ways to write an accent are one.
#[test]
fn a_password_counts_whole_and_as_it_was_typed() {
    let registry = Registry::start();
    let sign_up = |email: &str, password: &str| {
        let fields = [("name", "Eve"), ("email", email), ("password", password)];
        registry.send(&post_as(JSON, "/auth/signup", &fields))
    };
    let long = format!("plum tractor glow {}", "\u{5d0}b".repeat(119));
    assert_eq!(long.chars().count(), 256);
    let (composed, decomposed) = (
        "caf\u{e9} r\u{e9}sum\u{e9}",
        "cafe\u{301} re\u{301}sume\u{301}",
    );
    for (n, (password, same, others)) in [
        (
            &*long,
            &*long,
            vec![
                long.replace('\u{5d0}', "b"),
                format!("{}c", &long[..long.len() - 1]),
                long[..long.len() - 1].to_owned(),
                format!("{long}b"),
            ],
        ),
        (composed, decomposed, vec!["cafe resume".to_owned()]),
        (decomposed, composed, vec![]),
        (
            "mossy quill",
            "mossy quill",
            vec![
                " mossy quill".to_owned(),
                "mossy quill ".to_owned(),
                "Mossy Quill".to_owned(),
                "mossyquill".to_owned(),
            ],
        ),
        (
            "mossy\0quill",
            "mossy\0quill",
            vec![
                "mossy".to_owned(),
                "mossy\0quiet".to_owned(),
                "mossyquill".to_owned(),
            ],
        ),
        (
            "\u{202e}\u{1F986}\u{1F422}\u{1F98A}\u{1F419}\u{1F98B}\u{1F41D}\u{1F433}",
            "\u{202e}\u{1F986}\u{1F422}\u{1F98A}\u{1F419}\u{1F98B}\u{1F41D}\u{1F433}",
            vec![],
        ),
        ("plumtractorglow", "plumtractorglow", vec![]),
        ("wqzkvjxb", "wqzkvjxb", vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("eve{n}@example.org");
        sign_up(&email, password).assert_done("Signup successful");
        let log_in = |password: &str| {
            registry.send(&post_as(
                JSON,
                "/auth/login",
                &[("email", &email), ("password", password)],
            ))
        };
        log_in(same).assert_done("Login successful");
        for other in others {
            log_in(&other).assert_refused(401, WRONG, None);
        }
    }
    let (short, too_long) = ("wqzkvjx", format!("{long}b"));
    for (password, message) in [
        (short, "Password must be at least 8 characters"),
        (&*too_long, "Password must be at most 256 characters"),
    ] {
        sign_up("mallory@example.org", password).assert_refused(400, message, Some("password"));
    }
}
