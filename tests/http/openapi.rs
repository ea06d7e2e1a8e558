//! `GET /openapi.json`. That every answer is as it says is asserted wherever a test sends a request (`tests/common/`); here
//! it is asserted that it says nothing else.

use std::{collections::BTreeSet, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request, header, request::Builder},
};
use fpm_registry::{
    forms::{
        FORMS,
        form::{Form, Gate},
    },
    server::{OTHERS, PAGES},
};
use futures_util::future::join_all;
use serde_json::Value;

use crate::{
    Keys, MINUTE, PROGRAM,
    common::{
        Answer, BREACHED, Client, Kept, Kind, Registry, WRONG_PASSWORD,
        mails::{CONFIRM, NOT_ME, RESET},
    },
    forms::fields_of,
};

const PATH: &str = "/openapi.json";

/// Refusals that no request alone can provoke: a panic and a store out of reach (errors.rs), a slow client and an overload
/// (tests/security/). The store out of reach is below, too.
const NOT_BY_A_REQUEST: [&str; 4] = ["internal", "timeout", "busy", "unavailable"];

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

/// Each refusal that is described is given, word for word.
#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_given() {
    let registry = Registry::start(Kept::Embedded).await;
    let document = registry.document().await;
    for (method, path, operation) in document.operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let json = &document.resolve(response)["content"]["application/json"];
            for (name, example) in json["examples"].as_object().into_iter().flatten() {
                if NOT_BY_A_REQUEST.contains(&name.as_str()) {
                    continue;
                }
                let answer = match method {
                    "get" => refused_get(&registry, path, name).await,
                    _ => refused_post(&registry, Form::at(path).unwrap(), name).await,
                };
                let of = format!("{name} of {method} {path}: {}", answer.body);
                assert_eq!(answer.status.as_str(), status, "{of}");
                let (told, expected) = (answer.json(), &example["value"]);
                for member in ["code", "field", "reason"] {
                    assert_eq!(told.get(member), expected.get(member), "{of}");
                }
                assert_eq!(start(&told), start(expected), "{of}");
            }
        }
    }
}

/// The sentence, without the words that depend on the request.
fn start(refusal: &Value) -> &str {
    let sentence = refusal["message"].as_str().unwrap();
    match sentence.split_once("try again in ") {
        Some((start, _)) => start,
        None if sentence.starts_with("Password is too easy") => "Password is too easy",
        None => sentence,
    }
}

/// An answer that refuses a `GET` for the reason of this name.
async fn refused_get(registry: &Registry, path: &str, name: &str) -> Answer {
    let client = registry.program();
    let get = async |query: &str| client.get(&format!("{path}{query}")).await;
    match name {
        "headers-too-large" => refused_early(registry, Request::get(path), name).await,
        "not-logged-in" => get("").await,
        "password-in-url" => {
            let uri = format!("{path}?uuid=a&password=b");
            refused_early(registry, Request::get(uri), "").await
        }
        "malformed" => get("?uuid=%ff&password=b").await,
        "repeated" => get("?uuid=a&uuid=b&password=c").await,
        "link-dead" => get("?uuid=936da01f-9abd-4d9d-80c7-02af85c822a8").await,
        _ => {
            let email = address();
            registry.add_user(&email).await;
            let uuid = registry.reset_uuid(&email).await;
            let password = bad_value("password", name).replace(' ', "+");
            let query = format!("?uuid={uuid}&password={password}");
            match name {
                "too-many-attempts" => until_limited(async || get(&query).await).await,
                _ => get(&query).await,
            }
        }
    }
}

