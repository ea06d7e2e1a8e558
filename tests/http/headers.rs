//! The headers of every answer, and requests from other sites.

use std::collections::HashSet;

use axum::{body::Body, http::Request};
use fpm_registry::forms::FORMS;

use crate::{
    ADA,
    common::{EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
};

contract! {
    requests_from_other_sites
    headers_of_every_answer
}

async fn requests_from_other_sites(registry: Registry) {
    registry.add_user(ADA).await;
    let fields = format!(
        "email=ada%40example.org&password={}",
        PASSWORD.replace(' ', "+")
    );
    for form in FORMS {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            for kind in [EVERY_CLIENT[0], Kind::Browser] {
                let request = Request::post(form.path)
                    .header("accept", kind.accept())
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header(name, value)
                    .body(Body::from(fields.clone()));
                let answer = registry.send(request.unwrap()).await;
                answer.assert_refused(kind, 403, "This request came from another site", None);
                assert_eq!(answer.set_cookies(), [""; 0]);
            }
        }
    }
    let ours = Request::post("/auth/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "http://localhost:9090")
        .body(Body::from(fields));
    assert_eq!(registry.send(ours.unwrap()).await.status, 200);
}

async fn headers_of_every_answer(registry: Registry) {
    for answer in [
        registry.browser().get("/").await,
        registry.browser().get("/auth/login").await,
        registry.browser().get("/nowhere").await,
        registry.program().get("/nowhere").await,
        registry.program().login("john", "doe").await,
        registry.browser().login("john", "doe").await,
        registry.browser().post("/auth/logout", &[]).await,
    ] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("strict-transport-security"), "");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }
    let nonces: HashSet<String> = [
        registry.browser().get("/auth/login").await,
        registry.browser().get("/auth/login").await,
    ]
    .iter()
    .map(|page| page.header("content-security-policy").to_owned())
    .collect();
    assert_eq!(nonces.len(), 2, "every page has a nonce of its own");
}
