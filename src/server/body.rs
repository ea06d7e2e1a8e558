//! Request bodies: a form, a multipart form or a flat JSON object, all read into the same fields.

use std::{fmt, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Multipart, Request},
    http::{HeaderMap, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::problem::Problem;

/// The most bytes of a request body.
pub const MAX_BYTES: usize = 16 * 1024;

/// How long a client may take to send a body.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The fields of a request body that the route knows, each at most once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, String)>);

impl Fields {
    /// The text of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| text.as_str())
    }

    /// The fields as `application/x-www-form-urlencoded`.
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }

    /// The names and texts of the fields.
    pub fn into_pairs(self) -> Vec<(&'static str, String)> {
        self.0
    }

    /// Adds a field; an unknown one is ignored.
    fn add(
        &mut self,
        known: &[&'static str],
        name: &str,
        text: Result<String, Problem>,
    ) -> Result<(), Problem> {
        let Some(name) = known.iter().find(|known| **known == name) else {
            return Ok(());
        };
        if self.get(name).is_some() {
            return Err(Problem::Repeated);
        }
        self.0.push((name, text?));
        Ok(())
    }
}

/// Reads the body of a request whose route knows the fields `known`.
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    known: &[&'static str],
) -> Result<Fields, Problem> {
    let bytes = read_bytes(headers, body).await?;
    if bytes.is_empty() {
        return Ok(Fields::default());
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::UnsupportedType);
    }
    match media_type(headers).as_deref() {
        Some("application/x-www-form-urlencoded") => urlencoded(&bytes, known),
        Some("application/json") => json(&bytes, known),
        Some("multipart/form-data") => multipart(headers, bytes, known).await,
        _ => Err(Problem::UnsupportedType),
    }
}

async fn read_bytes(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BYTES as u64) {
        return Err(Problem::TooLarge);
    }
    let arrival = Limited::new(body, MAX_BYTES).collect();
    match tokio::time::timeout(TIMEOUT, arrival).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::TooLarge),
        Ok(Err(_)) => Err(Problem::Malformed),
        Err(_) => Err(Problem::Timeout),
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

/// Reads `a=b&c=d`, from a body or a query. Stricter than the URL standard: an invalid escape, or one that does not
/// decode to UTF-8, is refused.
pub fn urlencoded(bytes: &[u8], known: &[&'static str]) -> Result<Fields, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::Malformed)?;
    let mut fields = Fields::default();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        fields.add(known, &decode(name)?, Ok(decode(value)?))?;
    }
    Ok(fields)
}

fn decode(text: &str) -> Result<String, Problem> {
    let text = text.replace('+', " ");
    let is_escape =
        |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_escape) {
        return Err(Problem::Malformed);
    }
    let decoded = percent_decode_str(&text).decode_utf8();
    Ok(decoded.map_err(|_| Problem::Malformed)?.into_owned())
}

