//! `GET /openapi.json`: a description of every route in OpenAPI 3.1, made of the declarations that serve them.
//!
//! # Layout
//! - [`operation`]: what a form or a `GET` reads and answers
//! - [`refusals`]: which refusals it can have, by rule
//! - [`response`]: a response, also those that several routes share
//! - [`schema`]: fields, facts and refusals as schemas

pub mod operation;
pub mod refusals;
pub mod response;
pub mod schema;

use std::collections::BTreeMap;

use axum::{body::Bytes, http::HeaderMap, response::Response};
use serde_json::{Value, json};

use self::{operation::Operation, response::Responses};
use super::{files::File, settings::PublicUrl};
use crate::{
    forms::{
        FORMS,
        cookie::{Cookies, Kind},
    },
    pages::endpoint::{Content, Endpoint},
};

/// Its path.
pub const PATH: &str = "/openapi.json";
/// What it answers.
pub const ENDPOINT: Endpoint = Endpoint::new(
    "This description",
    &[(200, Content::Json), (304, Content::Nothing)],
);

/// The version of what is described. Not that of the program, which is nobody's business (ASVS 13.4.6).
const VERSION: &str = "1";

/// What holds on all routes.
const DESCRIPTION: &str = "\
A client whose `Accept` names `text/html` gets pages: a success is a 303, a refusal the page of the form with the status of \
the refusal. Every other client gets JSON. Forms read three encodings alike, in at most 16 KiB, and ignore unknown fields.

Every answer has an `X-Request-Id`. An unknown path is 404, a method that is not listed 405 with `Allow`; `HEAD` is \
answered wherever `GET` is.";

/// The description as it is served.
pub struct OpenApi(File);

impl OpenApi {
    /// Describes all forms, and these `GET` routes.
    pub fn new<'a>(
        public_url: &PublicUrl,
        cookies: Cookies,
        gets: impl Iterator<Item = (&'static str, &'a Endpoint)>,
    ) -> Self {
        let document = describe(public_url, cookies, gets);
        Self(File::json(Bytes::from(document.to_string())))
    }

    /// The response with the description, or 304 if the client has it.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        self.0.answer(request)
    }
}

fn describe<'a>(
    public_url: &PublicUrl,
    cookies: Cookies,
    gets: impl Iterator<Item = (&'static str, &'a Endpoint)>,
) -> Value {
    let mut responses = Responses::default();
    let mut paths = BTreeMap::<_, BTreeMap<_, Value>>::new();
    let mut schemas = schema::of_refusals();
    for (path, endpoint) in gets {
        let operation = Operation::get(path, endpoint).describe(&mut responses);
        paths.entry(path).or_default().insert("get", operation);
    }
    for form in FORMS {
        let operation = Operation::post(form).describe(&mut responses);
        paths
            .entry(form.path)
            .or_default()
            .insert("post", operation);
        schemas.insert(operation::id("post", form.path), schema::body(form));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": env!("CARGO_PKG_NAME"),
            "version": VERSION,
            "summary": env!("CARGO_PKG_DESCRIPTION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": public_url.configured().unwrap_or_else(|| "/".to_owned()) }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses.shared(),
            "securitySchemes": {
                operation::SESSION: {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": cookies.name(Kind::Session),
                    "description": "The session that a login or signup begins.",
                },
                operation::TOKEN: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An upload token. It counts alone, even beside a session.",
                },
            },
        },
    })
}
