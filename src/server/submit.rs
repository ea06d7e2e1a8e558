//! A form in and out: pages for browsers, JSON for programs, whatever the body was.
//!
//! By itself a server function reads only urlencoded forms, answers refusals with 500 and sends a form
//! without scripts back to its `Referer`. This puts it right once for all forms: it reads the body, sees to who may
//! send it, hides `Accept: text/html` from Leptos, gives a refusal its own status, and answers it with the page of
//! the form for a client that wants pages.

use std::{panic::resume_unwind, sync::Arc};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use http_body_util::BodyExt;
use leptos::{prelude::provide_context, server_fn::error::SERVER_FN_ERROR_HEADER};
use leptos_axum::handle_server_fns_with_context;

use super::{
    body::{self, Fields},
    negotiation::vary,
    problem::{self, Problem},
    show::Show,
    state::State,
    store::deadline::for_one_request,
};
use crate::{
    accounts::{error::Error, network::Network},
    forms::{
        cookie::Kind,
        form::{CSRF_FIELD, Form, Gate},
        next,
        reply::{Reason, Refusal},
    },
    pages::request::{Client, Refused},
};

/// A form, and how the page is shown that it stands on.
#[derive(Clone, Copy)]
pub struct Route {
    /// The form.
    pub form: &'static Form,
    /// Its page.
    pub page: Option<Show>,
}

impl Route {
    /// Answers a `POST`.
    pub async fn submit(self, state: Arc<State>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let names: Vec<_> = self.form.names().collect();
        let fields = body::read(&parts.headers, body, &names).await;
        self.answer(state, parts, fields).await
    }

    /// Answers a request whose fields were read. Goes on to the end even if the client hangs up: a login that was
    /// counted is settled, and what was half done is done.
    pub async fn answer(
        self,
        state: Arc<State>,
        parts: Parts,
        fields: Result<Fields, Problem>,
    ) -> Response {
        let path = self.form.path;
        let work = for_one_request(self.run(state, parts, fields));
        match tokio::spawn(work).await {
            Ok(answer) => answer,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => problem::json(path, &Refusal::internal()),
            },
        }
    }

    /// The page of a form, for who loads the address at which a refusal was shown.
    pub async fn lead_to_page(self) -> Response {
        Redirect::to(self.form.page.unwrap_or("/")).into_response()
    }

    async fn run(
        self,
        state: Arc<State>,
        parts: Parts,
        fields: Result<Fields, Problem>,
    ) -> Response {
        let client = Client::of(&parts.headers);
        let (fields, allowed) = match fields {
            Ok(fields) => {
                let allowed = self.gate(&state, &parts, &fields).await;
                (fields, allowed)
            }
            Err(problem) => (Fields::default(), Err(problem.refusal())),
        };
        let answer = match allowed {
            Ok(()) => call(&state, parts.clone(), &fields).await,
            Err(refusal) => Err((HeaderMap::new(), refusal)),
        };
        let mut answer = match answer {
            Ok(done) => self.done(client, done),
            Err((headers, refusal)) => {
                let refused = self.refused(&state, client, parts, fields, refusal, &headers);
                problem::keep_headers(&headers, refused.await)
            }
        };
        vary(&mut answer, "Accept");
        answer
    }

    /// Whether the form may be sent by whom it comes from.
    async fn gate(&self, state: &State, parts: &Parts, fields: &Fields) -> Result<(), Refusal> {
        if is_other_form(state, &parts.headers, fields) {
            return Err(Problem::OtherForm.refusal());
        }
        match self.form.gate {
            Gate::Anyone => Ok(()),
            Gate::LoggedIn => {
                let caller = state.service.caller(&parts.headers, &parts.extensions);
                let visitor = state.service.accounts.visitor(&caller, true).await?;
                Ok(visitor.map(drop).ok_or(Error::NotLoggedIn)?)
            }
        }
    }

    /// The answer to what was done: a browser is sent on.
    fn done(&self, client: Client, answer: Response) -> Response {
        let location = answer.headers().get(header::LOCATION);
        match (client, location) {
            (Client::Page, Some(location)) => see_other(location.clone(), answer.headers()),
            _ => answer,
        }
    }

    /// The answer to a refusal: JSON, or the page of the form again.
    async fn refused(
        &self,
        state: &Arc<State>,
        client: Client,
        mut parts: Parts,
        fields: Fields,
        refusal: Refusal,
        headers: &HeaderMap,
    ) -> Response {
        if refusal.reason == Reason::TooManyAttempts {
            let network = parts.extensions.get::<Network>().copied();
            let client = network.unwrap_or_default();
            tracing::warn!(%client, path = self.form.path, "too many attempts");
        }
        if client == Client::Program {
            return problem::json(self.form.path, &refusal);
        }
        let page = self.form.page.zip(self.page);
        match (page, headers.get(header::LOCATION)) {
            (_, Some(location)) => see_other(location.clone(), &HeaderMap::new()),
            (Some((path, _)), None) if refusal.reason == Reason::NotLoggedIn => {
                Redirect::to(&next::link("/auth/login", path)).into_response()
            }
            (Some((path, show)), None) => {
                let (form, fields) = (self.form, fields.into_pairs());
                parts.method = Method::GET;
                parts.uri = Uri::from_static(path);
                parts.extensions.insert(Refused {
                    form,
                    fields,
                    refusal,
                });
                show(state.clone(), Request::from_parts(parts, Body::empty())).await
            }
            (None, None) => problem::refuse(state, client, self.form.path, refusal),
        }
    }
}

/// Whether a form brings another token than that of the browser's cookie (OWASP CSRF, double submit).
///
/// Programs and hydrated forms bring none: what decides for every client are the headers browsers send, in
/// [`super::headers::refuse_other_sites`].
fn is_other_form(state: &State, headers: &HeaderMap, fields: &Fields) -> bool {
    let Some(brought) = fields.get(CSRF_FIELD) else {
        return false;
    };
    let cookie = state.service.cookies.token(Kind::Form, headers);
    cookie.is_some_and(|token| token.digest().to_string() != brought)
}

/// Calls the server function. A refusal comes with the headers that go with it.
async fn call(
    state: &State,
    parts: Parts,
    fields: &Fields,
) -> Result<Response, (HeaderMap, Refusal)> {
    let service = state.service.clone();
    let context = move || provide_context(service.clone());
    let answer = handle_server_fns_with_context(context, as_leptos_reads_it(parts, fields)).await;
    let answer = answer.into_response();
    if !answer.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return Ok(answer);
    }
    let (refused, body) = answer.into_parts();
    Err((refused.headers, read_refusal(body).await))
}

/// The request as a server function reads it.
fn as_leptos_reads_it(mut parts: Parts, fields: &Fields) -> Request {
    for stale in [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::REFERER,
    ] {
        parts.headers.remove(stale);
    }
    parts.method = Method::POST;
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    parts.headers.insert(header::CONTENT_TYPE, form);
    let json = HeaderValue::from_static("application/json");
    parts.headers.insert(header::ACCEPT, json);
    Request::from_parts(parts, Body::from(fields.encode()))
}

async fn read_refusal(body: Body) -> Refusal {
    let bytes = body.collect().await.map(|body| body.to_bytes());
    bytes
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_else(Refusal::internal)
}

/// Sends a page client on, with the cookies of an earlier answer.
fn see_other(location: HeaderValue, earlier: &HeaderMap) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    problem::keep_headers(earlier, response)
}
