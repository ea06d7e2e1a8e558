//! Errors: bodies, paths and methods that are refused, a panic, and a store out of reach.

use std::time::Duration;

use axum::{body::Body, http::Request};
use fpm_registry::accounts::token::Token;

use crate::{
    ADA, Keys,
    common::{Answer, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
    forms::forms_with,
};

contract! {
    bodies_that_cannot_be_read
    errors_on_every_path
}

async fn bodies_that_cannot_be_read(registry: Registry) {
    let session = Keys::of(&registry).await.session;
    let large = format!("email={}", "a".repeat(16 * 1024));
    for (content_type, body, code, message) in [
        ("text/plain", "email=a", 415, "Send a form or a JSON object"),
        ("", "email=a", 415, "Send a form or a JSON object"),
        (
            "application/json",
            "{\"email\":",
            400,
            "The request cannot be read",
        ),
        (
            "application/x-www-form-urlencoded",
            "email=%ff",
            400,
            "The request cannot be read",
        ),
        (
            "application/x-www-form-urlencoded",
            "email=a&email=b",
            400,
            "A field is given more than once",
        ),
        (
            "application/json",
            "{\"email\":{\"$gt\":\"\"}}",
            400,
            "A field is not text",
        ),
        (
            "application/x-www-form-urlencoded",
            &large,
            413,
            "The request is too large",
        ),
    ] {
        for form in forms_with("email") {
            for kind in [EVERY_CLIENT[0], Kind::Browser] {
                let mut request = Request::post(form.path)
                    .header("accept", kind.accept())
                    .header("cookie", format!("uuid={session}"));
                if !content_type.is_empty() {
                    request = request.header("content-type", content_type);
                }
                let answer = registry
                    .send(request.body(Body::from(body.to_owned())).unwrap())
                    .await;
                answer.assert_refused(kind, code, message, None);
            }
        }
    }
    let nothing = Request::post("/auth/login").body(Body::empty()).unwrap();
    registry.send(nothing).await.assert_refused(
        EVERY_CLIENT[0],
        400,
        "Email is required",
        Some("email"),
    );
}

async fn errors_on_every_path(registry: Registry) {
    for (method, path, code, message, allow) in [
        ("GET", "/nowhere", 404, "Page not found", ""),
        ("POST", "/nowhere", 404, "Page not found", ""),
        ("GET", "/Cargo.toml", 404, "Page not found", ""),
        ("GET", "/Leptos.toml", 404, "Page not found", ""),
        ("GET", "/.git/HEAD", 404, "Page not found", ""),
        ("GET", "/../Cargo.toml", 404, "Page not found", ""),
        ("GET", "/auth/login/", 404, "Page not found", ""),
        (
            "GET",
            "/auth/logout",
            405,
            "This method is not allowed here",
            "POST",
        ),
        (
            "GET",
            "/auth/forgot-password",
            405,
            "This method is not allowed here",
            "POST",
        ),
        (
            "HEAD",
            "/auth/logout",
            405,
            "This method is not allowed here",
            "POST",
        ),
        (
            "PUT",
            "/auth/login",
            405,
            "This method is not allowed here",
            "GET,HEAD,POST",
        ),
        (
            "OPTIONS",
            "/auth/login",
            405,
            "This method is not allowed here",
            "GET,HEAD,POST",
        ),
        (
            "DELETE",
            "/auth/reset-password",
            405,
            "This method is not allowed here",
            "GET,HEAD,POST",
        ),
        (
            "POST",
            "/",
            405,
            "This method is not allowed here",
            "GET,HEAD",
        ),
        (
            "TRACE",
            "/auth/signup",
            405,
            "This method is not allowed here",
            "GET,HEAD,POST",
        ),
    ] {
        for kind in [EVERY_CLIENT[0], Kind::Browser] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("accept", kind.accept());
            let answer: Answer = registry.send(request.body(Body::empty()).unwrap()).await;
            answer.assert_refused(kind, code, message, None);
            let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
            allowed.sort_unstable();
            assert_eq!(allowed.join(","), allow, "{method} {path}");
            assert!(answer.header("vary").contains("Accept"), "{method} {path}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
    }
}

/// A handler that panics costs its client an answer of 500, and nobody else anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_answer() {
    async fn panics() {
        panic!("secret cause");
    }
    let registry = Registry::start(Kept::Embedded).await;
    let registry = registry.with_routes(axum::Router::new().route("/", axum::routing::get(panics)));
    for (kind, client) in [
        (EVERY_CLIENT[0], registry.program()),
        (Kind::Browser, registry.browser()),
    ] {
        let answer = client.get("/").await;
        answer.assert_refused(
            kind,
            500,
            "Something went wrong, try again in a moment",
            None,
        );
        assert!(!answer.body.contains("secret cause"));
    }
}

/// With MongoDB gone, pages that need no user are served, and the rest says when to come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_out_of_reach_is_an_answer() {
    let (registry, mongod) = Registry::start_on_own_mongod().await;
    registry.add_user(ADA).await;
    let visitor = registry.browser();
    visitor.login(ADA, PASSWORD).await;
    drop(mongod);
    for path in ["/auth/login", "/auth/signup"] {
        assert_eq!(visitor.get(path).await.status, 200);
    }
    let message = "The registry is not available right now, try again in a moment";
    let started = std::time::Instant::now();
    let page = visitor.get("/").await;
    page.assert_refused(Kind::Browser, 503, message, None);
    assert_eq!(page.header("retry-after"), "5");
    let link = Token::random().reveal();
    visitor.set_cookie("reset", &link);
    let page = visitor
        .post("/auth/reset-password", &[("password", "plum tractor glow")])
        .await;
    page.assert_refused(Kind::Browser, 503, message, None);
    assert_eq!(page.header("retry-after"), "5");
    assert!(
        !page.body.contains("<form"),
        "not the form of another page: {}",
        page.body
    );
    assert_eq!(visitor.cookie("reset"), Some(link), "going back works");
    for kind in EVERY_CLIENT {
        let answer = registry.client(kind).login(ADA, PASSWORD).await;
        answer.assert_refused(kind, 503, message, None);
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert!(
        started.elapsed() < 7 * Duration::from_secs(3),
        "an answer took over three seconds"
    );
}
