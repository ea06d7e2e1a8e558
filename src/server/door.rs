//! The door: forms get pages, programs get JSON, whatever the body was.
//!
//! By itself a server function reads only urlencoded forms, answers refusals with 500 and sends a form
//! without scripts back to its `Referer`. The door puts that right once for all five routes: it reads the
//! body, hides `Accept: text/html` from Leptos, gives a refusal its own status, and draws the page again for
//! a client that wants pages. Before a page is drawn it finds out what the page shows.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http_body_util::BodyExt;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use url::form_urlencoded;

use super::{
    answer::{self, Client, Finished, Problem},
    body::{self, Fields},
    document,
};
use crate::{
    accounts::{Error, store::User, token::Token},
    auth::{Refusal, context, cookie::Kind, next},
    pages::{
        form::Typed,
        scene::{Notice, Scene, Visitor},
    },
};

/// How long a page that can do without the visitor waits for the store.
const VISITOR_PATIENCE: Duration = Duration::from_millis(500);

/// The five routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
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
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Login => &["email", "password", "next"],
            Self::Signup => &["name", "email", "password", "next"],
            Self::Logout => &[],
            Self::ForgotPassword => &["email"],
            Self::ResetPassword => &["uuid", "password"],
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

const RESET_PAGE: &str = "/auth/reset-password";

/// Lets a request through to its page or server function, and its answer back out.
pub async fn pass(State(state): State<super::State>, request: Request, next: Next) -> Response {
    let client = Client::of(request.headers());
    let route = Route::of(request.uri().path());
    let is_home = request.uri().path() == "/";
    let is_visit = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match (route, is_visit) {
        (Some(route), false) if request.method() == Method::POST => {
            submit(&state, client, route, request, next).await
        }
        (Some(Route::ResetPassword), true) => visit_reset(&state, client, request, next).await,
        (Some(Route::Login | Route::Signup), true) => {
            visit_entrance(&state, client, request, next).await
        }
        (None, true) if is_home => visit_home(&state, client, request, next).await,
        _ => return next.run(request).await,
    };
    answer::vary(&mut response, "Accept");
    response
}

/// A form or a program's request: reads the body, runs the server function, words the answer.
async fn submit(
    state: &super::State,
    client: Client,
    route: Route,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match body::read(&parts.headers, body, route.fields()).await {
        Ok(fields) => run(state, client, route, parts, fields, next).await,
        Err(problem) => {
            let fields = Fields::default();
            reword(
                state,
                client,
                route,
                &parts.headers,
                &fields,
                problem.refusal(),
            )
            .await
        }
    }
}

/// Runs the server function of a route.
async fn run(
    state: &super::State,
    client: Client,
    route: Route,
    parts: Parts,
    fields: Fields,
    next: Next,
) -> Response {
    let headers = parts.headers.clone();
    let answer = next.run(call(parts, &fields)).await;
    if !answer.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return match (client, answer.headers().get(header::LOCATION).cloned()) {
            (Client::Page, Some(location)) => see_other(location, answer.headers()),
            _ => answer,
        };
    }
    let (refused, body) = answer.into_parts();
    let refusal = read_refusal(body).await;
    match (client, refused.headers.get(header::LOCATION).cloned()) {
        (Client::Page, Some(location)) => see_other(location, &refused.headers),
        _ => {
            let worded = reword(state, client, route, &headers, &fields, refusal).await;
            answer::keep_headers(&refused.headers, worded)
        }
    }
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
    let text = |name| fields.get(name).unwrap_or_default().to_owned();
    let status = answer::status(&refusal);
    let mut scene = Scene {
        has_form: true,
        next: next::safe(&text("next")).to_owned(),
        typed: Typed {
            name: text("name"),
            email: text("email"),
        },
        refusal: Some(refusal),
        ..Scene::default()
    };
    if route != Route::ResetPassword {
        return document::draw(state, page, scene, status).await;
    }
    let token = match fields.get("uuid") {
        Some(text) => Token::parse(text),
        None => state.service.cookies.token(Kind::Reset, headers),
    };
    let cookies = state.service.cookies;
    let owner = match &token {
        Some(token) if status != StatusCode::NOT_FOUND => reset_owner(state, token).await,
        _ => Ok(None),
    };
    scene.resetting = owner
        .ok()
        .flatten()
        .map(|user| user.email.as_str().to_owned());
    let cookie = match (&scene.resetting, token) {
        (Some(_), Some(token)) => Some(cookies.keep(Kind::Reset, &token)),
        _ if status == StatusCode::NOT_FOUND => Some(cookies.drop(Kind::Reset)),
        _ => None,
    };
    let response = document::draw(state, page, scene, status).await;
    with_cookie(response, cookie)
}

/// `GET /`
async fn visit_home(
    state: &super::State,
    client: Client,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = state.service.caller(request.headers());
    match state.service.accounts.visitor(&caller).await {
        Ok(user) => {
            request.extensions_mut().insert(Scene {
                visitor: user.map(visitor),
                ..Scene::default()
            });
            next.run(request).await
        }
        Err(error) => answer::refuse(state, client, context::refusal(error)).await,
    }
}

/// `GET /auth/login` and `GET /auth/signup`
async fn visit_entrance(
    state: &super::State,
    client: Client,
    mut request: Request,
    next: Next,
) -> Response {
    let query = Query::of(&request);
    let target = next::safe(query.get("next")).to_owned();
    if client == Client::Page && is_logged_in(state, request.headers()).await {
        return see_other_path(&target);
    }
    request.extensions_mut().insert(Scene {
        has_form: true,
        next: target,
        notice: Notice::parse(query.get("notice")),
        ..Scene::default()
    });
    next.run(request).await
}

