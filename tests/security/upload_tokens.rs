//! Upload tokens: their texts go nowhere, open nothing else, and strangers cannot stop those who publish.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use fpm_registry::forms::FORMS;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    ADA, EVE, SECOND, at_once,
    mongod::database_name,
    on_mongo,
    socket::{Answer, PASSWORD, Registry, Request, Setup, get, post},
};

const PAGE: &str = "/account/tokens";
const CHECK: &str = "/auth/token/check";
/// In the form of a token, but nobody's.
const NOBODYS: &str = "fpm_0000000000000000000000000000000028C1ac";

/// Signs up, and confirms the address by its mail; the session.
fn confirmed(registry: &Registry, email: &str) -> String {
    let session = registry.sign_up(email).session();
    let uuid = loop {
        let mail = registry.next_mail();
        let (_, rest) = mail
            .split_once("/auth/confirm-email?uuid=")
            .unwrap_or_default();
        if mail.contains(&format!("To: {email}")) && !rest.is_empty() {
            break rest[..36].to_owned();
        }
    };
    let request = post("/auth/confirm-email", &[("uuid", &uuid)]);
    let answer = registry.send(&request.with("Cookie", &session));
    answer.assert_done("Email confirmed");
    session
}

/// Makes a token; its text.
fn make(registry: &Registry, session: &str, packages: &str, may: &str) -> String {
    let fields = [("name", "CI"), ("packages", packages), ("may", may)];
    let answer = registry.send(&post(PAGE, &fields).with("Cookie", session));
    let facts: Value = serde_json::from_str(&answer.body).unwrap();
    facts["token"].as_str().expect("a token").to_owned()
}

fn check(text: &str) -> Request {
    let fields = [("token", text), ("package", "stdlib"), ("is_new", "true")];
    post(CHECK, &fields)
}

fn whoami(text: &str) -> Request {
    get("/auth/whoami").with("Authorization", format!("Bearer {text}"))
}

fn works(registry: &Registry, text: &str) -> bool {
    registry.send(&check(text)).status == 200
}

