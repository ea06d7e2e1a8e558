//! The door: forms get pages, programs get JSON, whatever the body was.
//!
//! By itself a server function reads only urlencoded forms, answers refusals with 500 and sends a form
//! without scripts back to its `Referer`. The door puts that right once for all five routes: it reads the
//! body, hides `Accept: text/html` from Leptos, gives a refusal its own status, and draws the page again for
//! a client that wants pages.

use std::{panic::resume_unwind, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;

use super::{
    answer::{self, Client, Problem},
    body::{self, Fields},
    document,
    store::for_one_request,
    visit,
};
use crate::{
    accounts::{token::Token, user::User},
    auth::{Refusal, context, cookie::Kind, next},
    pages::{
        form::{CSRF_FIELD, LINK_FIELD, Typed},
        scene::{Resetting, Scene},
    },
};

/// The five routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Login,
    Signup,
    Logout,
    ForgotPassword,
    ResetPassword,
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/auth/login" => Some(Self::Login),
            "/auth/signup" => Some(Self::Signup),
            "/auth/logout" => Some(Self::Logout),
            "/auth/forgot-password" => Some(Self::ForgotPassword),
            "/auth/reset-password" => Some(Self::ResetPassword),
            _ => None,
        }
    }

    /// The fields the route knows.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Login => &["email", "password", "next", CSRF_FIELD],
            Self::Signup => &["name", "email", "password", "next", CSRF_FIELD],
            Self::Logout => &[],
            Self::ForgotPassword => &["email", CSRF_FIELD],
            Self::ResetPassword => &["uuid", LINK_FIELD, "password", CSRF_FIELD],
        }
    }

    /// The page whose form posts here.
    fn page(self) -> Option<&'static str> {
        match self {
            Self::Login => Some("/auth/login"),
            Self::Signup => Some("/auth/signup"),
            Self::Logout => None,
            Self::ForgotPassword | Self::ResetPassword => Some(RESET_PAGE),
        }
    }
}

/// Where a new password is chosen.
pub(super) const RESET_PAGE: &str = "/auth/reset-password";

/// Lets a request through to its page or server function, and its answer back out.
pub async fn pass(
    State(state): State<Arc<super::State>>,
    request: Request,
    next: Next,
) -> Response {
    let client = Client::of(request.headers());
    let route = Route::of(request.uri().path());
    let is_home = request.uri().path() == "/";
    let is_visit = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match (route, is_visit) {
        (Some(route), false) if request.method() == Method::POST => {
            submit(&state, client, route, request, next).await
        }
        (Some(Route::ResetPassword), true) => {
            for_one_request(visit::reset_password(&state, client, request, next)).await
        }
        (Some(Route::Login | Route::Signup), true) => {
            visit::entrance(&state, client, request, next).await
        }
        (None, true) if is_home => {
            for_one_request(visit::home(&state, client, request, next)).await
        }
        _ => return next.run(request).await,
    };
    answer::vary(&mut response, "Accept");
    response
}

/// A form or a program's request: reads the body, runs the server function, words the answer.
async fn submit(
    state: &Arc<super::State>,
    client: Client,
    route: Route,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let (fields, problem) = match body::read(&parts.headers, body, route.fields()).await {
        Ok(fields) if is_other_form(state, &parts.headers, &fields) => {
            (fields, Some(Problem::OtherForm.refusal()))
        }
        Ok(fields) => (fields, None),
        Err(problem) => (Fields::default(), Some(problem.refusal())),
    };
    let fields = with_reset_cookie(state, route, &parts.headers, fields);
    match problem {
        None => to_its_end(run(state.clone(), client, route, parts, fields, next)).await,
        Some(refusal) => {
            let worded = reword(state, client, route, &parts.headers, &fields, refusal);
            for_one_request(worded).await
        }
    }
}

/// Whether a form brings another token than that of the browser's cookie (OWASP CSRF, double submit).
///
/// Programs and hydrated forms bring none: what decides for every client are the headers browsers send, in
/// [`super::headers::refuse_other_sites`].
fn is_other_form(state: &super::State, headers: &HeaderMap, fields: &Fields) -> bool {
    let Some(brought) = fields.get(CSRF_FIELD) else {
        return false;
    };
    form_token(state, headers).is_some_and(|expected| expected != brought)
}

/// What the forms of a browser must bring back.
pub(super) fn form_token(state: &super::State, headers: &HeaderMap) -> Option<String> {
    let cookie = state.service.cookies.token(Kind::Form, headers)?;
    Some(cookie.digest().to_string())
}

/// The fields, with the uuid of the reset cookie if the route wants one and none came. A form that was drawn for
/// another link gets none, or it would change the password of the wrong account.
fn with_reset_cookie(
    state: &super::State,
    route: Route,
    headers: &HeaderMap,
    mut fields: Fields,
) -> Fields {
    if route == Route::ResetPassword
        && fields.get("uuid").is_none()
        && let Some(uuid) = state.service.cookies.find(Kind::Reset, headers)
        && is_of_link(fields.get(LINK_FIELD), &uuid)
    {
        fields.add_known("uuid", uuid);
    }
    fields
}

