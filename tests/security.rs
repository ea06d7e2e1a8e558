//! What an attacker meets: the program itself, spoken to over plain sockets.
//!
//! Each test names the requirements it proves; `SECURITY.md` has the table. The program is the one of this
//! build, or the one that `REGISTRY` names.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "common/mongod.rs"]
mod mongod;
#[path = "common/socket.rs"]
mod socket;

use std::{
    collections::BTreeSet,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use mongod::{Mongod, database_name};
use sha2::{Digest, Sha256};
use socket::{
    Answer, FORM, JSON, NEW_PASSWORD, PARTS, PASSWORD, PUBLIC_HTTPS_URL, PUBLIC_URL, Registry,
    Request, Setup, encode, get, is_closed, login, part, post, post_as, read_all, request,
};

const ADA: &str = "ada@example.org";
const MADE_UP: &str = "936da01f-9abd-4d9d-80c7-02af85c822a8";
const PAGES: [&str; 4] = ["/", "/auth/login", "/auth/signup", "/auth/reset-password"];
const POSTS: [&str; 5] = [
    "/auth/login",
    "/auth/signup",
    "/auth/logout",
    "/auth/forgot-password",
    "/auth/reset-password",
];
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND",
];
const RESET: &str = "/auth/reset-password";
const FORGOT: &str = "/auth/forgot-password";
const WRONG: &str = "Invalid email or password";
const UNREADABLE: &str = "The request cannot be read";
const NO_EMAIL: &str = "Email is required";
const NO_TYPE: &str = "Send a form or a JSON object";
const LARGE: &str = "The request is too large";
const NO_METHOD: &str = "This method is not allowed here";

// Headers

/// ASVS 3.2.1, 3.4.1, 3.4.2, 3.4.3, 3.4.4, 3.4.5, 3.4.6, 3.4.8, 3.5.8, 13.4.6, 14.3.2: every route, every
/// method and every kind of answer, with and without https. [`Registry::send`] looks at the headers.
#[test]
fn every_answer_has_the_headers_that_guard_it() {
    for url in [PUBLIC_URL, PUBLIC_HTTPS_URL] {
        let registry = Setup::new().with("PUBLIC_URL", url).start();
        let mut seen = BTreeSet::new();
        for answer in every_kind_of_answer(&registry) {
            seen.insert(answer.status);
        }
        let all = [200, 303, 304, 400, 401, 403, 404, 405, 413, 415, 429, 431];
        assert_eq!(seen, BTreeSet::from(all));
    }
}

fn every_kind_of_answer(registry: &Registry) -> Vec<Answer> {
    let uuid = {
        registry.sign_up(ADA);
        registry.reset_uuid(ADA)
    };
    let mut requests = Vec::new();
    for path in [&PAGES[..], &POSTS, &["/nowhere", "/favicon.svg"]].concat() {
        for method in METHODS {
            requests.push(request(method, path));
        }
    }
    for path in linked(&registry.send(&get("/auth/login")).body) {
        requests.push(get(&path));
    }
    let favicon = registry.send(&get("/favicon.svg"));
    requests.extend([
        get("/favicon.svg").with("If-None-Match", favicon.header("etag")),
        get(&format!("{RESET}?uuid={uuid}")),
        get(&format!("{RESET}?uuid={MADE_UP}")),
        get(&format!("{RESET}?uuid={uuid}&password=short")),
        post(FORGOT, &[("email", "eve@example.org")]),
        post("/auth/login", &[("email", ADA), ("password", PASSWORD)]),
        post("/auth/login", &[]).with("Sec-Fetch-Site", "cross-site"),
        post_as("text/plain", "/auth/login", &[("email", ADA)]),
        post_as(JSON, "/auth/login", &[]).with_body("{"),
        post("/auth/login", &[("email", &"a".repeat(17_000))]),
        get("/").with("Cookie", "a".repeat(9_000)),
    ]);
    requests.extend(vec![login(ADA, "wrong"); 11]);
    let pages: Vec<Request> = requests.iter().map(|r| r.clone().by_browser()).collect();
    let all = requests.iter().chain(&pages);
    all.map(|request| registry.send(request)).collect()
}

/// ASVS 3.4.3, 3.4.7 (the policy, not its reports), CS-CSP: a page runs only the scripts that carry its nonce,
/// of 128 random bits, and loads nothing from elsewhere.
#[test]
fn a_page_runs_only_scripts_with_a_nonce_that_is_new_each_time() {
    let registry = Registry::start();
    let mut nonces = BTreeSet::new();
    for path in [&PAGES[..], &["/nowhere"]].concat() {
        for _ in 0..3 {
            let page = registry.send(&get(path).by_browser());
            let nonce = page.nonce().expect("a nonce").to_owned();
            let bits = BASE64_URL_SAFE_NO_PAD.decode(&nonce).unwrap().len() * 8;
            assert!(bits >= 128, "{nonce}");
            for tag in tags(&page.body) {
                let is_script = tag.starts_with("script");
                let is_ours = tag.contains(&format!("nonce=\"{nonce}\""));
                assert!(!is_script || is_ours, "{path}: {tag}");
                assert!(!tag.contains(" style=") && !tag.contains(" on"), "{tag}");
                for name in ["href", "src", "action"] {
                    let place = attribute(tag, name);
                    assert!(place.is_none_or(is_own_path), "{path}: {tag}");
                }
            }
            nonces.insert(nonce);
        }
    }
    assert_eq!(nonces.len(), 3 * (PAGES.len() + 1));
}

/// What a page loads.
fn linked(page: &str) -> Vec<String> {
    let names = ["href", "src"];
    let places = tags(page).into_iter();
    let places = places.flat_map(|tag| names.map(|name| attribute(tag, name)));
    let places: Vec<String> = places.flatten().map(str::to_owned).collect();
    assert!(!places.is_empty());
    places
}

/// The inner text of all opening tags.
fn tags(page: &str) -> Vec<&str> {
    let parts = page.split('<').skip(1);
    parts.filter_map(|part| part.split('>').next()).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

fn is_own_path(place: &str) -> bool {
    place.starts_with('/') && !place.starts_with("//")
}

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
                "email username",
                "password current-password",
                "next ",
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

// Requests of other sites

/// ASVS 3.5.1, 3.5.2, 3.5.3, CS-CSRF: what pages of other sites send is refused on all five routes, login and
/// signup included, in every encoding.
#[test]
fn pages_of_other_sites_can_send_nothing() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let sites = [
        None,
        Some("same-origin"),
        Some("none"),
        Some("same-site"),
        Some("cross-site"),
    ];
    let origins = [
        None,
        Some(PUBLIC_URL),
        Some("http://evil.example"),
        Some("null"),
    ];
    for path in POSTS {
        for content_type in [FORM, PARTS, JSON, "text/plain"] {
            for site in sites {
                for origin in origins {
                    let mut sent = post_as(content_type, path, &fields_of(path));
                    if let Some(site) = site {
                        sent = sent.with("Sec-Fetch-Site", site);
                    }
                    if let Some(origin) = origin {
                        sent = sent.with("Origin", origin);
                    }
                    let case = format!("{path} {content_type} {site:?} {origin:?}");
                    match (site, origin) {
                        (Some("same-origin" | "none"), _) | (None, None | Some(PUBLIC_URL)) => {
                            let answer = registry.send(&sent);
                            let is_text = content_type == "text/plain";
                            assert_ne!(answer.status, 403, "{case}");
                            assert_eq!(answer.status == 415, is_text, "{case}");
                        }
                        _ => {
                            let answer = registry.send(&sent.with("Cookie", &session));
                            answer.assert_refused(403, "This request came from another site", None);
                            assert_eq!(answer.all("set-cookie"), [""; 0], "{case}");
                        }
                    }
                }
            }
        }
    }
    assert!(
        registry.is_logged_in(&session),
        "another site logged Ada out"
    );
}