/// An answer that refuses a form for the reason of this name.
async fn refused_post(registry: &Registry, form: &Form, name: &str) -> Answer {
    let early = [
        "headers-too-large",
        "other-site",
        "outdated-form",
        "malformed",
        "repeated",
        "not-text",
        "too-large",
        "unsupported-type",
    ];
    if early.contains(&name) {
        return refused_early(registry, Request::post(form.path), name).await;
    }
    if name == "not-logged-in" {
        return registry.program().post(form.path, &fields_of(form)).await;
    }
    let email = address();
    let client = registry.confirmed(PROGRAM, &email).await;
    let uuid = match (form.path, name) {
        (RESET, "link-dead") => None,
        (RESET, _) => Some(registry.reset_uuid(&email).await),
        (CONFIRM, "email-email-taken") => Some(link_to_taken(registry, &client).await),
        _ => None,
    };
    if form.gate == Gate::Recent {
        registry.wait(16 * MINUTE);
    }
    let mut fields: Vec<(&str, &str)> = fields_of(form);
    let mut set = |field: &str, text| {
        let found = fields.iter_mut().find(|(name, _)| *name == field);
        found.unwrap_or_else(|| panic!("{name} of {}", form.path)).1 = text;
    };
    if let Some(uuid) = &uuid {
        set("uuid", uuid);
    }
    let taken = address();
    match name {
        "email-email-taken" if form.path == CONFIRM => {}
        "email-email-taken" => {
            registry.add_user(&taken).await;
            set("email", &taken);
        }
        "email-own-email" => set("email", &email),
        // Good text is of no link, no session and no other account.
        "link-dead" | "not-found" | "email-not-your-email" | "already-confirmed" => {}
        "wrong-login" => set("password", WRONG_PASSWORD),
        "too-many-attempts" if form.gate != Gate::Anyone && form.gate != Gate::LoggedIn => {
            set("current_password", WRONG_PASSWORD);
        }
        "too-many-attempts" => {
            if form.names().any(|field| field == "password") {
                set("password", "password");
            }
        }
        _ => {
            let (field, _) = name.split_once('-').unwrap();
            set(field, bad_value(field, name));
        }
    }
    match name {
        "too-many-attempts" if form.gate == Gate::LoggedIn => {
            let email = address();
            let client = registry.signed_up(PROGRAM, &email).await;
            until_limited(async || client.post(form.path, &fields).await).await
        }
        "too-many-attempts" => until_limited(async || client.post(form.path, &fields).await).await,
        _ => client.post(form.path, &fields).await,
    }
}

/// The link to confirm an address that another user has taken since.
async fn link_to_taken(registry: &Registry, client: &Client<'_>) -> String {
    let taken = address();
    let fields = [("email", taken.as_str())];
    assert_eq!(client.post("/account/email", &fields).await.status, 200);
    let uuid = registry.mailed_link(&taken, CONFIRM).await;
    registry.add_user(&taken).await;
    uuid
}

/// Text that a field is refused with for the reason of this name.
fn bad_value(field: &str, name: &str) -> &'static str {
    let reason = name.strip_prefix(field).unwrap_or(name);
    match reason.trim_start_matches('-') {
        "required" | "current-password-required" => "",
        "too-long" => {
            static LONG: std::sync::LazyLock<String> =
                std::sync::LazyLock::new(|| "x1 ".repeat(100) + "x");
            &LONG
        }
        "too-short" => "short",
        "too-easy" | "too-many-attempts" => "password",
        "breached" => BREACHED.0,
        "invalid" => "john\ndoe",
        "wrong-current-password" => WRONG_PASSWORD,
        _ => panic!("how is a form refused with {name}? say it in tests/http/openapi.rs"),
    }
}

/// The answer to a request that no form reads to its end.
async fn refused_early(registry: &Registry, request: Builder, name: &str) -> Answer {
    let form = "application/x-www-form-urlencoded";
    let large = format!("csrf_token={}", "x".repeat(17 * 1024));
    let (content_type, body) = match name {
        "malformed" => (form, "csrf_token=%ff"),
        "repeated" => (form, "csrf_token=a&csrf_token=b"),
        "not-text" => ("application/json", "{\"csrf_token\":1}"),
        "too-large" => (form, large.as_str()),
        "unsupported-type" => ("text/plain", "csrf_token=a"),
        "outdated-form" => (form, "csrf_token=a"),
        _ => (form, ""),
    };
    let mut request = request.header(header::CONTENT_TYPE, content_type);
    request = match name {
        "headers-too-large" => request.header("x-large", "x".repeat(17 * 1024)),
        "other-site" => request.header("sec-fetch-site", "cross-site"),
        _ => request.header("sec-fetch-site", "same-origin"),
    };
    request = request.header(header::COOKIE, "form=936da01f-9abd-4d9d-80c7-02af85c822a8");
    let body = Body::from(body.to_owned());
    registry.send(request.body(body).unwrap()).await
}

async fn until_limited(send: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..30 {
        let answer = send().await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("no limit is reached");
}

/// An address that nobody has.
fn address() -> String {
    format!("{}@example.org", uuid::Uuid::new_v4().simple())
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
