//! Responses, also those that several routes share.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::schema;
use crate::{
    forms::{
        form::Form,
        reply::{Reason, Refusal},
        send::REASON_HEADER,
    },
    pages::endpoint::{Content, Header},
    server::problem::Answer,
};

/// The most refusals of a response that several routes share: the name has all of them.
const MOST_IN_NAME: usize = 3;

/// Collects the responses that several routes share.
#[derive(Default)]
pub struct Responses(BTreeMap<String, Value>);

impl Responses {
    /// The responses to these refusals at a path, by status, with headers of its own.
    pub fn of_refusals(
        &mut self,
        path: &str,
        refusals: &[Refusal],
        headers: &[(u16, Header)],
    ) -> BTreeMap<String, Value> {
        let mut by_status = BTreeMap::<u16, Vec<&Refusal>>::new();
        for refusal in refusals {
            by_status.entry(refusal.code).or_default().push(refusal);
        }
        let responses = by_status.into_iter();
        let responses = responses.map(|(status, refusals)| {
            let mut response = of_refusals(path, status, &refusals);
            let response = match add_headers(&mut response, status, headers) {
                0 => self.share(status, path, &refusals, response),
                _ => response,
            };
            (status.to_string(), response)
        });
        responses.collect()
    }

    /// A reference to this response. Or itself if it has no name of its own.
    fn share(&mut self, status: u16, path: &str, refusals: &[&Refusal], response: Value) -> Value {
        if refusals.len() > MOST_IN_NAME {
            return response;
        }
        let words = refusals.iter().map(|refusal| word(refusal.reason));
        let mut name = words.fold(status.to_string(), |name, word| name + "-" + &word);
        if Answer::new(path, &Refusal::internal()).has_reason() {
            name += "-with-reason";
        }
        let shared = self
            .0
            .entry(name.clone())
            .or_insert_with(|| response.clone());
        match *shared == response {
            true => json!({ "$ref": format!("#/components/responses/{name}") }),
            false => response,
        }
    }

    /// All that are shared, by name.
    pub fn shared(self) -> BTreeMap<String, Value> {
        self.0
    }
}

/// The response to these refusals, which have one status.
fn of_refusals(path: &str, status: u16, refusals: &[&Refusal]) -> Value {
    let answers: Vec<_> = refusals
        .iter()
        .map(|refusal| Answer::new(path, refusal))
        .collect();
    let mut examples = Map::new();
    for (refusal, answer) in refusals.iter().zip(&answers) {
        let name = match &refusal.field {
            Some(field) => format!("{field}-{}", word(refusal.reason)),
            None => word(refusal.reason),
        };
        let alike = examples.keys().filter(|other| other.starts_with(&name));
        let name = match alike.count() {
            0 => name,
            others => format!("{name}-{}", others + 1),
        };
        examples.insert(name, json!({ "value": answer }));
    }
    let reasons: Vec<_> = refusals.iter().map(|refusal| refusal.reason).collect();
    let mut headers = json!({
        REASON_HEADER: { "required": true, "schema": { "enum": reasons } },
    });
    if matches!(status, 429 | 503) {
        headers["retry-after"] = json!({
            "description": "In how many seconds it is worth coming back.",
            "required": true,
            "schema": { "type": "integer", "minimum": 1 },
        });
    }
    json!({
        "description": description(status),
        "headers": headers,
        "content": {
            "application/json": {
                "schema": schema::refused(status, refusals, &answers),
                "examples": examples,
            },
            "text/html": page(),
        },
    })
}

/// The response to the success of a form.
pub fn done(form: &Form) -> Value {
    json!({
        "description": "Done. `Location` is where a browser goes next.",
        "headers": { "location": location() },
        "content": { "application/json": { "schema": schema::done(form) } },
    })
}

/// The response with this content, or for programs with JSON of this schema.
pub fn of_content(status: u16, content: &Content, json: Option<Value>) -> Value {
    let mut types = Map::new();
    if matches!(content, Content::Page | Content::PageOrFacts(_)) {
        types.insert("text/html".to_owned(), page());
    }
    let schema = match content {
        Content::PageOrFacts(facts) | Content::Facts(facts) => Some(schema::object(facts)),
        Content::Json => Some(json!({ "type": "object" })),
        Content::Page => json,
        Content::Redirect | Content::Nothing => None,
    };
    if let Some(schema) = schema {
        types.insert("application/json".to_owned(), json!({ "schema": schema }));
    }
    let mut response = json!({ "description": description(status) });
    if !types.is_empty() {
        response["content"] = types.into();
    }
    if matches!(content, Content::Redirect) {
        response["headers"] = json!({ "location": location() });
    }
    response
}

/// Adds those of these headers that answers of this status have; how many.
pub fn add_headers(response: &mut Value, status: u16, headers: &[(u16, Header)]) -> usize {
    let own = headers.iter().filter(|(of, _)| *of == status);
    own.map(|(_, header)| {
        response["headers"][header.name] = json!({
            "description": header.does,
            "required": header.is_always,
            "schema": { "type": "string" },
        });
    })
    .count()
}

fn description(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    status
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default()
}

fn page() -> Value {
    json!({ "schema": { "type": "string" } })
}

fn location() -> Value {
    json!({ "required": true, "schema": { "type": "string", "format": "uri-reference", "minLength": 1 } })
}

/// A reason as clients read it.
fn word(reason: Reason) -> String {
    let word = serde_json::to_value(reason).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}