/// CS-CSRF, double submit: a form of a page brings the digest of the page's cookie, and another one is refused,
/// though neither `Sec-Fetch-Site` nor `Origin` came. Programs bring none.
#[test]
fn a_form_with_a_token_brings_that_of_its_page() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    for (page, path, right) in [
        ("/auth/login", "/auth/login", 200),
        // Ada has her account.
        ("/auth/signup", "/auth/signup", 400),
        (RESET, FORGOT, 200),
    ] {
        let first = registry.send(&get(page).by_browser());
        let cookie = first.cookie("form").unwrap();
        let token = token_in(&first);
        let other = token_in(&registry.send(&get(page).by_browser()));
        assert_ne!(token, other, "{page}: every browser has its own");
        assert!(!cookie.contains(&token), "{page}: the cookie is not told");
        let again = registry.send(&get(page).by_browser().with("Cookie", &cookie));
        assert_eq!(token_in(&again), token, "{page}: it stays");
        assert_eq!(again.all("set-cookie"), [""; 0], "{page}");

        for content_type in [FORM, PARTS, JSON] {
            let send = |token: &str| {
                let mut fields = fields_of(path);
                fields.push(("csrf_token", token));
                registry.send(&post_as(content_type, path, &fields).with("Cookie", &cookie))
            };
            let words = "This form is out of date, send it again";
            for wrong in [other.as_str(), "wapiti", ""] {
                send(wrong).assert_refused(403, words, None);
            }
            let status = send(&token).status;
            assert_eq!(status, right, "{path} {content_type}");
        }
    }
    let wrong = [
        ("email", ADA),
        ("password", PASSWORD),
        ("csrf_token", "wapiti"),
    ];
    let cookie = registry.send(&get("/auth/login")).cookie("form").unwrap();
    let refused = post("/auth/login", &wrong)
        .by_browser()
        .with("Cookie", &cookie);
    let refused = registry.send(&refused);
    refused.assert_page(403, "This form is out of date, send it again");
    let right = token_in(&refused);
    let fields = [
        ("email", ADA),
        ("password", PASSWORD),
        ("csrf_token", &right),
    ];
    let sent_again = post("/auth/login", &fields)
        .by_browser()
        .with("Cookie", &cookie);
    registry.send(&sent_again).assert_leads_to("/");
}

/// What the form of a page brings back.
fn token_in(page: &Answer) -> String {
    let (_, rest) = page
        .body
        .split_once("name=\"csrf_token\" value=\"")
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn fields_of(path: &str) -> Vec<(&'static str, &'static str)> {
    match path {
        "/auth/login" => vec![("email", ADA), ("password", PASSWORD)],
        "/auth/signup" => vec![("name", "Ada"), ("email", ADA), ("password", PASSWORD)],
        FORGOT => vec![("email", "eve@example.org")],
        RESET => vec![("uuid", MADE_UP), ("password", NEW_PASSWORD)],
        _ => vec![("unknown", "field")],
    }
}

/// ASVS 3.5.3, CS-CSRF: other sites and mails may link here, and no link changes anything.
#[test]
fn a_link_from_another_site_changes_nothing() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let uuid = registry.reset_uuid(ADA);
    let from_elsewhere = |path: &str| {
        let request = get(path).by_browser().with("Sec-Fetch-Site", "cross-site");
        registry.send(&request.with("Cookie", &session))
    };
    from_elsewhere(&format!("{RESET}?uuid={uuid}")).assert_leads_to(RESET);
    let path = format!("{RESET}?uuid={uuid}&password=plum+tractor+glow");
    from_elsewhere(&path).assert_page(400, "A password must not be sent in an address");
    from_elsewhere("/auth/logout").assert_page(405, NO_METHOD);
    let path = "/auth/login?email=ada%40example.org&password=correct+horse+battery";
    assert_eq!(from_elsewhere(path).all("set-cookie"), [""; 0]);
    assert!(registry.is_logged_in(&session));
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
}

/// ASVS 3.5.2, 4.1.1: a body is a form or JSON and says so, uncompressed; no body is an empty form.
#[test]
fn only_forms_and_json_are_read() {
    let registry = Registry::start();
    let form = encode(FORM, &[("email", ADA), ("password", PASSWORD)]);
    let json = encode(JSON, &[("email", ADA), ("password", PASSWORD)]);
    let send = |headers: &[(&str, &str)], body: &str| {
        let mut sent = request("POST", "/auth/login").with_body(body);
        for (name, value) in headers {
            sent = sent.with(name, value);
        }
        registry.send(&sent)
    };
    for (headers, body) in [
        (&[("Content-Type", "text/plain")][..], &form),
        (&[("Content-Type", "text/plain")], &json),
        (&[("Content-Type", "application/xml")], &json),
        (&[("Content-Type", "application/jsonp")], &json),
        (&[("Content-Type", "")], &form),
        (&[("Content-Type", "text/plain, application/json")], &json),
        (&[], &form),
        (&[], &json),
        (
            &[("Content-Type", FORM), ("Content-Encoding", "gzip")],
            &form,
        ),
        (
            &[("Content-Type", JSON), ("Content-Encoding", "identity")],
            &json,
        ),
    ] {
        send(headers, body).assert_refused(415, NO_TYPE, None);
    }
    for headers in [
        &[][..],
        &[("Content-Type", "text/plain")],
        &[("Content-Type", FORM)],
    ] {
        send(headers, "").assert_refused(400, NO_EMAIL, Some("email"));
    }
    for content_type in ["Application/JSON; charset=utf-8", JSON] {
        send(&[("Content-Type", content_type)], &json).assert_refused(401, WRONG, None);
    }
    let no_length = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = Answer::parse(&registry.exchange(no_length));
    answer.assert_refused(400, NO_EMAIL, Some("email"));
}

// Cookies and sessions

/// ASVS 3.3.1, 3.3.2, 3.3.3, 3.3.4, 3.3.5: each cookie of each route is out of reach of scripts and of other
/// sites' forms, and under https bound to https and to this host.
#[test]
fn every_cookie_is_bound() {
    for (url, prefix, secure) in [
        (PUBLIC_URL, "", ""),
        (PUBLIC_HTTPS_URL, "__Host-", "Secure; "),
    ] {
        let registry = Setup::unlimited().with("PUBLIC_URL", url).start();
        let attributes =
            |life: u32| format!("HttpOnly; SameSite=Lax; {secure}Path=/; Max-Age={life}");
        let assert_set = |answer: &Answer, cookies: &[(&str, u32)]| {
            let set = answer.all("set-cookie");
            assert_eq!(set.len(), cookies.len(), "{set:?}");
            for (set, (name, life)) in set.iter().zip(cookies) {
                let (pair, rest) = set.split_once("; ").unwrap();
                let (found, value) = pair.split_once('=').unwrap();
                assert_eq!(
                    (found, rest),
                    (&*format!("{prefix}{name}"), &*attributes(*life))
                );
                assert_eq!(value.len(), if *life == 0 { 0 } else { 36 });
            }
        };
        let (session, device) = (("uuid", 2_592_000), ("device", 31_536_000));
        assert_set(&registry.sign_up(ADA), &[session, device]);
        let answer = registry.log_in(ADA, PASSWORD);
        assert_set(&answer, &[session, device]);
        let cookie = |name| answer.cookie(&format!("{prefix}{name}")).unwrap();
        let unprefixed = cookie("uuid").replace("__Host-", "");
        assert_eq!(registry.is_logged_in(unprefixed), !registry.is_https);
        let known = login(ADA, PASSWORD).with("Cookie", cookie("device"));
        assert_set(&registry.send(&known.by_browser()), &[session]);
        let logout = post("/auth/logout", &[]).with("Cookie", cookie("uuid"));
        for _ in 0..2 {
            assert_set(&registry.send(&logout), &[("uuid", 0)]);
        }

        let uuid = registry.reset_uuid(ADA);
        let page = registry.send(&get(&format!("{RESET}?uuid={uuid}")).by_browser());
        assert_set(&page, &[("reset", 1800)]);
        let reset = format!("{prefix}reset={uuid}");
        let refused = post(RESET, &[("password", "short")]).with("Cookie", &reset);
        assert_set(&registry.send(&refused.by_browser()), &[("reset", 1800)]);
        let done = post(RESET, &[("password", NEW_PASSWORD)]).with("Cookie", &reset);
        assert_set(&registry.send(&done.by_browser()), &[device, ("reset", 0)]);
        assert_set(
            &registry.send(&get(RESET).with("Cookie", &reset)),
            &[("reset", 0)],
        );

        assert_set(&registry.send(&get("/").by_browser()), &[]);
        let form = ("form", 2_592_000);
        for path in ["/auth/login", "/auth/signup", RESET] {
            let page = registry.send(&get(path).by_browser());
            assert_set(&page, &[form]);
            let known = get(path)
                .by_browser()
                .with("Cookie", page.cookie(&format!("{prefix}form")).unwrap());
            assert_set(&registry.send(&known), &[]);
        }
    }
}

