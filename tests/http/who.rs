//! `/auth/whoami` and `/auth/forward`: what services and proxies are told of who somebody is.

use serde_json::{Value, json};

use crate::{
    ADA, DAY, PROGRAM,
    common::{Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry},
    is_now,
    token_check::NOBODYS,
    upload_tokens::make,
};

contract! {
    a_session_says_who_it_is
    a_token_says_who_it_is
    a_token_counts_alone
    who_is_nobody_is_told_so
    a_proxy_is_told_in_headers
    a_proxy_is_told_nothing_that_is_not_confirmed
    a_proxy_sends_nobody_to_log_in
    a_login_leads_back_to_what_a_proxy_protects
    whoami_says_no_more_than_a_session_that_has_ended
}

pub const WHOAMI: &str = "/auth/whoami";
pub const FORWARD: &str = "/auth/forward";
const NOBODY: &str = "Log in first";

async fn id_of(client: &Client<'_>) -> Value {
    client.facts("/account/export").await["id"].clone()
}

async fn by_token(client: &Client<'_>, token: &str) -> Answer {
    client.get_with(WHOAMI, "authorization", token).await
}

async fn a_session_says_who_it_is(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.signed_up(kind, &email).await;
        let answer = ada.get(WHOAMI).await;
        let facts = answer.json();
        let whole = json!({
            "id": id_of(&ada).await,
            "name": "Ada Lovelace",
            "email": email,
            "email_confirmed": false,
            "via": "session",
            "authenticated_at": facts["authenticated_at"],
            "second_factor": false,
        });
        assert_eq!((answer.status.as_u16(), &facts), (200, &whole));
        assert!(is_now(&registry, &facts["authenticated_at"]));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

async fn a_token_says_who_it_is(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "*", "publish").await;
    for scheme in ["Bearer", "bearer"] {
        let answer = by_token(&registry.program(), &format!("{scheme} {text}")).await;
        let facts = answer.json();
        let whole = json!({
            "id": id_of(&ada).await,
            "name": "Ada Lovelace",
            "email": ADA,
            "email_confirmed": true,
            "via": "token",
            "authenticated_at": facts["authenticated_at"],
            "second_factor": false,
        });
        assert_eq!((answer.status.as_u16(), &facts), (200, &whole));
        assert!(is_now(&registry, &facts["authenticated_at"]));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

async fn a_token_counts_alone(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    for (token, sentence) in [
        (
            "Bearer john".to_owned(),
            "This is not a whole upload token: it begins with fpm_ and has 42 characters",
        ),
        (
            format!("Bearer {NOBODYS}"),
            "This upload token was ended or never made: make a new one",
        ),
    ] {
        let answer = by_token(&ada, &token).await;
        answer.assert_refused(PROGRAM, 401, sentence, None);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    for odd in ["Bearer", "Bearer ", "bearer\tjohn"] {
        assert_eq!(by_token(&ada, odd).await.status, 401, "{odd:?}");
    }
    // What a proxy asks for before us is none of our business.
    assert_eq!(by_token(&ada, "Basic YWRhOng=").await.status, 200);
    let text = make(&ada, "*", "publish").await;
    registry.wait(90 * DAY);
    let answer = by_token(&registry.program(), &format!("Bearer {text}")).await;
    let sentence = "This upload token has expired: make a new one";
    answer.assert_refused(PROGRAM, 401, sentence, None);
}

async fn who_is_nobody_is_told_so(registry: Registry) {
    for kind in EVERY_CLIENT {
        for path in [WHOAMI, FORWARD] {
            let client = registry.client(kind);
            let answer = client.get(path).await;
            answer.assert_refused(kind, 401, NOBODY, None);
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("remote-user"), "");
            client.set_cookie("uuid", "936da01f-9abd-4d9d-80c7-02af85c822a8");
            let answer = client.get(path).await;
            answer.assert_refused(kind, 401, NOBODY, None);
        }
    }
}

/// The three headers of a proxy, each of which has to be there.
fn told(answer: &Answer) -> [&str; 3] {
    ["remote-user", "remote-email", "remote-name"].map(|name| {
        let value = answer.headers.get(name).expect("it is always there");
        value.to_str().unwrap()
    })
}

async fn a_proxy_is_told_in_headers(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.confirmed(kind, &email).await;
        ada.post("/account/name", &[("name", "Åsa, \"x\" 🦆")])
            .await;
        let answer = ada.get(FORWARD).await;
        let id = id_of(&ada).await;
        let name = "%C3%85sa%2C%20%22x%22%20%F0%9F%A6%86";
        assert_eq!(told(&answer), [id.as_str().unwrap(), &email, name]);
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

async fn a_proxy_is_told_nothing_that_is_not_confirmed(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let id = id_of(&ada).await;
    let answer = ada.get(FORWARD).await;
    assert_eq!(told(&answer), [id.as_str().unwrap(), "", "Ada%20Lovelace"]);
}

async fn a_proxy_sends_nobody_to_log_in(registry: Registry) {
    let answer = registry.browser().get(FORWARD).await;
    let login = "http://localhost:9090/auth/login";
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (401, login)
    );
    let answer = registry.program().get(FORWARD).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (401, "")
    );
    // Only the cookie decides.
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let text = make(&ada, "*", "publish").await;
    let holder = registry.client(Kind::Program(crate::common::Encoding::Form));
    let answer = holder
        .get_with(FORWARD, "authorization", &format!("Bearer {text}"))
        .await;
    answer.assert_refused(PROGRAM, 401, NOBODY, None);
}

async fn a_login_leads_back_to_what_a_proxy_protects(registry: Registry) {
    let login = "http://localhost:9090/auth/login";
    for (asked_for, next) in [
        (
            "/stats/?of=stdlib&by=day",
            "?next=/stats/%3Fof%3Dstdlib%26by%3Dday",
        ),
        ("/", ""),
        ("", ""),
        ("//evil.example", ""),
        ("https://evil.example/", ""),
        ("/\\evil.example", ""),
    ] {
        let browser = registry.browser();
        let answer = browser
            .get_with(FORWARD, "x-forwarded-uri", asked_for)
            .await;
        let told = (answer.status.as_u16(), answer.header("location"));
        assert_eq!(
            told,
            (401, format!("{login}{next}").as_str()),
            "{asked_for}"
        );
    }
}

async fn whoami_says_no_more_than_a_session_that_has_ended(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let other = registry.program();
    other.login(ADA, PASSWORD).await;
    assert_eq!(other.get(WHOAMI).await.status, 200);
    ada.post_nothing("/account/sessions/end-others").await;
    for path in [WHOAMI, FORWARD] {
        let answer = other.get(path).await;
        answer.assert_refused(PROGRAM, 401, NOBODY, None);
    }
}