/// ASVS 6.5.2, 14.2.1, 16.2.5: the text of a token is in no log, page, address, history, export, mail or file; what is
/// stored is its SHA-256.
#[test]
fn the_text_of_a_token_goes_nowhere() {
    let registry = Registry::start();
    let session = confirmed(&registry, ADA);
    let text = make(&registry, &session, "*", "publish");
    let browser = |path: &str| get(path).with("Cookie", &session).by_browser();
    let made = registry.send(
        &post(
            PAGE,
            &[("name", "x"), ("packages", "*"), ("may", "publish")],
        )
        .with("Cookie", &session)
        .by_browser(),
    );
    let shown = made.cookie("shown").unwrap();
    let shown = shown.strip_prefix("shown=").unwrap().to_owned();
    assert!(!made.header("location").contains("fpm_") && !made.body.contains("fpm_"));
    for request in [
        check(&text),
        whoami(&text),
        check(&text[..41]),
        check(NOBODYS),
        whoami(NOBODYS),
        browser(PAGE),
        browser("/account/history"),
        browser("/account/export"),
        get("/account/export").with("Cookie", &session),
        get(PAGE).with("Cookie", &session),
        get("/account/history").with("Cookie", &session),
        post(
            "/auth/token/used",
            &[("token", &text), ("package", "stdlib")],
        ),
    ] {
        let answer = registry.send(&request);
        for secret in [&text, &shown] {
            assert!(!answer.body.contains(&secret[..41]), "{}", answer.body);
        }
    }
    registry.send(&post("/auth/token/end", &[("token", &text)]));
    let told = loop {
        let mail = registry.next_mail();
        if mail.contains("An upload token of your fpm-registry account was ended") {
            break mail;
        }
    };
    assert!(!told.contains(&text[..41]) && told.contains(&text[38..]));
    let stored = registry.stored();
    let holds = |bytes: &[u8]| stored.windows(bytes.len()).any(|window| window == bytes);
    assert!(!holds(&text.as_bytes()[..41]) && !holds(&shown.as_bytes()[..41]));
    let digest = Sha256::digest(shown.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(holds(hex.as_bytes()), "the digest of the one that lives");
    let log = registry.stop();
    for secret in [&text[4..], &shown[4..], &NOBODYS[4..]] {
        assert!(!log.contains(&secret[..30]), "{log}");
    }
}

/// ASVS 8.2.1, 8.3.1: a token opens nothing but what asks for tokens, wherever a client puts it.
#[test]
fn a_token_opens_no_session_and_no_account() {
    let registry = Registry::start();
    let session = confirmed(&registry, ADA);
    let text = make(&registry, &session, "*", "publish");
    let with_token = |request: Request| {
        let bearer = request.with("Authorization", format!("Bearer {text}"));
        bearer.with("Cookie", format!("uuid={text}; device={text}; form={text}"))
    };
    for path in [
        "/account",
        PAGE,
        "/account/sessions",
        "/account/export",
        "/auth/forward",
    ] {
        assert_eq!(registry.send(&with_token(get(path))).status, 401, "{path}");
    }
    let fields = [
        ("name", "x"),
        ("packages", "*"),
        ("may", "publish"),
        ("token", text.as_str()),
        ("email", ADA),
        ("current_password", text.as_str()),
        ("password", text.as_str()),
    ];
    let paths = FORMS.iter().map(|form| form.path);
    for path in paths.filter(|path| path.starts_with("/account")) {
        let answer = registry.send(&with_token(post(path, &fields)));
        assert_eq!(answer.status, 401, "{path}: {}", answer.body);
        assert_eq!(answer.cookie("uuid"), None);
    }
    assert_eq!(registry.log_in(ADA, &text).status, 401);
    let forms = [("uuid", text.as_str()), ("password", "plum tractor glow")];
    assert_eq!(
        registry.send(&post("/auth/reset-password", &forms)).status,
        404
    );
    assert!(works(&registry, &text), "it is the token still");
}

/// ASVS 2.4.1, 6.3.1: 10,000 wrong tokens are throttled, from one address with those of everybody, and a live one is
/// answered all the while.
#[test]
fn ten_thousand_wrong_tokens_stop_nobody_who_publishes() {
    let registry = Setup::new().start();
    let session = confirmed(&registry, ADA);
    let text = make(&registry, &session, "*", "publish");
    let done = AtomicBool::new(false);
    let (answers, slowest, asked) = thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let answers = at_once(20, |n| {
                (0..500)
                    .map(|m| registry.send(&wrong(500 * n + m)).status)
                    .collect::<Vec<_>>()
            });
            done.store(true, Ordering::Relaxed);
            answers.concat()
        });
        let (mut slowest, mut asked) = (Duration::ZERO, 0);
        while !done.load(Ordering::Relaxed) {
            let began = Instant::now();
            for request in [check(&text), whoami(&text)] {
                let answer = registry.send(&request);
                assert_eq!(answer.status, 200, "{}", answer.body);
                asked += 1;
            }
            slowest = slowest.max(began.elapsed());
        }
        (flood.join().unwrap(), slowest, asked)
    });
    let of = |status: u16| answers.iter().filter(|other| **other == status).count();
    println!(
        "10,000 wrong tokens: {} refused, {} throttled; {asked} live ones answered meanwhile, two in at most {slowest:?}",
        of(403),
        of(429)
    );
    assert_eq!((answers.len(), of(403) + of(429)), (10_000, 10_000));
    // Every second one is not whole, which costs no look into the store and counts nowhere.
    assert_eq!(of(403), 5_000 + 100);
    assert!(slowest < 3 * SECOND, "{slowest:?}");
    assert!(asked > 10);
}

