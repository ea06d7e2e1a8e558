//! Handles a form: pages for browsers, JSON for programs, whatever the encoding of the body.
//!
//! By itself a server function of Leptos reads only urlencoded bodies, answers every refusal with 500, and redirects a
//! form without scripts to its `Referer`. So all forms go through here: the body is read, the gate is checked, Leptos
//! is given a request as a program would send it, and a refusal gets its own status, for a browser with the page of
//! the form.

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
use tracing::Instrument;

use super::{
    body::{self, Fields},
    negotiation::vary,
    problem::{self, Problem},
    show::Show,
    state::State,
    store::deadline::with_request_deadline,
};
use crate::{
    accounts::{
        authenticate::Shown,
        network::Network,
        user::{Session, User},
    },
    forms::{
        client::Client,
        cookie::Kind,
        field::{CODE, CURRENT_PASSWORD},
        form::{CSRF_FIELD, Form, Gate},
        next,
        reply::{Reason, Refusal},
    },
    pages::request::Refused,
};

/// A form, and the handler of the page that contains it.
#[derive(Clone, Copy)]
pub struct Route {
    /// The form.
    pub form: &'static Form,
    /// The handler of its page.
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

    /// Answers a request whose fields were read. Runs in a task of its own, to its end even if the client disconnects:
    /// otherwise a counted attempt would never be taken back.
    pub async fn answer(
        self,
        state: Arc<State>,
        parts: Parts,
        fields: Result<Fields, Problem>,
    ) -> Response {
        let path = self.form.path;
        let work = with_request_deadline(self.run(state, parts, fields));
        match tokio::spawn(work.in_current_span()).await {
            Ok(answer) => answer,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => problem::json(path, &Refusal::internal()),
            },
        }
    }

    /// Redirects to the page of the form: the address of a refused form may be loaded again.
    pub async fn redirect_to_page(self) -> Response {
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
            Ok(account) => {
                call_server_function(&state, client, parts.clone(), account, &fields).await
            }
            Err(refusal) => Err((HeaderMap::new(), refusal)),
        };
        let reason = answer.as_ref().err().map(|(_, refusal)| refusal.reason);
        state.metrics.submitted(self.form, reason);
        let mut answer = match answer {
            Ok(done) => self.done(client, done),
            Err((headers, refusal)) => {
                let refused = self.refused(&state, client, parts, fields, refusal, &headers);
                problem::copy_headers(&headers, refused.await)
            }
        };
        vary(&mut answer, "Accept");
        answer
    }

    /// Whether this client may submit the form, and who is logged in if that matters.
    async fn gate(
        &self,
        state: &State,
        parts: &Parts,
        fields: &Fields,
    ) -> Result<Option<(User, Session)>, Refusal> {
        if has_outdated_token(state, &parts.headers, fields) {
            return Err(Problem::OutdatedForm.refusal());
        }
        let caller = state.service.caller(&parts.headers, &parts.extensions);
        let accounts = &state.service.accounts;
        let password = fields.get(CURRENT_PASSWORD.name);
        let shown = Shown {
            password,
            code: fields.get(CODE.name),
        };
        let account = match self.form.gate {
            Gate::Anyone => return Ok(None),
            Gate::LoggedIn => accounts.account(&caller, true).await,
            Gate::Recent => accounts.require_recent(&caller, shown).await,
            Gate::Password => accounts.require_password(&caller, password).await,
        };
        Ok(Some(account?))
    }

    /// The response after success: a redirect for a browser.
    fn done(&self, client: Client, answer: Response) -> Response {
        let location = answer.headers().get(header::LOCATION);
        match (client, location) {
            (Client::Page, Some(location)) => see_other(location.clone(), answer.headers()),
            _ => answer,
        }
    }

    /// The response to a refusal: JSON, or the page of the form again.
    async fn refused(
        &self,
        state: &Arc<State>,
        client: Client,
        mut parts: Parts,
        fields: Fields,
        refusal: Refusal,
        headers: &HeaderMap,
    ) -> Response {
        // A service asks for everybody, from one address: what it is refused must not hold up the rest.
        let is_of_person = self.form.page.is_some();
        if refusal.reason == Reason::TooManyAttempts && is_of_person {
            let network = parts.extensions.get::<Network>().copied();
            let accounts = &state.service.accounts;
            accounts.delay_refusal(network.unwrap_or_default()).await;
        }
        if client == Client::Program {
            return problem::json(self.form.path, &refusal);
        }
        let page = self.form.page.zip(self.page);
        match (page, headers.get(header::LOCATION)) {
            (_, Some(location)) => see_other(location.clone(), &HeaderMap::new()),
            (Some((path, _)), None) if refusal.reason == Reason::NotLoggedIn => {
                // Who was about to log in goes on where that was to lead.
                let next = match self.form.gate {
                    Gate::Anyone => next::safe(fields.get("next").unwrap_or_default()),
                    _ => path,
                };
                Redirect::to(&next::link("/auth/login", next)).into_response()
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

/// Whether the form token is not that of the browser's cookie (OWASP CSRF, double submit).
///
/// Programs and hydrated forms send none, which is allowed: [`super::headers::refuse_cross_site`] checks every client.
fn has_outdated_token(state: &State, headers: &HeaderMap, fields: &Fields) -> bool {
    let Some(sent) = fields.get(CSRF_FIELD) else {
        return false;
    };
    let cookie = state.service.cookies.token(Kind::Form, headers);
    cookie.is_some_and(|token| token.digest().to_string() != sent)
}

/// Calls the server function, which need not read the account again. A refusal comes with the headers that the function
/// set.
async fn call_server_function(
    state: &State,
    client: Client,
    mut parts: Parts,
    account: Option<(User, Session)>,
    fields: &Fields,
) -> Result<Response, (HeaderMap, Refusal)> {
    parts.extensions.insert(client);
    parts.extensions.insert(account.map(Arc::new));
    let service = state.service.clone();
    let context = move || provide_context(service.clone());
    let answer = handle_server_fns_with_context(context, leptos_request(parts, fields)).await;
    let answer = answer.into_response();
    if !answer.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return Ok(answer);
    }
    let (refused, body) = answer.into_parts();
    Err((refused.headers, read_refusal(body).await))
}

/// The request as a server function of Leptos expects it.
fn leptos_request(mut parts: Parts, fields: &Fields) -> Request {
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

/// A redirect, with the cookies of an earlier response.
fn see_other(location: HeaderValue, earlier: &HeaderMap) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    problem::copy_headers(earlier, response)
}