/// ASVS 14.2.1, CS-Session: a session is read from its cookie alone and written nowhere else.
#[test]
fn a_session_travels_in_its_cookie_alone() {
    let registry = Registry::start();
    let answer = registry.sign_up(ADA);
    let session = answer.session();
    let uuid = session.trim_start_matches("uuid=");
    assert!(!answer.body.contains(uuid));
    let page = registry.send(&login(ADA, PASSWORD).by_browser().with("Cookie", &session));
    page.assert_leads_to("/");
    let session = page.session();
    let uuid = session.trim_start_matches("uuid=");
    assert!(
        !registry
            .send(&get("/").with("Cookie", &session))
            .body
            .contains(uuid)
    );

    for elsewhere in [
        get(&format!("/?uuid={uuid}")),
        get(&format!("/;uuid={uuid}")),
        get("/").with("Authorization", format!("Bearer {uuid}")),
        get("/").with("X-Uuid", uuid),
        get("/").with(
            "Cookie",
            format!("UUID={uuid}; __Host-uuid={uuid}; reset={uuid}"),
        ),
    ] {
        let body = registry.send(&elsewhere).body;
        assert!(!body.contains("You are logged in as"), "{body}");
    }
    for content_type in [FORM, PARTS, JSON] {
        let logout = post_as(content_type, "/auth/logout", &[("uuid", uuid)]);
        registry
            .send(&logout)
            .assert_refused(404, "User not found", None);
    }
    assert!(registry.is_logged_in(&session));
}

/// ASVS 14.2.1: a query is no place for fields of a form either.
#[test]
fn a_post_reads_no_field_from_its_address() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let path = "/auth/login?email=ada%40example.org&password=correct+horse+battery";
    registry
        .send(&post(path, &[]))
        .assert_refused(400, NO_EMAIL, Some("email"));
    let uuid = registry.reset_uuid(ADA);
    let path = format!("{RESET}?uuid={uuid}&password=plum+tractor+glow");
    registry
        .send(&post(&path, &[]))
        .assert_refused(404, "User not found", None);
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
}

/// F17, CS-Session, ASVS 7.2.4: odd, repeated and broken cookies are no session and no failure; of two with one
/// name neither counts.
#[test]
fn odd_cookies_do_no_harm() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let others = ["theme=dark"; 49].join("; ");
    assert!(registry.is_logged_in(format!("{others};{session}; {others}")));
    for second in ["uuid=john", "uuid=", &session] {
        assert!(!registry.is_logged_in(format!("{session}; {second}")));
        assert!(!registry.is_logged_in(format!("{second}; {session}")));
        let two_lines = get("/").with("Cookie", &session).with("Cookie", second);
        let page = registry.send(&two_lines).body;
        assert!(!page.contains("You are logged in as"));
    }
    for broken in [
        &b"uuid"[..],
        b"uuid=",
        b"=",
        b";;; ; =;",
        b"uuid=\xff\xfe",
        b"uuid=\"",
        b"uuid={\"$ne\":1}",
        b"uuid[$ne]=1",
        b"uuid=%00",
        b"uuid=../../etc/passwd",
        b"uuid=936DA01F-9ABD-4D9D-80C7-02AF85C822A8",
        b"uuid=00000000-0000-0000-0000-000000000000",
        b"reset=\xff; device={}; uuid=1",
    ] {
        assert!(!registry.is_logged_in(broken));
        for path in PAGES {
            assert_eq!(registry.send(&get(path).with("Cookie", broken)).status, 200);
        }
        let logout = registry.send(&post("/auth/logout", &[]).with("Cookie", broken));
        logout.assert_refused(404, "User not found", None);
        let cleared = "uuid=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
        assert_eq!(logout.all("set-cookie"), [cleared]);
        let login = registry.send(&login(ADA, PASSWORD).with("Cookie", broken));
        login.assert_done("Login successful");
    }
    assert!(registry.is_logged_in(&session));
}

/// ASVS 3.3.3: a sibling of the registry's host can set cookies, but none whose name begins with `__Host-`. It
/// gets no further with a name that differs only by white space.
#[test]
fn a_cookie_named_like_ours_plants_nothing() {
    let registry = Setup::new().with("PUBLIC_URL", PUBLIC_HTTPS_URL).start();
    registry.sign_up(ADA);
    let session = registry
        .log_in(ADA, PASSWORD)
        .cookie("__Host-uuid")
        .unwrap();
    assert!(session.starts_with("__Host-uuid="), "{session}");
    assert!(registry.is_logged_in(&session));
    assert!(registry.is_logged_in(format!("a=b;\t {session} \t;c=d")));
    let link = format!("__Host-reset={}", registry.reset_uuid(ADA));
    let page = |cookie: &[u8]| {
        let page = get("/auth/reset-password").with("Cookie", cookie);
        registry.send(&page).body
    };
    assert!(page(link.as_bytes()).contains("Choose a new password"));
    for space in ["\u{2000}", "\u{a0}", "\u{3000}", "\u{85}", "\u{2028}"] {
        for planted in [
            format!("{space}{session}"),
            session.replace('=', &format!("{space}=")),
        ] {
            assert!(!registry.is_logged_in(&planted), "{planted:?}");
        }
        let planted = format!("{space}{link}");
        assert!(!page(planted.as_bytes()).contains("Choose a new password"));
    }
}

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

/// ASVS 7.2.1, 7.2.2, 7.2.4, CS-Session: every login has a new random session, a made-up one is never
/// adopted, and the one a device had before ends.
#[test]
fn a_login_always_makes_a_new_session() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let made_up = format!("uuid={MADE_UP}");
    let mut sessions = vec![made_up];
    for _ in 0..30 {
        let before = sessions.last().unwrap().clone();
        let answer = registry.send(&login(ADA, PASSWORD).with("Cookie", &before));
        answer.assert_done("Login successful");
        let session = answer.session();
        let uuid = uuid::Uuid::try_parse(session.trim_start_matches("uuid=")).unwrap();
        assert_eq!(uuid.get_version(), Some(uuid::Version::Random));
        assert!(
            !registry.is_logged_in(&before),
            "the session before lives on"
        );
        assert!(!sessions.contains(&session));
        sessions.push(session);
    }
    assert!(registry.is_logged_in(sessions.last().unwrap()));
    let refused = login(ADA, "wrong").with("Cookie", sessions.last().unwrap());
    registry.send(&refused).assert_refused(401, WRONG, None);
    assert!(
        registry.is_logged_in(sessions.last().unwrap()),
        "a failure ends nothing"
    );
}

