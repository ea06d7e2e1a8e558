//! What is read from a body is what the body says, no more and no less, and survives being written again.

use std::{collections::HashSet, sync::LazyLock, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
};
use fpm_registry::server::{
    body::{self, Fields},
    problem::Problem,
};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use url::form_urlencoded;

const MAX_BYTES: usize = 16 * 1024;
const KNOWN: &[&str] = &["name", "email", "password", "next", "uuid"];
const FORM: &[u8] = b"application/x-www-form-urlencoded";
const JSON: &[u8] = b"application/json";
const PARTS: &[u8] = b"multipart/form-data; boundary=x";

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

/// The names and texts of fields.
type Pairs = Vec<(String, String)>;

/// The first line of the input is the content type, with one letter for each of the usual; the rest is the body.
pub fn check(input: &[u8]) {
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
    let mut large = bytes.to_vec();
    large.resize(bytes.len().max(MAX_BYTES + 1), b' ');
    assert_eq!(read(&header, large), Err(Problem::TooLarge));
    if bytes.len() > MAX_BYTES {
        return;
    }

    let fields = read(&header, bytes.to_vec());
    if let Ok(fields) = &fields {
        assert_is_kept(fields);
    }
    match content_type {
        _ if bytes.is_empty() => assert_eq!(fields, Ok(Fields::default())),
        FORM => assert_is_said(fields, said_by_form(bytes)),
        JSON => assert_is_said(fields, said_by_json(bytes)),
        other if is_foreign(other) => assert_eq!(fields, Err(Problem::UnsupportedType)),
        _ => (),
    }
}

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

/// Asserts that the fields are what the body says, or the body is refused for one of the reasons that there are.
fn assert_is_said(fields: Result<Fields, Problem>, said: Option<Pairs>) {
    if let Err(problem) = fields {
        let reasons = [Problem::Malformed, Problem::Repeated, Problem::NotText];
        assert!(reasons.contains(&problem), "{problem:?}");
    }
    let sorted = |mut pairs: Pairs| {
        pairs.sort();
        pairs
    };
    let read = fields.ok().map(Fields::into_pairs);
    let read = read.map(|pairs| {
        pairs
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text))
    });
    assert_eq!(read.map(Iterator::collect).map(sorted), said.map(sorted));
}

/// The known fields of a form; none if it is not all text, or says one twice.
fn said_by_form(bytes: &[u8]) -> Option<Pairs> {
    str::from_utf8(bytes).ok()?;
    let mut pairs = Pairs::new();
    let mut names = HashSet::new();
    for pair in bytes.split(|byte| *byte == b'&') {
        let mut sides = pair.splitn(2, |byte| *byte == b'=');
        let name = unescape(sides.next().unwrap_or_default())?;
        let text = unescape(sides.next().unwrap_or_default())?;
        if KNOWN.contains(&name.as_str()) {
            if !names.insert(name.clone()) {
                return None;
            }
            pairs.push((name, text));
        }
    }
    Some(pairs)
}

/// What `+` and `%41` stand for; none if an escape is cut short, or what it makes is no UTF-8.
fn unescape(mut escaped: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    while let [first, rest @ ..] = escaped {
        escaped = rest;
        match (first, rest) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, rest @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push((digit(high)? * 16 + digit(low)?) as u8);
                escaped = rest;
            }
            (b'%', _) => return None,
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// What serde makes of an object: it knows no other fields, and takes none twice.
#[derive(Deserialize)]
struct Object {
    #[serde(default, deserialize_with = "present")]
    name: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    email: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    password: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    next: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    uuid: Option<Value>,
}

/// A value that is there, also if it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The known fields of a JSON object; none if it is no object, says one twice, or one that is no text.
fn said_by_json(bytes: &[u8]) -> Option<Pairs> {
    let json = str::from_utf8(bytes).ok()?;
    // Serde takes an array for an object.
    if json
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with('[')
    {
        return None;
    }
    let object: Object = serde_json::from_str(json).ok()?;
    let members = [
        ("name", object.name),
        ("email", object.email),
        ("password", object.password),
        ("next", object.next),
        ("uuid", object.uuid),
    ];
    let mut pairs = Pairs::new();
    for (name, value) in members {
        match value {
            Some(Value::String(text)) => pairs.push((name.to_owned(), text)),
            Some(_) => return None,
            None => (),
        }
    }
    Some(pairs)
}

/// Whether a content type names none of those that are read.
fn is_foreign(content_type: &[u8]) -> bool {
    let words = String::from_utf8_lossy(content_type).to_lowercase();
    let ours = ["form-urlencoded", "json", "form-data"];
    !ours.iter().any(|word| words.contains(word))
}