/// The `n`-th wrong token: of nobody, or with a wrong checksum.
fn wrong(n: usize) -> Request {
    let body = format!("fpm_{n:032}");
    let checksum = base62(crc32(body.as_bytes()));
    match n % 2 {
        0 => check(&(body + &checksum)),
        _ => check(&(body + "zzzzzz")),
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let table = |mut rest: u32| {
        for _ in 0..8 {
            rest = (rest >> 1) ^ (0xedb8_8320 & (rest & 1).wrapping_neg());
        }
        rest
    };
    !bytes.iter().fold(!0, |crc: u32, byte| {
        table((crc ^ u32::from(*byte)) & 0xff) ^ (crc >> 8)
    })
}

fn base62(mut rest: u32) -> String {
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 6];
    for digit in text.iter_mut().rev() {
        *digit = digits[(rest % 62) as usize];
        rest /= 62;
    }
    String::from_utf8(text.to_vec()).unwrap()
}

/// ASVS 7.4.1, 15.4.2: a token that is ended in one process is dead in the next request to any other; of two first
/// publications at once, in two processes, one happens.
#[test]
fn a_token_ends_on_all_processes_at_once() {
    let name = database_name();
    let (one, other) = (on_mongo(&name).start(), on_mongo(&name).start());
    let session = confirmed(&one, ADA);
    let text = make(&one, &session, "*", "publish");
    assert!(works(&one, &text) && works(&other, &text));
    let end = one.send(&post("/auth/token/end", &[("token", &text)]));
    end.assert_done("Token ended");
    assert!(!works(&other, &text) && !works(&one, &text));

    for _ in 0..5 {
        let text = make(&one, &session, "stdlib", "first-publish");
        let used = post(
            "/auth/token/used",
            &[("token", &text), ("package", "stdlib")],
        );
        let answers: Vec<Answer> = at_once(20, |n| match n % 2 {
            0 => one.send(&used),
            _ => other.send(&used),
        });
        let of = |status| {
            answers
                .iter()
                .filter(|answer| answer.status == status)
                .count()
        };
        assert_eq!((of(200), of(403)), (1, 19));
    }
}

/// ASVS 7.4.2, 7.4.3: the tokens of who deleted the account, or took it back, are dead; those of others live.
#[test]
fn the_tokens_of_an_account_end_with_it() {
    let registry = Registry::start();
    let ada = confirmed(&registry, ADA);
    let eve = confirmed(&registry, EVE);
    let (of_ada, of_eve) = (
        make(&registry, &ada, "*", "publish"),
        make(&registry, &eve, "*", "publish"),
    );
    let fields = [("email", ADA), ("current_password", PASSWORD)];
    let answer = registry.send(&post("/account/delete", &fields).with("Cookie", &ada));
    answer.assert_done("Account deleted");
    assert!(!works(&registry, &of_ada) && works(&registry, &of_eve));
    let answer = registry.send(&whoami(&of_ada));
    assert_eq!(answer.status, 401);
}

/// ASVS 8.2.2: one's own handles are of no use to anyone else.
#[test]
fn a_stranger_ends_and_replaces_no_token_of_another_user() {
    let registry = Registry::start();
    let ada = confirmed(&registry, ADA);
    let eve = confirmed(&registry, EVE);
    let text = make(&registry, &ada, "*", "publish");
    let listed = registry.send(&get(PAGE).with("Cookie", &ada)).body;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let handle = listed["tokens"][0]["handle"].as_str().unwrap();
    for path in ["/account/tokens/end", "/account/tokens/rotate"] {
        let request = post(path, &[("token", handle)]).with("Cookie", &eve);
        assert_eq!(registry.send(&request).status, 404);
        // Nor is the digest, which is not told anyway, or the text, where a handle is asked for.
        let request = post(path, &[("token", &text)]).with("Cookie", &ada);
        assert_eq!(registry.send(&request).status, 404);
    }
    registry
        .send(&post("/account/tokens/end-all", &[]).with("Cookie", &eve))
        .assert_guarded(false);
    assert!(works(&registry, &text));
    assert!(works(&registry, &text));
}
