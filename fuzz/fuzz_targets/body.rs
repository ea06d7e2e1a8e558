//! What is read from a body is what the body says, and survives being written again.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
};
use fpm_registry::server::{
    answer::Problem,
    body::{self, Fields, MAX_BYTES},
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};
use url::form_urlencoded;

const KNOWN: &[&str] = &["name", "email", "password", "next", "uuid"];
const FORM: &[u8] = b"application/x-www-form-urlencoded";
const JSON: &[u8] = b"application/json";
const PARTS: &[u8] = b"multipart/form-data; boundary=x";

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

// The first line is the content type, with one letter for each of the usual; the rest is the body.
fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (first_line, bytes) = (&input[..end], &input[end + 1..]);
    let content_type = match first_line {
        b"f" => FORM,
        b"j" => JSON,
        b"m" => PARTS,
        other => other,
    };
    let Ok(header) = HeaderValue::from_bytes(content_type) else {
        return;
    };
    if let Ok(fields) = read(&header, bytes.to_vec()) {
        assert_is_kept(&fields);
        assert_is_said(&fields, content_type, bytes);
    }
    let mut large = bytes.to_vec();
    large.resize(bytes.len().max(MAX_BYTES + 1), b' ');
    assert_eq!(read(&header, large), Err(Problem::TooLarge));
});

/// Reads a body, which must not take long.
fn read(content_type: &HeaderValue, bytes: Vec<u8>) -> Result<Fields, Problem> {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.clone())]);
    RUNTIME.block_on(async {
        let reading = body::read(&headers, Body::from(bytes), KNOWN);
        let read = tokio::time::timeout(Duration::from_secs(1), reading).await;
        read.expect("an answer in time")
    })
}

/// Asserts that each field is a known one and stands there once, and that they can be written and read again.
fn assert_is_kept(fields: &Fields) {
    let form = fields.encode();
    let names: Vec<_> = form_urlencoded::parse(form.as_bytes())
        .map(|(name, _)| name)
        .collect();
    for name in &names {
        assert!(KNOWN.contains(&&**name));
        assert_eq!(names.iter().filter(|other| *other == name).count(), 1);
    }
    let again = body::urlencoded(form.as_bytes(), KNOWN);
    assert_eq!(again.as_ref(), Ok(fields));
}

/// Asserts that other readers of forms and JSON find the same in the body.
fn assert_is_said(fields: &Fields, content_type: &[u8], bytes: &[u8]) {
    let said: Vec<(String, String)> = match content_type {
        FORM => form_urlencoded::parse(bytes).into_owned().collect(),
        JSON => match serde_json::from_slice::<Map<String, Value>>(bytes) {
            Ok(members) => members.into_iter().filter_map(text).collect(),
            Err(_) => return,
        },
        _ => return,
    };
    for name in KNOWN {
        let text = said.iter().find(|(key, _)| key == name);
        assert_eq!(fields.get(name), text.map(|(_, text)| text.as_str()));
    }
}

fn text((name, value): (String, Value)) -> Option<(String, String)> {
    Some((name, value.as_str()?.to_owned()))
}
