//! A request says the same in each of the three encodings, whatever its text.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
};
use common::{Encoding, Kept, Kind, Registry, Setup};
use fpm_registry::server::body::{self, Fields};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Runtime;

const ADA: &str = "ada@example.org";

/// What an encoding must escape, or a reader may take for more than text.
const TRICKY: &[&str] = &[
    "\r\n",
    "\r",
    "\n",
    "\0",
    "\u{7f}",
    "\"",
    "\\",
    "\\u0000",
    "$ne",
    "[",
    "]",
    "{\"$gt\":\"\"}",
    "%",
    "%00",
    "%zz",
    "+",
    "&",
    "=",
    ";",
    "--",
    "--frontier",
    "Content-Disposition: form-data; name=\"email\"",
    "</script>",
    "\u{feff}",
    "\u{202e}",
    "\u{2028}",
    "e\u{301}",
    "\u{1f469}\u{200d}\u{1f52c}",
    ADA,
];

/// Any text but what multipart cannot carry: a line that begins like its boundary.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ -~]{1,8}",
        select(TRICKY).prop_map(String::from),
    ];
    vec(piece, 0..24)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("a line is the boundary", |text| {
            !format!("\r\n{text}").contains("\r\n--frontier")
        })
}

/// Any text, an address without an account, or Ada's.
fn email() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => text(),
        1 => "[a-z]{1,9}@[a-z]{1,9}\\.org",
        1 => Just(ADA.to_owned()),
    ]
}

/// Runs `test` with some hundred random values.
fn for_many<S: Strategy>(values: S, test: impl Fn(S::Value)) {
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let verdict = TestRunner::new(config).run(&values, |value| {
        test(value);
        Ok(())
    });
    verdict.unwrap();
}

/// The fields a route that knows `email` and `password` reads.
async fn read(encoding: Encoding, fields: &[(&str, &str)]) -> Fields {
    let (content_type, body) = encoding.encode(fields);
    let content_type = HeaderValue::from_static(content_type);
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
    let read = body::read(&headers, Body::from(body), &["email", "password"]).await;
    read.unwrap_or_else(|problem| panic!("{encoding:?}: {problem:?}"))
}

/// Asserts that a registry where Ada has an account gives one answer to each of `requests` in every encoding.
fn assert_one_answer<const N: usize>(
    path: &str,
    names: [&str; N],
    requests: impl Strategy<Value = [String; N]>,
) {
    let runtime = Runtime::new().unwrap();
    let setup = Setup {
        rate_limits: false,
        ..Setup::default()
    };
    let registry = runtime.block_on(async {
        let registry = Registry::start_as(Kept::Embedded, setup).await;
        registry.add_user(ADA).await;
        registry
    });
    for_many(requests, |texts| {
        let fields: Vec<(&str, &str)> = names
            .into_iter()
            .zip(texts.iter().map(String::as_str))
            .collect();
        let [form, others @ ..] = Encoding::ALL.map(|encoding| {
            let client = registry.client(Kind::Program(encoding));
            let answer = runtime.block_on(client.post(path, &fields));
            (answer.status, answer.json())
        });
        assert!(!form.0.is_server_error(), "{form:?}");
        assert_eq!(others, [form.clone(), form]);
    });
}

#[test]
fn every_encoding_carries_any_text() {
    let runtime = Runtime::new().unwrap();
    for_many([text(), text(), text()], |[email, password, other]| {
        let sent = [
            ("email", &*email),
            ("password[$ne]", &*other),
            ("password", &*password),
        ];
        let [form, others @ ..] =
            Encoding::ALL.map(|encoding| runtime.block_on(read(encoding, &sent)));
        assert_eq!(form.get("email"), Some(&*email));
        assert_eq!(form.get("password"), Some(&*password));
        assert_eq!(others, [form.clone(), form]);
    });
}

#[test]
fn login_gives_one_answer() {
    let requests = (email(), text()).prop_map(|(email, next)| [email, String::new(), next]);
    assert_one_answer("/auth/login", ["email", "password", "next"], requests);
}

#[test]
fn signup_gives_one_answer() {
    // Too short for any password, since a good one would cost a hash.
    let password = text().prop_map(|text| text.chars().take(2).collect());
    let requests = (text(), email(), password).prop_map(<[String; 3]>::from);
    assert_one_answer("/auth/signup", ["name", "email", "password"], requests);
}

#[test]
fn forgot_password_gives_one_answer() {
    let requests = email().prop_map(|email| [email]);
    assert_one_answer("/auth/forgot-password", ["email"], requests);
}

#[test]
fn reset_password_gives_one_answer() {
    let requests = [text(), text()];
    assert_one_answer("/auth/reset-password", ["uuid", "password"], requests);
}