/// Whether a form was drawn for the link of this uuid; a program's, which does not say, is for any.
fn is_of_link(drawn_for: Option<&str>, uuid: &str) -> bool {
    let token = Token::parse(uuid);
    drawn_for.is_none_or(|link| token.is_some_and(|token| token.digest_prefix() == link))
}

/// Goes on to the end even where the client hangs up: a login that was counted is settled, and what was half
/// done is done.
pub(super) async fn to_its_end(work: impl Future<Output = Response> + Send + 'static) -> Response {
    match tokio::spawn(for_one_request(work)).await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => answer::json(&Problem::Internal.refusal()),
        },
    }
}

/// Runs the server function of a route, and words its answer.
pub(super) async fn run(
    state: Arc<super::State>,
    client: Client,
    route: Route,
    parts: Parts,
    fields: Fields,
    next: Next,
) -> Response {
    let headers = parts.headers.clone();
    let answer = next.run(call(parts, &fields)).await;
    let location = answer.headers().get(header::LOCATION).cloned();
    if let (Client::Page, Some(location)) = (client, location) {
        return see_other(location, answer.headers());
    }
    if !answer.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return answer;
    }
    let (refused, body) = answer.into_parts();
    let refusal = read_refusal(body).await;
    let worded = reword(&state, client, route, &headers, &fields, refusal).await;
    answer::keep_headers(&refused.headers, worded)
}

/// The request as the server function reads it.
fn call(mut parts: Parts, fields: &Fields) -> Request {
    let body = fields.encode();
    parts.method = Method::POST;
    for stale in [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::REFERER,
    ] {
        parts.headers.remove(stale);
    }
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    parts.headers.insert(header::CONTENT_TYPE, form);
    let json = HeaderValue::from_static("application/json");
    parts.headers.insert(header::ACCEPT, json);
    Request::from_parts(parts, Body::from(body))
}

async fn read_refusal(body: Body) -> Refusal {
    let bytes = body.collect().await.map(|body| body.to_bytes());
    bytes
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_else(|| Problem::Internal.refusal())
}

/// The answer to a refusal: JSON, or the page of the form again.
async fn reword(
    state: &super::State,
    client: Client,
    route: Route,
    headers: &HeaderMap,
    fields: &Fields,
    refusal: Refusal,
) -> Response {
    let (Client::Page, Some(page)) = (client, route.page()) else {
        return answer::refuse(state, client, refusal).await;
    };
    let status = answer::status(&refusal);
    let is_dead = status == StatusCode::NOT_FOUND;
    let token = fields.get("uuid").and_then(Token::parse);
    let owner = match &token {
        Some(token) if !is_dead => reset_owner(state, token).await,
        _ => Ok(None),
    };
    // Which of its two forms the page should show is not to be known now: the cookie stays for the way back.
    let Ok(owner) = owner else {
        return answer::refuse(state, client, refusal).await;
    };
    let text = |name| fields.get(name).unwrap_or_default().to_owned();
    let scene = Scene {
        has_form: true,
        form_token: form_token(state, headers).unwrap_or_default(),
        next: next::safe(&text("next")).to_owned(),
        typed: Typed {
            name: text("name"),
            email: text("email"),
        },
        resetting: owner
            .zip(token.as_ref())
            .map(|(owner, token)| resetting(&owner, token)),
        refusal: Some(refusal),
        ..Scene::default()
    };
    if route != Route::ResetPassword {
        return document::draw(state, page, scene, status).await;
    }
    let cookies = state.service.cookies;
    let is_of_cookie = fields.get("uuid") == cookies.find(Kind::Reset, headers).as_deref();
    let cookie = match (&scene.resetting, token) {
        (Some(_), Some(token)) => Some(cookies.keep(Kind::Reset, &token)),
        _ if is_dead && is_of_cookie => Some(cookies.drop(Kind::Reset)),
        _ => None,
    };
    let response = document::draw(state, page, scene, status).await;
    with_cookie(response, cookie)
}

/// Sends a page client on, with the cookies of an earlier answer.
fn see_other(location: HeaderValue, earlier: &HeaderMap) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    answer::keep_headers(earlier, response)
}

/// Adds a cookie to an answer.
pub(super) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// What a page shows to choose the new password of `owner`.
pub(super) fn resetting(owner: &User, token: &Token) -> Resetting {
    Resetting {
        email: owner.email.as_str().to_owned(),
        link: token.digest_prefix(),
    }
}

/// The user whose reset link this is, where it works.
pub(super) async fn reset_owner(
    state: &super::State,
    token: &Token,
) -> Result<Option<User>, Refusal> {
    let owner = state.service.accounts.reset_owner(token).await;
    owner.map_err(context::refusal)
}
