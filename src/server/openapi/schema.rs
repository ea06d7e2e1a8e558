//! Fields, facts and refusals as JSON schemas.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    accounts::facts::{Fact, Kind},
    forms::{
        end_session::SESSION_FIELD,
        field::{CURRENT_PASSWORD, Field, LINK_FIELD, UUID_FIELD},
        form::{CSRF_FIELD, Form, Gate},
        reply::{Reason, Refusal},
    },
    server::problem::Answer,
};

/// Refusals whose sentence ends in words that depend on the request, after a comma or a colon.
const VARIABLE: [Reason; 2] = [Reason::TooEasy, Reason::TooManyAttempts];

/// The schema of the body of a form.
pub fn body(form: &Form) -> Value {
    let required = required(form);
    let properties = form.names().map(|name| {
        let mut fields = form.fields.iter().chain([&CURRENT_PASSWORD]);
        let field = fields.find(|field| field.name == name && !field.readonly);
        let mut schema = field.map_or_else(|| hidden(name), visible);
        if required.contains(&name.to_owned()) && schema.get("minLength").is_none() {
            schema["minLength"] = 1.into();
        }
        (name, schema)
    });
    json!({
        "type": "object",
        "properties": properties.collect::<BTreeMap<_, _>>(),
        "required": required,
    })
}

/// The fields without which a form is always refused.
pub fn required(form: &Form) -> Vec<String> {
    let refusals = form.answers().map(|answers| answers.refusals);
    let refusals = refusals.into_iter().flatten().copied().flatten();
    let missing = refusals.map(Refusal::from);
    let missing = missing.filter(|refusal| refusal.reason == Reason::Required);
    let current = (form.gate == Gate::Password).then(|| CURRENT_PASSWORD.name.to_owned());
    missing
        .filter_map(|refusal| refusal.field)
        .chain(current)
        .collect()
}

fn visible(field: &Field) -> Value {
    let mut schema = json!({ "type": "string", "title": field.label });
    if matches!(field.kind, "email" | "password") {
        schema["format"] = field.kind.into();
    }
    if let Some(hint) = field.hint {
        schema["description"] = hint.into();
    }
    if let Some(least) = field.min_chars.and_then(|least| least.parse::<u64>().ok()) {
        schema["minLength"] = least.into();
    }
    schema
}

fn hidden(name: &str) -> Value {
    json!({ "type": "string", "description": purpose(name) })
}

/// What a field is for that no page shows. Empty for one that is not known here.
fn purpose(name: &str) -> &'static str {
    match name {
        "next" => "Where a browser goes afterwards: a path of this site, anything else is `/`.",
        UUID_FIELD => "The uuid of the mailed link. A browser has it in a cookie.",
        LINK_FIELD => "Which link the page was made for, from browsers.",
        SESSION_FIELD => "The handle of the session.",
        CSRF_FIELD => "The form token, from the pages of this site only.",
        _ => "",
    }
}

/// The schemas that all refusals refer to.
pub fn of_refusals() -> BTreeMap<String, Value> {
    let plain = json!({
        "message": { "type": "string", "description": "One sentence for a person." },
        "code": { "type": "integer", "description": "The HTTP status." },
        "field": { "type": "string", "description": "The field at fault, if it is a single one." },
    });
    let mut with_reason = plain.clone();
    with_reason["reason"] = json!({ "type": "string", "description": "The reason, for programs." });
    let schema = |properties: Value, required: &[&str]| {
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    };
    BTreeMap::from([
        (PLAIN.to_owned(), schema(plain, &["message", "code"])),
        (
            WITH_REASON.to_owned(),
            schema(with_reason, &["message", "code", "reason"]),
        ),
    ])
}

const PLAIN: &str = "Refusal";
const WITH_REASON: &str = "RefusalWithReason";

/// The schema of one of these refusals, which have this status.
pub fn refused(status: u16, refusals: &[&Refusal], answers: &[Answer]) -> Value {
    let (variable, fixed): (Vec<&Refusal>, Vec<_>) = refusals
        .iter()
        .partition(|refusal| VARIABLE.contains(&refusal.reason));
    let fixed: Vec<&str> = fixed
        .iter()
        .map(|refusal| refusal.message.as_str())
        .collect();
    let fixed = (!fixed.is_empty()).then(|| json!({ "enum": fixed }));
    let variable = variable.iter().map(|refusal| {
        let end = refusal.message.find([',', ':']).unwrap_or_default();
        let start = refusal.message.get(..=end).unwrap_or_default();
        json!({ "pattern": format!("^{start} ") })
    });
    let sentences: Vec<Value> = fixed.into_iter().chain(variable).collect();
    let mut properties = json!({
        "code": { "const": status },
        "message": { "anyOf": sentences },
    });
    let fields: Vec<_> = refusals
        .iter()
        .filter_map(|refusal| refusal.field.as_ref())
        .collect();
    if !fields.is_empty() {
        properties["field"] = json!({ "enum": fields });
    }
    let has_reason = answers.iter().all(Answer::has_reason);
    if has_reason {
        let reasons = refusals.iter().map(|refusal| refusal.reason);
        properties["reason"] = json!({ "enum": reasons.collect::<Vec<_>>() });
    }
    let mut schema = reference(if has_reason { WITH_REASON } else { PLAIN });
    schema["properties"] = properties;
    schema
}

/// The schema of the success of a form.
pub fn done(form: &Form) -> Value {
    let facts = form.answers().map_or(&[][..], |answers| answers.facts);
    let mut schema = object(facts);
    schema["properties"]["message"] = json!({ "const": form.done.message });
    schema["properties"]["code"] = json!({ "const": 200 });
    let names = facts.iter().map(|fact| fact.name);
    schema["required"] = ["message", "code"].into_iter().chain(names).collect();
    schema
}

/// The schema of an object of these facts.
pub fn object(facts: &[Fact]) -> Value {
    let properties = facts
        .iter()
        .map(|fact| (fact.name.to_owned(), of_fact(fact)));
    json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "required": facts.iter().map(|fact| fact.name).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

fn of_fact(fact: &Fact) -> Value {
    let mut schema = of_kind(&fact.kind);
    if fact.is_nullable {
        schema["type"] = json!([schema["type"], "null"]);
    }
    schema
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::Count => json!({ "type": "integer", "minimum": 0 }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Object(facts) => object(facts),
        Kind::List(kind) => json!({ "type": "array", "items": of_kind(kind) }),
    }
}

/// A reference to a schema by its name.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