/// Whether the client has a live session; no, where the store does not say so soon.
async fn is_logged_in(state: &super::State, headers: &HeaderMap) -> bool {
    let caller = state.service.caller(headers);
    let visitor = state.service.accounts.visitor(&caller);
    match tokio::time::timeout(VISITOR_PATIENCE, visitor).await {
        Ok(Ok(visitor)) => visitor.is_some(),
        Ok(Err(_)) | Err(_) => false,
    }
}

/// `GET /auth/reset-password`, in all its states.
async fn visit_reset(
    state: &super::State,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let query = Query::of(&request);
    let is_change = query.has("password") && request.method() == Method::GET;
    match (query.has("uuid"), is_change) {
        (true, true) => change_by_get(state, client, request, next).await,
        (true, false) => open_link(state, client, query.get("uuid"), request, next).await,
        (false, _) => visit_reset_page(state, client, &query, request, next).await,
    }
}

/// The first backend's `GET` that changes a password, for old programs only.
async fn change_by_get(
    state: &super::State,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let is_browser = client == Client::Page || parts.headers.contains_key("sec-fetch-site");
    if is_browser {
        return answer::refuse(state, client, Problem::PasswordInUrl.refusal()).await;
    }
    match body::urlencoded(query.as_bytes(), Route::ResetPassword.fields()) {
        Ok(fields) => {
            parts.uri = axum::http::Uri::from_static(RESET_PAGE);
            run(state, client, Route::ResetPassword, parts, fields, next).await
        }
        Err(problem) => answer::refuse(state, client, problem.refusal()).await,
    }
}

/// The mailed link: shows the page, or first moves the uuid out of the address. Nothing is consumed.
async fn open_link(
    state: &super::State,
    client: Client,
    uuid: &str,
    request: Request,
    next: Next,
) -> Response {
    let token = Token::parse(uuid);
    let owner = match &token {
        Some(token) => reset_owner(state, token).await,
        None => Ok(None),
    };
    match (owner, token, client) {
        (Ok(Some(_)), Some(token), Client::Page) => {
            let cookie = state.service.cookies.keep(Kind::Reset, &token);
            with_cookie(see_other_path(RESET_PAGE), Some(cookie))
        }
        (Ok(Some(owner)), _, Client::Program) => {
            visit_with(choose_password(owner), request, next).await
        }
        (Err(refusal), ..) => answer::refuse(state, client, refusal).await,
        (Ok(_), ..) => dead_link(state, client).await,
    }
}

/// `GET /auth/reset-password` without a uuid in the address.
async fn visit_reset_page(
    state: &super::State,
    client: Client,
    query: &Query,
    request: Request,
    next: Next,
) -> Response {
    let cookies = state.service.cookies;
    let ask = Scene {
        has_form: true,
        notice: Notice::parse(query.get("notice")),
        ..Scene::default()
    };
    let Some(text) = cookies.find(Kind::Reset, request.headers()) else {
        return visit_with(ask, request, next).await;
    };
    let owner = match Token::parse(&text) {
        Some(token) => reset_owner(state, &token).await,
        None => Ok(None),
    };
    match owner {
        Ok(Some(owner)) => visit_with(choose_password(owner), request, next).await,
        Ok(None) => {
            let page = visit_with(ask, request, next).await;
            with_cookie(page, Some(cookies.drop(Kind::Reset)))
        }
        Err(refusal) => answer::refuse(state, client, refusal).await,
    }
}

fn choose_password(owner: User) -> Scene {
    Scene {
        has_form: true,
        resetting: Some(owner.email.as_str().to_owned()),
        ..Scene::default()
    }
}

/// The answer to a link that is unknown, used or expired: how to get a new one.
async fn dead_link(state: &super::State, client: Client) -> Response {
    let refusal = context::refusal(Error::UserNotFound);
    if client == Client::Program {
        return answer::json(&refusal);
    }
    let scene = Scene {
        has_form: true,
        refusal: Some(refusal),
        ..Scene::default()
    };
    let response = document::draw(state, RESET_PAGE, scene, StatusCode::NOT_FOUND).await;
    with_cookie(response, Some(state.service.cookies.drop(Kind::Reset)))
}

async fn reset_owner(state: &super::State, token: &Token) -> Result<Option<User>, Refusal> {
    let owner = state.service.accounts.reset_owner(token).await;
    owner.map_err(context::refusal)
}

async fn visit_with(scene: Scene, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(scene);
    next.run(request).await
}

fn visitor(user: User) -> Visitor {
    Visitor {
        name: user.name,
        email: user.email.as_str().to_owned(),
    }
}

/// The fields of a query, read leniently: what does not decode is no value any page knows.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(request: &Request) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    fn get(&self, name: &str) -> &str {
        let pair = self.0.iter().find(|(key, _)| key == name);
        pair.map_or("", |(_, value)| value)
    }
}

/// Sends a page client on, with the cookies of an earlier answer.
fn see_other(location: HeaderValue, earlier: &HeaderMap) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    response.extensions_mut().insert(Finished);
    answer::keep_headers(earlier, response)
}

fn see_other_path(path: &str) -> Response {
    Redirect::to(path).into_response()
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
