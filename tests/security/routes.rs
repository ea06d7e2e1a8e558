//! Which methods and paths are answered, and which are not.

use fpm_registry::{
    forms::{
        FORMS,
        form::{Form, Gate},
    },
    server::PAGES,
};

use crate::{
    METHODS, NO_METHOD,
    socket::{Answer, Registry, get, request},
};

/// ASVS 4.1.4, 13.4.4: a method that is not for a path is refused, and nothing is traced back.
#[test]
fn other_methods_are_refused_on_every_route() {
    let registry = Registry::start();
    let pages = PAGES.iter().map(|page| page.path);
    let forms = FORMS.iter().map(|form| form.path);
    let others = [
        "/account/export",
        "/favicon.svg",
        "/health/live",
        "/health/ready",
        "/openapi.json",
    ];
    for path in pages.chain(forms).chain(others) {
        let allowed = allowed_at(path);
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

/// The methods for a path: a page and a file are read, and a form is sent.
fn allowed_at(path: &str) -> &'static [&'static str] {
    let Some(form) = Form::at(path) else {
        return &["GET", "HEAD"];
    };
    let is_page = PAGES.iter().any(|page| page.path == path);
    // A form for who is logged in leads to its page.
    match is_page || form.gate != Gate::Anyone {
        true => &["GET", "HEAD", "POST"],
        false => &["POST"],
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
