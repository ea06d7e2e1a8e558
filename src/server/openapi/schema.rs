//! Fields, facts and refusals as JSON schemas.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    accounts::facts::{Fact, Kind, Presence},
    forms::{
        end_session::SESSION_FIELD,
        field::{CURRENT_PASSWORD, Field, LINK_FIELD, UUID_FIELD},
        form::{CSRF_FIELD, Form, Gate},
        passkey::PURPOSE_FIELD,
        reply::{Reason, Refusal},
        second_factors::end_passkey::PASSKEY_FIELD,
        upload_tokens::TOKEN_FIELD,
    },
    server::problem::Answer,
};

/// Refusals whose sentence ends in words that depend on the request, and what those come after.
const VARIABLE: [(Reason, &str); 3] = [
    (Reason::TooEasy, ": "),
    (Reason::TooManyAttempts, ", "),
    (Reason::TokenScope, " packages "),
];

/// Fields that name what a form is about. Without them it finds nothing.
const NAMING: [&str; 3] = [SESSION_FIELD, TOKEN_FIELD, PASSKEY_FIELD];

/// The schema of the body of a form.
pub fn body(form: &Form) -> Value {
    let required = required(form);
    let properties = form.names().map(|name| {
        let mut fields = form.fields.iter().chain(form.confirmations());
        let field = fields.find(|field| field.name == name && !field.readonly);
        let mut schema = field.map_or_else(|| hidden(form, name), visible);
        match required.contains(&name.to_owned()) {
            true if schema.get("minLength").is_none() => schema["minLength"] = 1.into(),
            true => {}
            // Empty is the same as missing.
            false => allow_empty(&mut schema),
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
    let current = (form.gate == Gate::Password).then_some(CURRENT_PASSWORD.name);
    let named = form.names().filter(|name| NAMING.contains(name));
    missing
        .filter_map(|refusal| refusal.field)
        .chain(current.into_iter().chain(named).map(str::to_owned))
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
    if !field.options.is_empty() {
        schema["enum"] = field.options.iter().map(|(value, _)| *value).collect();
    }
    schema
}

fn hidden(form: &Form, name: &str) -> Value {
    let mut schema = json!({ "type": "string", "description": purpose(form, name) });
    if name == "is_new" {
        schema["enum"] = json!(["true", "false"]);
    }
    schema
}

fn allow_empty(schema: &mut Value) {
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push("".into());
    }
}

/// What a field is for that no page shows. Empty for one that is not known here.
fn purpose(form: &Form, name: &str) -> &'static str {
    match name {
        "next" => "Where a browser goes afterwards: a path of this site, anything else is `/`.",
        "credential" => {
            "What the browser's authenticators answer, as `PublicKeyCredential.toJSON()` says it."
        }
        "name" => "The name that the passkey is to have, for a page that asks who is there.",
        PURPOSE_FIELD if form.hidden.contains(&name) => {
            "Which page shows a refusal: with `second-factor` that of the second step of a login."
        }
        PURPOSE_FIELD => {
            "What the passkey is for: `login`, `second-factor` or `recent`. Empty is `login`."
        }
        PASSKEY_FIELD => "The handle of the passkey.",
        "code" => "A code of the second factor, if the user has one.",
        "package" => "The name of the package.",
        "is_new" => "Whether the package does not exist yet.",
        UUID_FIELD => "The uuid of the mailed link. A browser has it in a cookie.",
        LINK_FIELD => "Which link the page was made for, from browsers.",
        SESSION_FIELD => "The handle of the session.",
        TOKEN_FIELD if form.secret.contains(&name) => "The text of the upload token.",
        TOKEN_FIELD => "The handle of the upload token.",
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
    let fixed = refusals.iter().filter(|refusal| start(refusal).is_none());
    let fixed: Vec<&str> = fixed.map(|refusal| refusal.message.as_str()).collect();
    let fixed = (!fixed.is_empty()).then(|| json!({ "enum": fixed }));
    let variable = refusals.iter().filter_map(|refusal| start(refusal));
    let variable = variable.map(|start| json!({ "pattern": format!("^{start}") }));
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

/// What a sentence begins with whose end depends on the request. None for one that is always the same.
fn start(refusal: &Refusal) -> Option<&str> {
    let mut variable = VARIABLE.iter();
    let (_, before) = variable.find(|(reason, _)| *reason == refusal.reason)?;
    let (start, _) = refusal.message.split_once(before)?;
    refusal.message.get(..start.len() + before.len())
}

/// The schema of the success of a form that has a sentence.
pub fn done(form: &Form) -> Value {
    let mut schema = object(form.facts());
    schema["properties"]["message"] = json!({ "const": form.done.message });
    schema["properties"]["code"] = json!({ "const": 200 });
    if let Some(required) = schema["required"].as_array_mut() {
        required.extend(["message".into(), "code".into()]);
    }
    schema
}

/// The schema of an object of these facts.
pub fn object(facts: &[Fact]) -> Value {
    let properties = facts
        .iter()
        .map(|fact| (fact.name.to_owned(), of_fact(fact)));
    let required = facts
        .iter()
        .filter(|fact| fact.presence != Presence::Optional);
    json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "required": required.map(|fact| fact.name).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

fn of_fact(fact: &Fact) -> Value {
    let mut schema = of_kind(&fact.kind);
    if fact.presence == Presence::OrNull {
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
        Kind::Json => json!({ "type": "object" }),
        Kind::Object(facts) => object(facts),
        Kind::List(kind) => json!({ "type": "array", "items": of_kind(kind) }),
    }
}

/// A reference to a schema by its name.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