/// ASVS 7.4.1, 3.5.3: a logout is a POST, ends the session on the server, and clears the cookie.
#[test]
fn only_a_post_logs_out_and_then_for_good() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let answer = registry.send(&request(method, "/auth/logout").with("Cookie", &session));
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
        assert!(registry.is_logged_in(&session));
    }
    let logout = post("/auth/logout", &[]).with("Cookie", &session);
    registry.send(&logout).assert_done("Logout successful");
    assert!(!registry.is_logged_in(&session));
    registry
        .send(&logout)
        .assert_refused(404, "User not found", None);
}

/// ASVS 6.5.2, 7.2.1, 11.4.2: what lies on disk is a digest of each uuid and a slow hash of each password.
#[test]
fn no_secret_is_stored_in_clear() {
    let registry = Registry::start();
    let answer = registry.sign_up(ADA);
    let pairs = [answer.session(), answer.cookie("device").unwrap()];
    let values = pairs.map(|pair| pair.split('=').nth(1).unwrap().to_owned());
    let uuids = values.into_iter().chain([registry.reset_uuid(ADA)]);
    let stored = registry.stored();
    let holds = |bytes: &[u8]| stored.windows(bytes.len()).any(|window| window == bytes);
    for text in uuids {
        let uuid = uuid::Uuid::try_parse(&text).unwrap();
        assert!(!holds(text.as_bytes()) && !holds(uuid.as_bytes()));
        assert!(!holds(uuid.simple().to_string().as_bytes()));
    }
    let session = answer.session();
    let uuid = uuid::Uuid::try_parse(session.trim_start_matches("uuid=")).unwrap();
    let digest = Sha256::digest(uuid.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = base64::prelude::BASE64_STANDARD.encode(digest);
    assert!(holds(&digest) || holds(hex.as_bytes()) || holds(base64.as_bytes()));
    assert!(!holds(PASSWORD.as_bytes()) && !holds(b"horse"));
    assert!(holds(b"$argon2id$v=19$m=19456,t=2,p=1$"));
}

/// ASVS 11.4.2: argon2id of enough memory and passes, with 16 random bytes of salt for each user.
#[tokio::test]
async fn equal_passwords_have_different_hashes() {
    use mongodb::bson::{Document, doc};

    let name = database_name();
    let registry = on_mongo(&name).start();
    let mut hashes = BTreeSet::new();
    for email in [ADA, "bob@example.org"] {
        registry.sign_up(email);
        let client = mongodb::Client::with_uri_str(Mongod::shared().uri()).await;
        let users = client
            .unwrap()
            .database(&name)
            .collection::<Document>("users");
        let user = users
            .find_one(doc! {"email": email})
            .await
            .unwrap()
            .unwrap();
        let hash = user.get_str("password").unwrap().to_owned();
        let parts: Vec<&str> = hash.split('$').collect();
        assert_eq!(parts[..4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"]);
        // 16 and 32 bytes in base64.
        assert_eq!((parts[4].len(), parts[5].len(), parts.len()), (22, 43, 6));
        hashes.insert(hash);
    }
    assert_eq!(hashes.len(), 2);
}

fn on_mongo(database: &str) -> Setup {
    let setup = Setup::unlimited().with("MONGO_URI", &Mongod::shared().uri());
    setup.with("MONGO_DB_NAME", database)
}

// Reset links

/// ASVS 3.4.5, 14.2.1, CS-Forgot: the uuid leaves the address before any page is shown, and is in no page.
#[test]
fn a_reset_link_leaves_the_address_before_any_page_is_shown() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let uuid = registry.reset_uuid(ADA);
    let link = get(&format!("{RESET}?uuid={uuid}&utm_source=mail")).by_browser();
    let moved = registry.send(&link);
    moved.assert_leads_to(RESET);
    assert_eq!(moved.body, "");
    let cookie = moved.cookie("reset").unwrap();
    assert_eq!(cookie, format!("reset={uuid}"));
    let page = registry.send(&get(RESET).by_browser().with("Cookie", &cookie));
    page.assert_page(200, "autocomplete=\"new-password\"");
    let refused = post(RESET, &[("password", "short")]).with("Cookie", &cookie);
    let refused = registry.send(&refused.by_browser());
    refused.assert_page(400, "Password must be at least 8 characters");
    for page in [page, refused] {
        assert!(!page.body.contains(&uuid));
        assert!(
            !page.body.contains("://"),
            "a foreign address: {}",
            page.body
        );
        assert_eq!(page.header("referrer-policy"), "same-origin");
    }
}

/// ASVS 6.5.1, CS-Forgot: mail scanners and previews open links, which uses nothing up.
#[test]
fn a_reset_link_opened_often_still_works_once() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let uuid = registry.reset_uuid(ADA);
    let link = format!("{RESET}?uuid={uuid}");
    let by_get = format!("{link}&password=plum+tractor+glow");
    for _ in 0..20 {
        registry
            .send(&get(&link).by_browser())
            .assert_leads_to(RESET);
        assert_eq!(registry.send(&get(&link)).status, 200);
        assert_eq!(registry.send(&request("HEAD", &link)).status, 200);
        assert_eq!(
            registry.send(&request("HEAD", &link).by_browser()).status,
            303
        );
        assert_eq!(registry.send(&request("HEAD", &by_get)).status, 200);
    }
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
    let reset = post(RESET, &[("uuid", &uuid), ("password", NEW_PASSWORD)]);
    registry
        .send(&reset)
        .assert_done("Password reset successful");
    registry
        .send(&reset)
        .assert_refused(404, "User not found", None);
    registry
        .send(&get(&link))
        .assert_refused(404, "User not found", None);
    registry
        .send(&get(&link).by_browser())
        .assert_page(404, "action=\"/auth/forgot-password\"");
    assert_eq!(registry.log_in(ADA, NEW_PASSWORD).status, 200);
}

/// ASVS 2.3.3, 6.5.1, 15.4.2, F11: of fifty at once with one link, also at two processes, one succeeds.
#[test]
fn one_link_changes_one_password_however_many_try_at_once() {
    one_of_fifty_resets_counts(&[Registry::start()]);
    let mongo = on_mongo(&database_name());
    one_of_fifty_resets_counts(&[mongo.start(), mongo.start()]);
}

fn one_of_fifty_resets_counts(processes: &[Registry]) {
    let registry = &processes[0];
    registry.sign_up(ADA);
    let uuid = registry.reset_uuid(ADA);
    let answers = at_once(50, |n| {
        let password = format!("{NEW_PASSWORD} {n}");
        let sent = post(RESET, &[("uuid", &uuid), ("password", &password)]);
        (processes[n % processes.len()].send(&sent), password)
    });
    let mut done = Vec::new();
    for (answer, password) in answers {
        if answer.status == 200 {
            answer.assert_done("Password reset successful");
            done.push(password);
        } else {
            answer.assert_refused(404, "User not found", None);
        }
    }
    assert_eq!(done.len(), 1);
    assert_eq!(registry.log_in(ADA, &done[0]).status, 200);
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 401);
}

