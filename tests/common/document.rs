//! The description of the routes, which every answer is held against: nothing may be answered that it does not say.

use axum::http::{Method, StatusCode};
use serde_json::Value;

use super::Answer;

/// What to do about an answer that is missing.
const HINT: &str = "add it to ANSWERS in src/forms/answers.rs, or to the ENDPOINT of the page";

/// What `GET /openapi.json` answers.
pub struct Document(pub Value);

impl Document {
    /// The operations: method, path and what is said of them.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.0["paths"].as_object().expect("the paths");
        paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("the methods");
            let method = methods.iter();
            method.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
    }

    /// Asserts that the description has this answer to a request of this method.
    #[track_caller]
    pub fn assert_has(&self, method: &Method, answer: &Answer) {
        let (path, status) = (&answer.path, answer.status);
        let methods = &self.0["paths"][path];
        let name = match method {
            &Method::HEAD => "get".to_owned(),
            other => other.as_str().to_ascii_lowercase(),
        };
        let operation = &methods[&name];
        if operation.is_null() {
            let expected = match methods.is_null() {
                true => StatusCode::NOT_FOUND,
                false => StatusCode::METHOD_NOT_ALLOWED,
            };
            // The same-origin rule and the limit on headers come before any route.
            let is_refused = [403, 431].contains(&status.as_u16());
            assert!(
                is_refused || status == expected,
                "{method} {path} is answered with {status} and is not in /openapi.json: \
                 it has to be in FORMS, or in PAGES or OTHERS of src/server/mod.rs"
            );
            return;
        }
        let response = self.resolve(&operation["responses"][status.as_str()]);
        let of = format!("{status} of {method} {path}");
        assert!(response.is_object(), "{of} is not in /openapi.json: {HINT}");
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            if !answer.headers.contains_key(name) {
                assert_eq!(header["required"], false, "{of} has no {name}");
                continue;
            }
            let value = answer.header(name);
            let value = match header["schema"]["type"] == "integer" {
                true => value.parse().expect("a number"),
                false => Value::from(value),
            };
            self.assert_fits(&header["schema"], &value, &of);
        }
        if *method == Method::HEAD || answer.body.is_empty() {
            return;
        }
        let media_type = answer.header("content-type").split(';').next().unwrap();
        let content = &response["content"][media_type];
        assert!(
            content.is_object(),
            "{of} is {media_type}, by /openapi.json not"
        );
        if media_type == "application/json" {
            let body = serde_json::from_str(&answer.body).expect("a JSON body");
            self.assert_fits(&content["schema"], &body, &of);
        }
    }

    /// What a reference refers to; anything else is itself.
    pub fn resolve<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("a local reference");
                self.0.pointer(pointer).expect("what is referred to")
            }
            None => value,
        }
    }

    /// Asserts that a value fits a schema.
    #[track_caller]
    fn assert_fits(&self, schema: &Value, value: &Value, of: &str) {
        if let Err(misfit) = self.misfit(schema, value) {
            panic!("{of} is not as in /openapi.json, {misfit}: {HINT}");
        }
    }

    /// Why a value does not fit a schema. Keywords that the description does not use are not known.
    fn misfit(&self, schema: &Value, value: &Value) -> Result<(), String> {
        for (keyword, rule) in schema.as_object().ok_or("no schema")? {
            let fits = match keyword.as_str() {
                "$ref" => {
                    self.misfit(self.resolve(schema), value)?;
                    true
                }
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|name| is_of_type(name, value)),
                    name => is_of_type(name, value),
                },
                "const" => value == rule,
                "enum" => rule.as_array().is_some_and(|all| all.contains(value)),
                "pattern" => {
                    let start = rule.as_str().and_then(|rule| rule.strip_prefix('^'));
                    let start = start.ok_or("a pattern of another kind")?;
                    value.as_str().is_some_and(|text| text.starts_with(start))
                }
                "minLength" => {
                    value.as_str().map(str::len) >= rule.as_u64().map(|least| least as usize)
                }
                "minimum" => value.as_i64() >= rule.as_i64(),
                "anyOf" => {
                    let mut options = rule.as_array().into_iter().flatten();
                    options.any(|option| self.misfit(option, value).is_ok())
                }
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.misfit(rule, item)?;
                    }
                    true
                }
                "properties" => {
                    for (name, rule) in rule.as_object().into_iter().flatten() {
                        if let Some(member) = value.get(name) {
                            self.misfit(rule, member)
                                .map_err(|misfit| format!("{name}: {misfit}"))?;
                        }
                    }
                    true
                }
                "required" => {
                    let mut names = rule.as_array().into_iter().flatten();
                    value.is_null() || names.all(|name| value.get(name.as_str().unwrap()).is_some())
                }
                "additionalProperties" => {
                    let mut names = value.as_object().into_iter().flatten();
                    names.all(|(name, _)| schema["properties"].get(name).is_some())
                }
                "format" if rule == "date-time" => value.as_str().is_none_or(|text| {
                    text.len() == 20 && text.ends_with('Z') && text.get(10..11) == Some("T")
                }),
                "format" | "title" | "description" => true,
                other => return Err(format!("{other} is no known keyword")),
            };
            if !fits {
                return Err(format!("{keyword} {rule} does not allow {value}"));
            }
        }
        Ok(())
    }
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match name.as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("null") => value.is_null(),
        _ => false,
    }
}
