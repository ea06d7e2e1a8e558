//! What is counted of requests and forms.

use std::{
    fmt::{Error, Write},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    accounts::counts::Label,
    forms::client::Client,
    forms::{form::Form, reply::Reason},
};

/// Upper bounds of the durations of requests, in seconds.
const REQUEST_SECONDS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];
/// Stands for every path and method that the program has no name for.
const OTHER: &str = "other";

/// What is counted of requests and forms.
#[derive(Clone)]
pub struct RequestMetrics {
    answered: Family<Answered, Counter>,
    duration: Family<[Label; 2], Histogram, fn() -> Histogram>,
    forms: Family<Submitted, Counter>,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: &'static str,
    method: &'static str,
    client: &'static str,
    status: u16,
}

/// A form that was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Submitted {
    form: &'static str,
    outcome: Outcome,
}

/// What came of a form: nothing hindered it, or the reason of the refusal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Outcome(Option<Reason>);

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), Error> {
        match self
            .0
            .map(|reason| reason.serialize(serde_json::value::Serializer))
        {
            None => encoder.write_str("done"),
            Some(Ok(Value::String(word))) => encoder.write_str(&word),
            Some(_) => Err(Error),
        }
    }
}

impl Default for RequestMetrics {
    fn default() -> Self {
        Self {
            answered: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            forms: Family::default(),
        }
    }
}

impl RequestMetrics {
    /// Counts a request to one of the program's own paths, or to another one.
    pub fn answered(
        &self,
        route: Option<&'static str>,
        method: &Method,
        client: Client,
        status: StatusCode,
        took: Duration,
    ) {
        let (route, method) = (route.unwrap_or(OTHER), word_of(method));
        let client = match client {
            Client::Page => "browser",
            Client::Program => "program",
        };
        let answered = Answered {
            route,
            method,
            client,
            status: status.as_u16(),
        };
        self.answered.get_or_create(&answered).inc();
        let duration = [("route", route), ("method", method)];
        let duration = self.duration.get_or_create(&duration);
        duration.observe(took.as_secs_f64());
    }

    /// Counts a form, by the reason if it was refused.
    pub fn submitted(&self, form: &Form, refused: Option<Reason>) {
        let submitted = Submitted {
            form: form.path,
            outcome: Outcome(refused),
        };
        self.forms.get_or_create(&submitted).inc();
    }

    /// Adds all to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("http_requests", "Requests", self.answered.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time until a request was answered",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register(
            "form_submissions",
            "Submitted forms by outcome",
            self.forms.clone(),
        );
    }
}

fn word_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => OTHER,
    }
}
