//! What a form or a `GET` reads and answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    refusals,
    response::{self, Responses},
    schema,
};
use crate::{
    accounts::lifetimes::RECENT,
    forms::{
        FORMS,
        form::{Form, Gate},
        reply::{Reason, Refusal},
    },
    pages::endpoint::{Content, Endpoint, Header, REDIRECT},
};

/// The name of the session in security requirements.
pub const SESSION: &str = "session";
/// The name of an upload token there.
pub const TOKEN: &str = "token";

/// A method of a path.
pub struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    description: String,
    parameters: Vec<Value>,
    body: Option<Value>,
    successes: Vec<(u16, Value)>,
    refusals: Vec<Refusal>,
    headers: &'static [(u16, Header)],
}

impl Operation {
    /// The `GET` of a path.
    pub fn get(path: &'static str, endpoint: &Endpoint) -> Self {
        let query = endpoint.query.iter();
        let query = query.map(|query| parameter(query.name, query.does, json!({"type": "string"})));
        let submits = endpoint.submits.map(schema::done);
        let answers = endpoint.answers.iter();
        let answers = answers.map(|(status, content)| {
            (
                *status,
                response::of_content(*status, content, submits.clone()),
            )
        });
        Self {
            method: "get",
            path,
            summary: endpoint.summary,
            description: String::new(),
            parameters: query.chain(notice(path)).collect(),
            body: None,
            successes: answers.collect(),
            refusals: refusals::of_get(endpoint),
            headers: endpoint.headers,
        }
    }

    /// The `POST` of a form.
    pub fn post(form: &'static Form) -> Self {
        let (status, redirect) = REDIRECT;
        let done = match form.has_sentence() {
            true => response::done(form),
            false => response::of_content(200, &Content::Facts(form.facts()), None),
        };
        // A browser is led on after success, and to log in before.
        let leads_on = form.has_sentence() || form.gate != Gate::Anyone;
        let redirect = leads_on.then(|| (status, response::of_content(status, &redirect, None)));
        let successes = [(200, done)].into_iter().chain(redirect);
        Self {
            method: "post",
            path: form.path,
            summary: form.button.idle,
            description: who_may(form.gate),
            parameters: Vec::new(),
            body: Some(request_body(form)),
            successes: successes.collect(),
            refusals: refusals::of_form(form),
            headers: &[],
        }
    }

    /// The description, which refers to what it shares with others in `responses`.
    pub fn describe(self, responses: &mut Responses) -> Value {
        let security = security(&self.refusals);
        let mut all = responses.of_refusals(self.path, &self.refusals, self.headers);
        for (status, mut response) in self.successes {
            response::add_headers(&mut response, status, self.headers);
            all.insert(status.to_string(), response);
        }
        let mut operation = json!({
            "operationId": id(self.method, self.path),
            "summary": self.summary,
            "tags": [tag(self.path)],
            "responses": all,
        });
        if !self.description.is_empty() {
            operation["description"] = self.description.into();
        }
        if !self.parameters.is_empty() {
            operation["parameters"] = self.parameters.into();
        }
        if let Some(body) = self.body {
            operation["requestBody"] = body;
        }
        if !security.is_empty() {
            operation["security"] = security.into();
        }
        operation
    }
}

/// What opens an operation that can be refused like this, each alone.
fn security(refusals: &[Refusal]) -> Vec<Value> {
    let has = |fits: fn(&Refusal) -> bool| refusals.iter().any(fits);
    let by_session = has(|refusal| refusal.reason == Reason::NotLoggedIn);
    let by_token = has(|refusal| refusal.reason == Reason::TokenUnknown && refusal.code == 401);
    let schemes = [(by_session, SESSION), (by_token, TOKEN)];
    let schemes = schemes.into_iter().filter(|(opens, _)| *opens);
    schemes.map(|(_, name)| json!({ name: [] })).collect()
}

/// The id of an operation, such as `postAccountSessionsEnd`.
pub fn id(method: &str, path: &str) -> String {
    let words = path.split(|symbol: char| !symbol.is_ascii_alphanumeric());
    let words = words.filter_map(|word| {
        let (first, rest) = word.split_at_checked(1)?;
        Some(first.to_ascii_uppercase() + rest)
    });
    words.fold(method.to_owned(), |id, word| id + &word)
}

/// The first part of the path, by which tools group operations.
fn tag(path: &str) -> &str {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        [group @ ("auth" | "account"), ..] => group,
        _ => "service",
    }
}

fn who_may(gate: Gate) -> String {
    let minutes = RECENT.as_secs() / 60;
    match gate {
        Gate::Anyone => String::new(),
        Gate::LoggedIn => "For users who are logged in.".to_owned(),
        Gate::Recent => format!(
            "For users who are logged in. `current_password`, or `code` of users with a second factor, is needed unless who \
             is there was shown within {minutes} minutes in this session."
        ),
        Gate::Password => "For users who are logged in and give their password.".to_owned(),
    }
}

/// The word in the query by which a page says what has just happened, if a form leads there with one. Others are ignored.
fn notice(path: &str) -> Option<Value> {
    let led_here = FORMS.iter().filter(|form| form.done.page == path);
    let words = led_here.filter_map(|form| form.done.notice.as_ref());
    let words: BTreeSet<&str> = words.map(|notice| notice.word).collect();
    let schema = json!({ "type": "string", "examples": words });
    let does = "Makes the page say what has just happened. Unknown words are ignored.";
    (!words.is_empty()).then(|| parameter("notice", does, schema))
}

fn parameter(name: &str, does: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "description": does, "schema": schema })
}

fn request_body(form: &Form) -> Value {
    let schema = json!({ "schema": schema::reference(&id("post", form.path)) });
    json!({
        "required": !schema::required(form).is_empty(),
        "content": {
            "application/x-www-form-urlencoded": schema,
            "multipart/form-data": schema,
            "application/json": schema,
        },
    })
}
