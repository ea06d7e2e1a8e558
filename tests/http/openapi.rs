//! `GET /openapi.json`. That every answer is as it says is asserted wherever a test sends a request (`tests/common/`); here
//! it is asserted that it says nothing else.

use std::{collections::BTreeSet, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request},
};
use fpm_registry::{
    forms::{
        FORMS,
        form::{Form, Gate},
    },
    server::{OTHERS, PAGES},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    Keys, PROGRAM,
    common::{
        Kept, Kind, Registry,
        mails::{CONFIRM, NOT_ME, RESET},
    },
    forms::fields_of,
    refusals::address,
};

const PATH: &str = "/openapi.json";

#[tokio::test(flavor = "multi_thread")]
async fn it_is_the_same_for_all_and_kept() {
    let registry = Registry::start(Kept::Embedded).await;
    let answer = registry.browser().get(PATH).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["openapi"], "3.1.0");
    assert!(!answer.body.contains(env!("CARGO_PKG_VERSION")));
    assert_eq!(answer.header("cache-control"), "public, no-cache");
    assert_eq!(answer.set_cookies(), [""; 0]);
    assert_eq!(registry.program().get(PATH).await.body, answer.body);
    assert_eq!(registry.program().head(PATH).await.body, "");
    let known = Request::get(PATH).header("if-none-match", answer.header("etag"));
    let known = registry.send(known.body(Body::empty()).unwrap()).await;
    assert_eq!((known.status.as_u16(), &*known.body), (304, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_names_the_public_url_and_the_session_cookie() {
    for (url, cookie) in [
        ("http://registry.example.org:8080", "uuid"),
        ("https://registry.example.org", "__Host-uuid"),
    ] {
        let registry = Registry::start_at(Kept::Embedded, url).await;
        let document = registry.program().get(PATH).await.json();
        assert_eq!(document["servers"][0]["url"], url);
        let session = &document["components"]["securitySchemes"]["session"];
        assert_eq!(session["name"], cookie);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_every_route_and_every_field() {
    let registry = Registry::start(Kept::Embedded).await;
    let document = registry.document().await;
    let described: BTreeSet<(&str, &str)> = document
        .operations()
        .map(|(method, path, _)| (method, path))
        .collect();
    let pages = PAGES.iter().map(|page| ("get", page.path));
    let others = OTHERS.iter().map(|(path, _)| ("get", *path));
    let forms = FORMS.iter().map(|form| ("post", form.path));
    let leads_to_page = FORMS.iter().filter(|form| form.gate != Gate::Anyone);
    let leads_to_page = leads_to_page.map(|form| ("get", form.path));
    let served: BTreeSet<_> = pages
        .chain(others)
        .chain(forms)
        .chain(leads_to_page)
        .collect();
    assert_eq!(described, served);
    for (_, path) in &served {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
            let request = Request::builder().method(method).uri(*path);
            // Asserts that a method is allowed that is described, and no other.
            registry.send(request.body(Body::empty()).unwrap()).await;
        }
    }
    for form in FORMS {
        let operation = &document.0["paths"][form.path]["post"];
        for (media_type, content) in operation["requestBody"]["content"].as_object().unwrap() {
            let schema = document.resolve(&content["schema"]);
            let properties = schema["properties"].as_object().unwrap();
            let named: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
            assert_eq!(named, form.names().collect(), "{media_type}");
            for (name, property) in properties {
                let is_told = [&property["title"], &property["description"]]
                    .iter()
                    .any(|told| told.as_str().is_some_and(|told| !told.is_empty()));
                assert!(
                    is_told,
                    "say what the field {name} is for, in src/server/openapi/schema.rs"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_upload_tokens_are_for() {
    let registry = Registry::start(Kept::Embedded).await;
    let document = registry.document().await;
    let at = |pointer: &str| document.0.pointer(pointer).unwrap_or(&Value::Null);
    assert_eq!(at("/components/securitySchemes/token/scheme"), "bearer");
    for (path, security) in [
        (
            "/paths/~1auth~1whoami/get",
            json!([{ "session": [] }, { "token": [] }]),
        ),
        ("/paths/~1auth~1forward/get", json!([{ "session": [] }])),
        ("/paths/~1auth~1token~1check/post", Value::Null),
    ] {
        assert_eq!(*at(&format!("{path}/security")), security, "{path}");
    }

    let check = at("/paths/~1auth~1token~1check/post/responses")
        .as_object()
        .unwrap();
    let successes = check
        .iter()
        .filter(|(status, _)| status.starts_with(['2', '3']));
    let successes: Vec<_> = successes
        .map(|(status, response)| (&**status, &response["headers"]))
        .collect();
    assert_eq!(
        successes,
        [("200", &Value::Null)],
        "no redirect, also for a browser"
    );

    let made = at("/components/schemas/postAccountTokens");
    assert_eq!(made["required"], json!(["name", "packages", "may"]));
    let properties = &made["properties"];
    let words = ["publish", "publish-new", "publish-update", "first-publish"];
    assert_eq!(properties["may"]["enum"], json!(words));
    // Empty is as good as missing.
    assert_eq!(
        properties["days"]["enum"],
        json!(["7", "30", "90", "365", ""])
    );

    for (schema, purpose) in [
        ("postAccountTokensEnd", "The handle of the upload token."),
        ("postAccountTokensRotate", "The handle of the upload token."),
        ("postAuthTokenEnd", "The text of the upload token."),
        ("postAuthTokenCheck", "The text of the upload token."),
    ] {
        let schema = at(&format!("/components/schemas/{schema}"));
        assert_eq!(schema["properties"]["token"]["description"], purpose);
        let required = schema["required"].as_array().unwrap();
        assert!(required.contains(&json!("token")), "{schema}");
    }
}

/// Each success of a `GET` that is described is given; those of forms are in the tests of each form.
#[tokio::test(flavor = "multi_thread")]
async fn every_success_of_a_get_is_given() {
    let registry = Registry::start(Kept::Embedded).await;
    let document = registry.document().await;
    let keys = Keys::of(&registry).await;
    for (_, path, operation) in document
        .operations()
        .filter(|(method, ..)| *method == "get")
    {
        let program = keys.visitor(&registry, PROGRAM, path);
        let browser = keys.visitor(&registry, Kind::Browser, path);
        for (status, response) in operation["responses"].as_object().unwrap() {
            let content = response["content"].as_object();
            let types: Vec<&str> = content
                .into_iter()
                .flatten()
                .map(|(name, _)| &**name)
                .collect();
            match status.as_str() {
                "200" if path == RESET => {
                    assert_eq!(types, ["application/json", "text/html"]);
                    assert_eq!(browser.get(path).await.status, 200);
                    let uuid = registry.reset_uuid("new@keys.example").await;
                    let query = format!("{path}?uuid={uuid}&password=plum+tractor+glow");
                    let answer = program.get(&query).await;
                    answer.assert_done(PROGRAM, "Password reset successful", "");
                }
                "200" => {
                    let answers = [program.get(path).await, browser.get(path).await];
                    let found: BTreeSet<&str> = answers
                        .iter()
                        .inspect(|answer| assert_eq!(answer.status, 200, "{path}"))
                        .map(|answer| answer.header("content-type").split(';').next().unwrap())
                        .filter(|media_type| !media_type.is_empty())
                        .collect();
                    assert_eq!(found, types.into_iter().collect(), "{path}");
                }
                "303" => {
                    let stranger = registry.browser();
                    let answer = match path {
                        "/auth/login" | "/auth/signup" => {
                            stranger.set_cookie("uuid", &keys.session);
                            stranger.get(path).await
                        }
                        CONFIRM | NOT_ME => stranger.get(&format!("{path}?forget")).await,
                        RESET => stranger.get(&format!("{path}?keep-password")).await,
                        _ => stranger.get(path).await,
                    };
                    assert_eq!(answer.status, 303, "{path}");
                }
                // Of a file that the client has, of a server that is not ready, and refusals.
                _ => {}
            }
        }
    }
}

/// Whatever needs the store says so if it is out of reach.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_out_of_reach_is_described() {
    let (registry, mongod) = Registry::start_on_own_mongod().await;
    let session = registry.signed_up(PROGRAM, &address()).await;
    let session = session.cookie("uuid").unwrap();
    let document = registry.document().await;
    let needs_store = |operation: &Value| operation["responses"].get("503").is_some();
    drop(mongod);
    let operations = document.operations();
    let answers = operations
        .filter(|(_, path, operation)| needs_store(operation) && !path.starts_with("/health/"))
        .map(|(method, path, _)| {
            let client = registry.program();
            client.set_cookie("uuid", &session);
            client.set_cookie("pending", &session);
            client.set_cookie("passkey", &session);
            async move {
                let answer = match Form::at(path).filter(|_| method == "post") {
                    Some(form) => client.post(path, &fields_of(form)).await,
                    None => {
                        let query = "?uuid=936da01f-9abd-4d9d-80c7-02af85c822a8";
                        client.get(&format!("{path}{query}")).await
                    }
                };
                (method, path, answer)
            }
        });
    let answers = tokio::time::timeout(Duration::from_secs(20), join_all(answers));
    for (method, path, answer) in answers.await.expect("answers in time") {
        assert_eq!(answer.status, 503, "{method} {path}: {}", answer.body);
    }
}