/// Reads a flat JSON object.
fn json(bytes: &[u8], known: &[&'static str]) -> Result<Fields, Problem> {
    let Object(members) = serde_json::from_slice(bytes).map_err(|_| Problem::Malformed)?;
    let mut fields = Fields::default();
    for (name, value) in members {
        let text = match value.get().starts_with('"') {
            true => serde_json::from_str(value.get()).map_err(|_| Problem::Malformed),
            false => Err(Problem::NotText),
        };
        fields.add(known, &name, text)?;
    }
    Ok(fields)
}

/// A JSON object with all its members, also repeated ones.
struct Object(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Reads a multipart form; a known field that is a file is not text.
async fn multipart(
    headers: &HeaderMap,
    bytes: Bytes,
    known: &[&'static str],
) -> Result<Fields, Problem> {
    let mut request = Request::new(Body::from(bytes));
    *request.headers_mut() = headers.clone();
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| Problem::Malformed)?;
    let mut fields = Fields::default();
    while let Some(part) = parts.next_field().await.map_err(|_| Problem::Malformed)? {
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = is_file(part.headers());
        let bytes = part.bytes().await.map_err(|_| Problem::Malformed)?;
        let text = match is_file {
            true => Err(Problem::NotText),
            false => Ok(String::from_utf8(bytes.into()).map_err(|_| Problem::Malformed)?),
        };
        fields.add(known, &name, text)?;
    }
    Ok(fields)
}

/// Whether a part is a file, by either form of the `filename` parameter (RFC 7578, 4.2).
fn is_file(headers: &HeaderMap) -> bool {
    let disposition = headers.get(header::CONTENT_DISPOSITION);
    disposition.is_some_and(|value| {
        let value = String::from_utf8_lossy(value.as_bytes());
        value.split(';').skip(1).any(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default().trim();
            ["filename", "filename*"].contains(&name.to_ascii_lowercase().as_str())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["email", "password"];

    async fn fields(content_type: &str, body: impl Into<Body>) -> Result<Fields, Problem> {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }
        read(&headers, body.into(), KNOWN).await
    }

    fn ada() -> Fields {
        Fields(vec![
            ("email", "ada@example.org".to_owned()),
            ("password", "a+b c&d=é".to_owned()),
        ])
    }

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";
    const PARTS: &str = "multipart/form-data; boundary=x";

    #[tokio::test]
    async fn three_encodings_say_the_same() {
        let form = "email=ada%40example.org&password=a%2Bb+c%26d%3D%C3%A9&role=admin";
        let json = r#"{"email":"ada@example.org","password":"a+b c&d=é","role":{"admin":true}}"#;
        let parts = "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nada@example.org\r\n\
                     --x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\na+b c&d=é\r\n\
                     --x\r\nContent-Disposition: form-data; name=\"role\"\r\n\r\nadmin\r\n--x--\r\n";
        assert_eq!(fields(FORM, form).await, Ok(ada()));
        assert_eq!(
            fields("Application/JSON; charset=utf-8", json).await,
            Ok(ada())
        );
        assert_eq!(fields(PARTS, parts).await, Ok(ada()));
        assert_eq!(urlencoded(ada().encode().as_bytes(), KNOWN), Ok(ada()));
    }

    #[tokio::test]
    async fn no_body_is_an_empty_form() {
        assert_eq!(fields("", "").await, Ok(Fields::default()));
        assert_eq!(fields("text/plain", "").await, Ok(Fields::default()));
    }

    #[tokio::test]
    async fn another_type_or_none_is_refused() {
        for content_type in ["", "text/plain", "application/xml", "application/jsonp"] {
            assert_eq!(
                fields(content_type, "email=a").await,
                Err(Problem::UnsupportedType)
            );
        }
    }

    #[tokio::test]
    async fn a_broken_body_is_refused() {
        let no_end = "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nada";
        for (content_type, body) in [
            (FORM, "email=%ff"),
            (FORM, "email=%C0%AF"),
            (FORM, "email=%zz"),
            (FORM, "email=100%"),
            (JSON, "{\"email\":"),
            (JSON, "[]"),
            (JSON, "\"email\""),
            (JSON, "{} {}"),
            (JSON, "\u{feff}{}"),
            (JSON, r#"{"email":"\ud800"}"#),
            (PARTS, no_end),
            ("multipart/form-data", "--x--"),
        ] {
            assert_eq!(
                fields(content_type, body).await,
                Err(Problem::Malformed),
                "{body}"
            );
        }
        assert_eq!(
            fields(FORM, b"email=\xff".to_vec()).await,
            Err(Problem::Malformed)
        );
        let deep = format!("{{\"x\":{}", "[".repeat(10_000));
        assert_eq!(fields(JSON, deep).await, Err(Problem::Malformed));
    }

    #[tokio::test]
    async fn a_repeated_field_or_one_that_is_not_text_is_refused() {
        let twice = "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na\r\n\
                     --x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na\r\n--x--\r\n";
        for (content_type, body) in [
            (FORM, "email=a&email=a"),
            (JSON, r#"{"email":"a","email":"a"}"#),
            (PARTS, twice),
        ] {
            assert_eq!(fields(content_type, body).await, Err(Problem::Repeated));
        }
        let file = "--x\r\nContent-Disposition: form-data; name=\"email\"; filename=\"f\"\r\n\r\na\r\n--x--\r\n";
        for (content_type, body) in [
            (JSON, r#"{"email":{"$gt":""}}"#),
            (JSON, r#"{"email":null}"#),
            (JSON, r#"{"email":1}"#),
            (PARTS, file),
        ] {
            assert_eq!(fields(content_type, body).await, Err(Problem::NotText));
        }
        assert_eq!(
            fields(FORM, "email[$ne]=a&x=1&x=2").await,
            Ok(Fields::default())
        );
        assert_eq!(fields(JSON, r#"{"x":1e999}"#).await, Ok(Fields::default()));
        let starred = file.replace("filename=\"f\"", "filename*=UTF-8''f");
        assert_eq!(fields(PARTS, starred).await, Err(Problem::NotText));
    }

    #[tokio::test]
    async fn a_large_body_is_refused() {
        let most = format!("x={}", "a".repeat(MAX_BYTES - 2));
        assert_eq!(fields(FORM, most.clone()).await, Ok(Fields::default()));
        assert_eq!(fields(FORM, most + "a").await, Err(Problem::TooLarge));
    }
}