/// Does something so many times at once.
fn at_once<T: Send>(times: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..times).map(|n| scope.spawn(move || work(n))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// ASVS 6.5.1, 7.4.3, 6.3.7, CS-Forgot: a newer link ends the older; a reset ends all sessions, logs nobody
/// in, and is told to the owner by mail.
#[test]
fn a_reset_ends_sessions_logs_nobody_in_and_is_told_by_mail() {
    let registry = Registry::start();
    let laptop = registry.sign_up(ADA).session();
    let phone = registry.log_in(ADA, PASSWORD).session();
    let older = registry.reset_uuid(ADA);
    let newer = registry.reset_uuid(ADA);
    let reset = |uuid: &str| post(RESET, &[("uuid", uuid), ("password", NEW_PASSWORD)]);
    registry
        .send(&reset(&older))
        .assert_refused(404, "User not found", None);
    registry
        .send(&get(&format!("{RESET}?uuid={older}")))
        .assert_refused(404, "User not found", None);
    assert!(registry.is_logged_in(&laptop) && registry.is_logged_in(&phone));

    let done = registry.send(&reset(&newer).by_browser().with("Cookie", &laptop));
    done.assert_leads_to("/auth/login?notice=password-changed");
    assert_eq!(done.cookie("uuid"), None);
    assert!(!registry.is_logged_in(&laptop) && !registry.is_logged_in(&phone));
    let notice = registry.next_mail();
    assert!(
        notice.contains("\r\nSubject: Your fpm-registry password was changed\r\n"),
        "{notice}"
    );
    assert!(
        notice.contains("\r\nTo: ada@example.org\r\n") && !notice.contains("uuid="),
        "{notice}"
    );
}

/// ASVS 4.1.3, CS-Forgot, F16: the link in a mail is the configured one, whatever a request says of hosts.
#[test]
fn a_mailed_link_never_follows_what_a_request_says() {
    let registry = Setup::unlimited()
        .with("PUBLIC_URL", PUBLIC_HTTPS_URL)
        .start();
    registry.sign_up(ADA);
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

// Passwords

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

// Guessing

/// ASVS 6.3.8, CS-Auth, CS-Forgot: nothing in an answer tells an account from none; and a wrong password is
/// compared for a like time where there is no account.
#[test]
fn an_address_with_an_account_looks_like_one_without() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let eve = "eve@example.org";
    let plain = |mut answer: Answer, email: &str| {
        let nonce = answer.nonce().unwrap_or("no nonce").to_owned();
        answer.body = answer.body.replace(&nonce, "").replace(email, "");
        answer.headers.retain(|(name, _)| name != "date");
        for (_, value) in &mut answer.headers {
            *value = value.replace(&nonce, "");
        }
        answer
    };
    for as_client in [|sent: Request| sent, |sent: Request| sent.by_browser()] {
        for sent in [
            |email| login(email, "wrong horse battery"),
            |email| post(FORGOT, &[("email", email)]),
        ] {
            let answer = |email| plain(registry.send(&as_client(sent(email))), email);
            assert_eq!(answer(ADA), answer(eve));
        }
    }
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..30 {
        for (email, times) in [ADA, eve].into_iter().zip(&mut times) {
            let started = Instant::now();
            registry.log_in(email, "wrong horse battery");
            times.push(started.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    assert!(
        unknown * 2 > known && known * 2 > unknown,
        "{known:?} {unknown:?}"
    );
}

/// ASVS 6.3.8, CS-Forgot: a mail server that says nothing delays no answer, so that no time tells an account.
#[test]
fn a_silent_mail_server_delays_no_answer() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    let registry = Setup::unlimited().with("SMTP_URL", &url).start();
    registry.sign_up(ADA);
    let promise = "If this email has an account, a password reset link has been sent to it";
    let started = Instant::now();
    for email in [ADA, "eve@example.org", ADA, "eve@example.org"] {
        let asked = post(FORGOT, &[("email", email)]);
        registry.send(&asked).assert_done(promise);
    }
    assert!(started.elapsed() < 3 * SECOND, "{:?}", started.elapsed());
    let (mail, _) = silent.accept().expect("the mail is on its way");
    drop(mail);
}

/// ASVS 6.1.1, 6.3.1, 2.4.1, NIST 3.2.2: ten failures close an account for a while, and a restart opens nothing.
#[test]
fn attempts_are_remembered_over_a_restart() {
    let registry = Setup::new().start();
    let session = registry.sign_up(ADA).session();
    for _ in 0..10 {
        registry
            .log_in(ADA, "wrong horse battery")
            .assert_refused(401, WRONG, None);
    }
    let setup = registry.setup.clone();
    let closed_by = |registry: &Registry| {
        let answer = registry.log_in(ADA, PASSWORD);
        assert_eq!(answer.status, 429, "{}", answer.body);
        assert!(
            answer.body.contains("Too many attempts, try again in"),
            "{}",
            answer.body
        );
        assert_eq!(answer.all("set-cookie"), [""; 0]);
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=30).contains(&seconds), "{seconds}");
    };
    closed_by(&registry);
    drop(registry);
    let registry = setup.start();
    closed_by(&registry);
    assert!(registry.is_logged_in(session), "who is logged in stays so");
}

/// ASVS 4.1.3, 15.3.4: who is no trusted proxy cannot say that a request comes from elsewhere.
#[test]
fn made_up_addresses_of_clients_pass_no_limit() {
    let registry = Setup::new().start();
    let ask = |n: usize| {
        let address = format!("198.51.100.{n}");
        let email = format!("user{n}@example.org");
        let sent = post(FORGOT, &[("email", &email)]);
        let sent = sent
            .with("X-Forwarded-For", &address)
            .with("X-Real-IP", &address);
        let sent = sent.with("Forwarded", format!("for={address}"));
        registry.send(
            &sent
                .with("True-Client-IP", &address)
                .with("CF-Connecting-IP", address),
        )
    };
    for n in 0..20 {
        assert_eq!(ask(n).status, 200);
    }
    for n in 20..25 {
        let answer = ask(n);
        answer.assert_refused(429, "Too many attempts, try again in 60 minutes", None);
        assert!(answer.header("retry-after").parse::<u64>().unwrap() > 3500);
    }
}

// Bodies

/// ASVS 1.5.3, 15.3.7, F7: what is not text, not whole or said twice is refused, whatever the encoding.
#[test]
fn bodies_that_say_nothing_clear_are_refused() {
    let registry = Registry::start();
    let deep = |depth: usize| format!("{{\"x\":{}", "[".repeat(depth));
    let email_of = |bytes: &[u8]| {
        let start = part("email", "");
        [
            start.trim_end_matches("\r\n").as_bytes(),
            b"\r\n\r\n",
            bytes,
            b"\r\n--frontier--\r\n",
        ]
        .concat()
    };
    let twice = part("email", "a") + &part("email", "a") + "--frontier--\r\n";
    let file = part("email\"; filename=\"f", "a") + "--frontier--\r\n";
    let repeated = "A field is given more than once";
    let no_text = "A field is not text";
    for (content_type, body, message) in [
        (JSON, deep(10_000).into_bytes(), UNREADABLE),
        (JSON, b"".to_vec(), NO_EMAIL),
        (JSON, b"{".to_vec(), UNREADABLE),
        (JSON, b"[]".to_vec(), UNREADABLE),
        (JSON, b"null".to_vec(), UNREADABLE),
        (JSON, b"{} {}".to_vec(), UNREADABLE),
        (JSON, b"\xef\xbb\xbf{}".to_vec(), UNREADABLE),
        (JSON, b"{\"email\":\"\xff\"}".to_vec(), UNREADABLE),
        (JSON, b"{\"email\":\"\\ud800\"}".to_vec(), UNREADABLE),
        (JSON, b"{\"email\":\"\xed\xa0\x80\"}".to_vec(), UNREADABLE),
        (
            JSON,
            b"{\"email\":\"a\",\"email\":\"a\"}".to_vec(),
            repeated,
        ),
        (
            JSON,
            b"{\"email\":\"a\",\"\\u0065mail\":\"a\"}".to_vec(),
            repeated,
        ),
        (JSON, b"{\"email\":null}".to_vec(), no_text),
        (JSON, b"{\"email\":1}".to_vec(), no_text),
        (JSON, b"{\"email\":[\"a\"]}".to_vec(), no_text),
        (FORM, b"email=\xff".to_vec(), UNREADABLE),
        (FORM, b"email=%ff".to_vec(), UNREADABLE),
        (FORM, b"email=%C0%AF".to_vec(), UNREADABLE),
        (FORM, b"email=%ED%A0%80".to_vec(), UNREADABLE),
        (FORM, b"email=%zz".to_vec(), UNREADABLE),
        (FORM, b"email=%".to_vec(), UNREADABLE),
        (FORM, b"\xef\xbb\xbfemail=a".to_vec(), NO_EMAIL),
        (FORM, b"email=a&email=a".to_vec(), repeated),
        (FORM, b"email=a&%65mail=a".to_vec(), repeated),
        (PARTS, email_of(b"\xff"), UNREADABLE),
        (PARTS, b"--frontier\r\n".to_vec(), UNREADABLE),
        (PARTS, b"no boundary".to_vec(), UNREADABLE),
        (PARTS, part("email", "a").into_bytes(), UNREADABLE),
        (PARTS, twice.into_bytes(), repeated),
        (PARTS, file.into_bytes(), no_text),
        ("multipart/form-data", b"--x--".to_vec(), UNREADABLE),
    ] {
        let sent = post_as(content_type, "/auth/login", &[]).with_body(body.clone());
        let field = (message == NO_EMAIL).then_some("email");
        registry.send(&sent).assert_refused(400, message, field);
        registry.send(&sent.by_browser()).assert_page(400, message);
    }
    for content_type in [FORM, PARTS, JSON] {
        let sent = post_as(
            content_type,
            "/auth/login",
            &[("email", "a\0b"), ("password", "x")],
        );
        registry.send(&sent).assert_refused(401, WRONG, None);
        for (name, email, message, field) in [
            (
                "A\0da",
                ADA,
                "Name must not contain line breaks or control characters",
                "name",
            ),
            (
                "Ada",
                "a\0da@example.org",
                "Enter a valid email address",
                "email",
            ),
        ] {
            let fields = [("name", name), ("email", email), ("password", PASSWORD)];
            let answer = registry.send(&post_as(content_type, "/auth/signup", &fields));
            answer.assert_refused(400, message, Some(field));
        }
    }
}

/// ASVS 1.2.4, 15.3.3, 15.3.5, CS-NoSQL, F8: an operator of a database is text or refused, and extra fields
/// change nothing, on both stores.
#[test]
fn operators_and_extra_fields_reach_no_store() {
    for setup in [Setup::unlimited(), on_mongo(&database_name())] {
        let registry = setup.start();
        registry.sign_up(ADA);
        for (content_type, body) in [
            (JSON, r#"{"email":{"$gt":""},"password":{"$gt":""}}"#),
            (JSON, r#"{"email":"ada@example.org","password":{"$ne":""}}"#),
            (
                JSON,
                r#"{"email":"ada@example.org","password":{"$regex":".*"}}"#,
            ),
            (
                JSON,
                r#"{"email":["ada@example.org"],"password":["$where"]}"#,
            ),
        ] {
            for path in ["/auth/login", "/auth/signup"] {
                let body = body.replacen('{', "{\"name\":\"Ada\",", 1);
                let sent = post_as(content_type, path, &[]).with_body(body);
                registry
                    .send(&sent)
                    .assert_refused(400, "A field is not text", None);
            }
        }
        for content_type in [FORM, PARTS, JSON] {
            for name in ["email[$ne]", "email[]", "email.$gt", "$where", "EMAIL"] {
                let fields = [(name, ADA), ("password[$ne]", "x"), ("password", "x")];
                let answer = registry.send(&post_as(content_type, "/auth/login", &fields));
                answer.assert_refused(400, NO_EMAIL, Some("email"));
            }
            for email in [
                r#"{"$gt":""}"#,
                "' || '1'=='1",
                "$where",
                "ada@example.org'--",
                ".*",
            ] {
                let fields = [("email", email), ("password", PASSWORD)];
                let answer = registry.send(&post_as(content_type, "/auth/login", &fields));
                answer.assert_refused(401, WRONG, None);
            }
            for uuid in [r#"{"$ne":null}"#, "", "*", "null", "[object Object]"] {
                let fields = [("uuid", uuid), ("password", NEW_PASSWORD)];
                let answer = registry.send(&post_as(content_type, RESET, &fields));
                answer.assert_refused(404, "User not found", None);
            }
        }
        let extra = [
            ("name", "Eve"),
            ("email", "eve@example.org"),
            ("password", PASSWORD),
            ("_id", "1"),
            ("role", "admin"),
            ("verified", "true"),
            ("sessions", MADE_UP),
            ("uuid", MADE_UP),
        ];
        registry
            .send(&post_as(JSON, "/auth/signup", &extra))
            .assert_done("Signup successful");
        assert!(!registry.is_logged_in(format!("uuid={MADE_UP}")));
        assert!(!registry.is_logged_in("uuid={\"$ne\":1}"));
        assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
    }
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
        for path in POSTS {
            let sent = post_as(content_type, path, &[]).with_body(body.clone());
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

/// F6: a body in chunks counts as any other, and one that never ends or cannot be read is refused.
#[test]
fn bodies_in_chunks_are_read_within_the_same_limits() {
    let registry = Registry::start();
    let send = |body: &[u8]| {
        let head = format!(
            "POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        Answer::parse(&registry.exchange(&[head.as_bytes(), body].concat()))
    };
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let whole = chunk("email=jo") + &chunk("hn&password=doe") + "0\r\n\r\n";
    send(whole.as_bytes()).assert_refused(401, WRONG, None);
    let trailer = chunk("email=john&password=doe") + "0\r\nCookie: uuid=x\r\n\r\n";
    send(trailer.as_bytes()).assert_refused(401, WRONG, None);
    for large in [
        chunk("a").repeat(17 * 1024),
        chunk(&"a".repeat(17 * 1024)),
        chunk(&"a".repeat(1024)).repeat(1024),
    ] {
        send(large.as_bytes()).assert_refused(413, LARGE, None);
    }
    for broken in [
        "zz\r\na\r\n0\r\n\r\n".to_owned(),
        "-1\r\na\r\n0\r\n\r\n".to_owned(),
        "fffffffffffffffff\r\na\r\n0\r\n\r\n".to_owned(),
        "1\r\nab\r\n0\r\n\r\n".to_owned(),
        format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(64 * 1024)),
        chunk("a") + "0\r\n" + &"X-Filler: a\r\n".repeat(10_000) + "\r\n",
    ] {
        send(broken.as_bytes()).assert_refused(400, UNREADABLE, None);
    }
}

/// ASVS 4.2.1, F6: a length that is not the body's is never waited for once the client is gone, and one
/// that is no number is refused.
#[test]
fn lengths_that_lie_are_refused() {
    let registry = Registry::start();
    let head = |length: &str| {
        format!(
            "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    for length in [
        "-1",
        "+7",
        "0x7",
        "7, 7",
        "7 7",
        "99999999999999999999",
        "seven",
    ] {
        assert_bare_400(&registry.exchange((head(length) + "email=a").as_bytes()));
    }
    let mut stream = registry.connect();
    stream
        .write_all((head("100") + "email=a").as_bytes())
        .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let started = Instant::now();
    let answer = Answer::parse(&read_all(&mut stream));
    answer.assert_refused(400, UNREADABLE, None);
    assert!(started.elapsed() < 5 * SECOND);
    // What is past the length is another request, here one that cannot be read.
    let all = registry.exchange((head("7") + "email=a&password=x").as_bytes());
    assert_eq!(statuses(&all), [400, 400]);
}

/// The answer to what is no HTTP: nothing but a status, and the end of the connection.
#[track_caller]
fn assert_bare_400(bytes: &[u8]) {
    let answer = Answer::parse(bytes);
    assert_eq!((answer.status, &*answer.body), (400, ""), "{answer:?}");
    assert_eq!(answer.header("connection"), "close");
}

/// The status of each answer on one connection.
fn statuses(bytes: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(bytes);
    let starts = text.split("HTTP/1.1 ").skip(1);
    starts.map(|start| start[..3].parse().unwrap()).collect()
}

/// ASVS 4.2.1, F21: where the end of a request is in doubt, nothing behind it is ever answered.
#[test]
fn a_request_of_doubtful_length_hides_no_other() {
    let registry = Registry::start();
    let hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    for (headers, body, status) in [
        (
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
            400,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "0\r\n\r\n",
            400,
        ),
        ("Content-Length: 0\r\nContent-Length: 35\r\n", "", 400),
        ("Content-Length: 35\r\nContent-Length: 0\r\n", "", 400),
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n", 400),
        (
            "Transfer-Encoding: identity\r\nContent-Length: 0\r\n",
            "",
            400,
        ),
        ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n", 400),
        (
            "Content-Length: 0\r\n Transfer-Encoding: chunked\r\n",
            "",
            400,
        ),
        ("Content-Length\r\n: 35\r\n", "", 400),
        ("X: a\rContent-Length: 35\r\n", "", 400),
    ] {
        let head = format!("POST /auth/login HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let all = registry.exchange((head + body + hidden).as_bytes());
        assert_eq!(statuses(&all), [status], "{headers}");
    }
    let old = "POST /auth/login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let all = registry.exchange((old.to_owned() + hidden).as_bytes());
    assert_eq!(statuses(&all), [400]);
    // The body of a request that wants none is no request either.
    for (start, status) in [
        ("GET /auth/login", 200),
        ("DELETE /auth/login", 405),
        ("GET /nowhere", 404),
    ] {
        let length = hidden.len();
        let head = format!("{start} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        let end = get("/favicon.svg").bytes();
        let all = registry.exchange(&[head.as_bytes(), hidden.as_bytes(), &end].concat());
        let answered = statuses(&all);
        assert!(
            answered == [status, 200] || answered == [status],
            "{answered:?}"
        );
    }
    // One after the other, each is answered.
    let one = "GET /auth/login HTTP/1.1\r\nHost: x\r\n\r\n".to_owned();
    let all = registry.exchange(&[one.as_bytes(), &get("/nowhere").bytes()].concat());
    assert_eq!(statuses(&all), [200, 404]);
}

// Words from outside

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
    let mail = registry.next_mail();
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
    let links = body.matches("://").count();
    assert_eq!(
        links,
        body.matches(&format!("{PUBLIC_URL}{RESET}?uuid=")).count(),
        "{body}"
    );
    assert_eq!(registry.unread_mail(), None);
}

/// ASVS 3.7.2, CS-Redirects, F15: a login leads nowhere but to a path of this site.
#[test]
fn next_leads_to_no_other_site() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let long = format!("/{}", "a".repeat(8 * 1024));
    for next in [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "//evil.example/%2f..",
        "%2f%2fevil.example",
        "/%2fevil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/%5cevil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/..//evil.example",
        "/a/../../evil.example",
        "@evil.example",
        "/a\r\nSet-Cookie: uuid=x",
        "/a%0d%0aSet-Cookie:uuid=x",
        "/\0/evil.example",
        " //evil.example",
        "registry.example.org@evil.example",
        ".evil.example",
        &long,
    ] {
        let fields = [("email", ADA), ("password", PASSWORD), ("next", next)];
        let answer = registry.send(&post("/auth/login", &fields).by_browser());
        answer.assert_leads_to("/");
        let query = encode(FORM, &[("next", next)]);
        for page in ["/auth/login", "/auth/signup"] {
            let page = get(&format!("{page}?{query}")).by_browser();
            registry
                .send(&page.clone().with("Cookie", &session))
                .assert_leads_to("/");
            let shown = registry.send(&page);
            shown.assert_page(200, "type=\"hidden\" name=\"next\" value=\"/\"");
            assert!(!shown.body.contains("evil"), "{}", shown.body);
        }
    }
    let fields = [
        ("email", ADA),
        ("password", PASSWORD),
        ("next", "/packages?q=a%20b"),
    ];
    let answer = registry.send(&post("/auth/login", &fields).by_browser());
    answer.assert_leads_to("/packages?q=a%20b");
}

/// ASVS 1.2.1, 1.3.1: what was typed is shown as text and never as markup.
#[test]
fn what_was_typed_is_shown_as_text() {
    let registry = Registry::start();
    let script = "\"><script>alert(1)</script><!--";
    let fields = [
        ("name", script),
        ("email", script),
        ("password", PASSWORD),
        ("next", script),
    ];
    for path in ["/auth/login", "/auth/signup", FORGOT] {
        let page = registry.send(&post(path, &fields).by_browser());
        assert!(page.body.contains("&lt;script&gt;"), "{}", page.body);
        assert!(!page.body.contains("<script>alert"), "{}", page.body);
    }
    let fields = [("name", script), ("email", ADA), ("password", PASSWORD)];
    let session = registry.send(&post("/auth/signup", &fields)).session();
    let page = registry.send(&get("/").with("Cookie", session));
    assert!(page.body.contains("&lt;script&gt;"), "{}", page.body);
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    let query = encode(
        FORM,
        &[("notice", script), ("next", script), ("__err", script)],
    );
    for path in PAGES {
        let page = registry.send(&get(&format!("{path}?{query}")).by_browser());
        assert!(!page.body.contains("alert(1)"), "{}", page.body);
    }
}

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

// What is there, and what is not

/// ASVS 4.1.4, 13.4.4: a method that is not for a path is refused, and nothing is traced back.
#[test]
fn other_methods_are_refused_on_every_route() {
    let registry = Registry::start();
    for (path, allowed) in [
        ("/", &["GET", "HEAD"][..]),
        ("/auth/login", &["GET", "HEAD", "POST"]),
        ("/auth/signup", &["GET", "HEAD", "POST"]),
        (RESET, &["GET", "HEAD", "POST"]),
        ("/auth/logout", &["POST"]),
        (FORGOT, &["POST"]),
        ("/favicon.svg", &["GET", "HEAD"]),
    ] {
        for method in METHODS.into_iter().chain(["CONNECT", "BREW"]) {
            let sent = request(method, path).with("X-HTTP-Method-Override", "GET");
            let answer = registry.send(&sent.with("X-Echo", "echoed"));
            assert!(!answer.body.contains("echoed"));
            if allowed.contains(&method) {
                assert_ne!(answer.status, 405, "{method} {path}");
                continue;
            }
            let mut allow: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
            allow.sort_unstable();
            assert_eq!((answer.status, &*allow), (405, allowed), "{method} {path}");
            match method {
                "HEAD" => assert_eq!(answer.body, ""),
                _ => answer.assert_refused(405, NO_METHOD, None),
            }
        }
    }
    for start in [
        "CONNECT evil.example:443",
        "OPTIONS *",
        "GET http://evil.example/nowhere",
    ] {
        let sent = format!("{start} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = Answer::parse(&registry.exchange(sent.as_bytes()));
        answer.assert_refused(404, "Page not found", None);
    }
}

/// ASVS 13.4.1, 13.4.5, 13.4.6, 13.4.7, 16.5.1: nothing is served that is not of the site, and errors tell nothing of what is within.
#[test]
fn nothing_but_the_site_is_served() {
    let registry = Registry::start();
    for path in [
        "/.git/HEAD",
        "/.git/config",
        "/.env",
        "/.probe",
        "/Cargo.toml",
        "/Cargo.lock",
        "/Leptos.toml",
        "/hash.txt",
        "/src/main.rs",
        "/data/outbox",
        "/outbox/",
        "/pkg/",
        "/pkg/fpm-registry.js.map",
        "/pkg/fpm-registry.wasm.map",
        "/pkg/fpm-registry.css.map",
        "/metrics",
        "/server-status",
        "/debug/vars",
        "/api/login",
        "/auth/",
        "/auth/login/",
        "//auth/login",
        "/AUTH/LOGIN",
        "/../Cargo.toml",
        "/favicon.svg/../../Cargo.toml",
        "/..%2fCargo.toml",
        "/%2e%2e/Cargo.toml",
        "/%2e%2e%2fCargo.toml",
        "/..\\Cargo.toml",
        "//etc/passwd",
        "/etc/passwd",
        "/favicon.svg%00",
        "/favicon.svg/",
    ] {
        registry
            .send(&get(path))
            .assert_refused(404, "Page not found", None);
        let page = registry.send(&get(path).by_browser());
        page.assert_page(404, "Page not found");
        for inner in [
            "axum",
            "leptos_router",
            "hyper",
            "src/",
            "rustc",
            "fpm_registry",
        ] {
            assert!(!page.body.contains(inner), "{inner} is in {}", page.body);
        }
    }
    assert_eq!(registry.send(&get("/favicon.svg")).status, 200);
}

// Slow and many clients

/// ASVS 13.1.3, 13.2.6, 15.1.3, F5: a client that sends or takes nothing keeps its connection only so long.
#[test]
fn a_client_is_waited_for_only_so_long() {
    let registry = Registry::start();
    thread::scope(|scope| {
        for client in [
            says_nothing,
            drips_its_head,
            stalls_its_body,
            drips_its_body,
            stays_idle,
            drips_its_second_head,
            takes_no_answer,
        ] {
            let registry = &registry;
            scope.spawn(move || client(registry));
        }
    });
}

const SECOND: Duration = Duration::from_secs(1);

/// How many seconds the connection lives while this is sent once a second; and what came meanwhile.
fn life(stream: &mut TcpStream, drip: &[u8]) -> (u64, Vec<u8>) {
    stream.set_read_timeout(Some(SECOND)).unwrap();
    let started = Instant::now();
    let mut came = Vec::new();
    let mut some = [0; 4096];
    loop {
        assert!(started.elapsed() < 90 * SECOND, "never closed");
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(n) => came.extend_from_slice(&some[..n]),
            Err(error) if is_closed(&error) => break,
            // The answer may be on its way though no more can be sent.
            Err(_) => drop(stream.write_all(drip)),
        }
    }
    (started.elapsed().as_secs(), came)
}

#[track_caller]
fn assert_within(seconds: u64, range: std::ops::RangeInclusive<u64>) {
    assert!(
        range.contains(&seconds),
        "closed after {seconds} s, not {range:?}"
    );
}

fn says_nothing(registry: &Registry) {
    let (seconds, came) = life(&mut registry.connect(), b"");
    assert_within(seconds, 9..=13);
    assert_eq!(came, b"");
}

fn drips_its_head(registry: &Registry) {
    let mut stream = registry.connect();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        .unwrap();
    let (seconds, came) = life(&mut stream, b"a");
    assert_within(seconds, 9..=13);
    assert_eq!(came, b"");
}

const STALLING: &[u8] = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\
    Content-Type: application/x-www-form-urlencoded\r\n\r\nemail";

fn stalls_its_body(registry: &Registry) {
    let mut stream = registry.connect();
    stream.write_all(STALLING).unwrap();
    let (seconds, came) = life(&mut stream, b"");
    assert_within(seconds, 9..=13);
    Answer::parse(&came).assert_refused(408, "The request took too long", None);
}

fn drips_its_body(registry: &Registry) {
    let mut stream = registry.connect();
    stream.write_all(STALLING).unwrap();
    let (seconds, came) = life(&mut stream, b"a");
    assert_within(seconds, 9..=13);
    Answer::parse(&came).assert_refused(408, "The request took too long", None);
}

/// A connection that has had its answer may lie idle, as those of browsers do.
fn stays_idle(registry: &Registry) {
    let mut stream = registry.connect();
    stream
        .write_all(b"GET /favicon.svg HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let (seconds, came) = life(&mut stream, b"");
    assert_eq!(statuses(&came), [200]);
    assert_within(seconds, 55..=66);
}

fn drips_its_second_head(registry: &Registry) {
    let mut stream = registry.connect();
    stream
        .write_all(b"GET /favicon.svg HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    thread::sleep(20 * SECOND);
    stream
        .write_all(b"GET /favicon.svg HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    thread::sleep(SECOND);
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        .unwrap();
    let (seconds, came) = life(&mut stream, b"a");
    assert_eq!(
        statuses(&came),
        [200, 200],
        "open after 20 s without a request"
    );
    assert_within(seconds, 9..=13);
}

/// Asks for page after page and reads none.
fn takes_no_answer(registry: &Registry) {
    let mut stream = registry.connect();
    stream.set_write_timeout(Some(SECOND)).unwrap();
    let some = "GET /auth/login HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let started = Instant::now();
    let mut taken_at = Instant::now();
    let mut begun = 0;
    let closed = loop {
        assert!(started.elapsed() < 120 * SECOND, "never closed");
        match stream.write(&some.as_bytes()[begun..]) {
            Ok(n) => {
                begun = (begun + n) % some.len();
                taken_at = Instant::now();
            }
            Err(error) if is_closed(&error) => break error,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    };
    let seconds = taken_at.elapsed().as_secs();
    assert!((20..=45).contains(&seconds), "{closed} after {seconds} s");
}

/// ASVS 2.4.1, 15.2.2, F13: a flood of logins costs neither the memory nor the pages of the registry.
#[test]
fn a_flood_of_logins_leaves_the_registry_standing() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let (answers, slowest) = thread::scope(|scope| {
        let flood = scope.spawn(|| at_once(500, |_| registry.log_in(ADA, "wrong horse battery")));
        let mut slowest = Duration::ZERO;
        while !flood.is_finished() {
            let started = Instant::now();
            assert_eq!(registry.send(&get("/auth/login")).status, 200);
            slowest = slowest.max(started.elapsed());
        }
        (flood.join().unwrap(), slowest)
    });
    let mut wrong = 0;
    for answer in answers {
        if answer.status == 401 {
            answer.assert_refused(401, WRONG, None);
            wrong += 1;
        } else {
            answer.assert_refused(503, "The registry is busy, try again in a moment", None);
            assert_eq!(answer.header("retry-after"), "5");
        }
    }
    assert!(wrong > 0, "nobody is let in");
    assert!(slowest < 3 * SECOND, "a page took {slowest:?}");
    assert!(registry.peak_mib() < 250, "{} MiB", registry.peak_mib());
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
}

/// ASVS 13.1.2, 13.2.6, F5, F20: who opens as many connections as they can, from one network or from ten, keeps no
/// other out, even if the system lets a process open few files.
#[test]
fn a_crowd_of_connections_keeps_no_other_out() {
    let mut setup = Setup::unlimited().with("LEPTOS_SITE_ADDR", "[::]:0");
    setup.open_files = Some(256);
    for networks in [1, 2, 10] {
        let registry = setup.start();
        let port = registry.address.port();
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let crowd: Vec<_> = (0..240)
            .map(|n| {
                let from = format!("127.0.0.{}:0", 2 + n % networks);
                runtime.block_on(async {
                    let socket = tokio::net::TcpSocket::new_v4().unwrap();
                    socket.bind(from.parse().unwrap()).unwrap();
                    socket.connect(address).await.unwrap()
                })
            })
            .collect();
        for _ in 0..5 {
            let mut other = TcpStream::connect(("::1", port)).unwrap();
            other.set_read_timeout(Some(5 * SECOND)).unwrap();
            other.write_all(&get("/auth/login").bytes()).unwrap();
            let answer = Answer::parse(&read_all(&mut other));
            assert_eq!(answer.status, 200, "{networks} networks");
        }
        drop(crowd);
    }
}

/// The same: a trusted proxy may open more than that, since its clients are many.
#[test]
fn a_trusted_proxy_may_open_all_connections() {
    let mut setup = Setup::unlimited().with("TRUSTED_PROXIES", "127.0.0.0/8");
    setup.open_files = Some(256);
    let registry = setup.start();
    // Half would be 114.
    let mut crowd: Vec<TcpStream> = (0..200).map(|_| registry.connect()).collect();
    for connection in &mut crowd {
        connection.write_all(&get("/auth/login").bytes()).unwrap();
        assert_eq!(Answer::parse(&read_all(connection)).status, 200);
    }
}
