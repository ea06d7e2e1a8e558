//! What every page has in common, and what it tells nobody else.

use std::collections::HashSet;

use fpm_registry::{accounts::token::Token, server::PAGES};

use crate::{
    Keys, PROGRAM,
    common::{Kept, Kind, PASSWORD, Registry},
    form_token,
};

contract! {
    head_goes_where_get_does
    the_way_to_change_a_password_is_well_known
    links_are_apart_without_the_style_too
}

async fn head_goes_where_get_does(registry: Registry) {
    let keys = Keys::of(&registry).await;
    for path in PAGES.iter().map(|page| page.path) {
        let answer = keys.visitor(&registry, PROGRAM, path).head(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, ""),
            "{path}"
        );
    }
}

/// What password managers open to change a password (W3C, a well-known URL for changing passwords).
async fn the_way_to_change_a_password_is_well_known(registry: Registry) {
    for kind in [PROGRAM, Kind::Browser] {
        let answer = registry
            .client(kind)
            .get("/.well-known/change-password")
            .await;
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), "/auth/reset-password");
    }
}

async fn links_are_apart_without_the_style_too(registry: Registry) {
    let keys = Keys::of(&registry).await;
    let pages = PAGES.iter().map(|page| page.path);
    for path in pages.chain(["/nowhere"]) {
        let visitor = keys.visitor(&registry, Kind::Browser, path);
        let page = visitor.get(path).await;
        assert!(!page.body.contains("</a><a"), "{}", page.body);
    }
}

#[tokio::test]
async fn a_page_that_is_the_same_for_all_tells_nobody_what_is_another_visitors() {
    let registry = Registry::start(Kept::Embedded).await;
    let pages = PAGES.iter().map(|page| page.path);
    for path in pages.filter(|path| !Keys::are_needed(path)) {
        let mut pages = Vec::new();
        for _ in 0..3 {
            let visitor = registry.browser();
            let page = visitor.get(path).await;
            assert_eq!(page.status, 200);
            let nonce = page.nonce().to_owned();
            let token = form_token(&page.body);
            assert_eq!(token.is_empty(), path == "/", "{}", page.body);
            if !token.is_empty() {
                let cookie = Token::parse(&visitor.cookie("form").unwrap()).unwrap();
                assert_eq!(token, cookie.digest().to_string());
            }
            pages.push((page.body, nonce, token));
        }
        let bare = |(body, nonce, token): &(String, String, String)| {
            body.replace(nonce, "").replace(token, "")
        };
        let bodies: HashSet<String> = pages.iter().map(bare).collect();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        let nonces: HashSet<&String> = pages.iter().map(|(_, nonce, _)| nonce).collect();
        assert_eq!(nonces.len(), 3);
    }
}

#[tokio::test]
async fn what_one_visitor_is_shown_no_other_is() {
    let registry = Registry::start(Kept::Embedded).await;
    let visitor = registry.browser();
    for (path, shown) in [
        ("/auth/login?next=/packages/stdlib", "/packages/stdlib"),
        (
            "/auth/login?notice=password-changed",
            "Your password was changed",
        ),
    ] {
        for _ in 0..2 {
            assert!(
                !registry
                    .browser()
                    .get("/auth/login")
                    .await
                    .body
                    .contains(shown)
            );
            assert!(visitor.get(path).await.body.contains(shown));
        }
    }
    registry.add_user("ada@example.org").await;
    visitor.login("ada@example.org", PASSWORD).await;
    assert!(visitor.is_logged_in().await);
    assert!(!registry.browser().is_logged_in().await);
    assert!(visitor.is_logged_in().await);
}
