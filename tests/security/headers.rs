//! The headers of every answer, and what a page may load and run.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use fpm_registry::{forms::FORMS, server::PAGES};

use crate::{
    ADA, FORGOT, MADE_UP, METHODS, RESET, attribute,
    keys::Keys,
    socket::{
        Answer, JSON, PASSWORD, PUBLIC_HTTPS_URL, PUBLIC_URL, Registry, Request, Setup, get, login,
        post, post_as, request,
    },
    tags,
};

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
    let keys = Keys::of_a_user(registry, ADA);
    let uuid = registry.reset_uuid(ADA);
    let mut requests = Vec::new();
    let pages = PAGES.iter().map(|page| page.path);
    let forms = FORMS.iter().map(|form| form.path);
    let others = ["/account/export", "/nowhere", "/favicon.svg"];
    for path in pages.chain(forms).chain(others) {
        for method in METHODS {
            requests.push(request(method, path));
        }
        requests.push(keys.open(path));
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
    let keys = Keys::of_a_user(&registry, ADA);
    let mut nonces = BTreeSet::new();
    let pages = PAGES.iter().map(|page| page.path);
    for path in pages.chain(["/nowhere"]) {
        for _ in 0..3 {
            let page = registry.send(&keys.open(path).by_browser());
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
                    // The secret that an authenticator app on this very device reads.
                    let is_of_app = |place: &str| {
                        path == "/account/totp" && place.starts_with("otpauth://totp/fpm-registry:")
                    };
                    let is_allowed = |place| is_own_path(place) || is_of_app(place);
                    assert!(place.is_none_or(is_allowed), "{path}: {tag}");
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

fn is_own_path(place: &str) -> bool {
    place.starts_with('/') && !place.starts_with("//")
}
