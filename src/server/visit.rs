//! What the door does for a visit: finds out what a page shows before Leptos draws it.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, Uri},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use url::form_urlencoded;

use super::{
    answer::{self, Client, Problem},
    blank, body, document,
    door::{RESET_PAGE, Route, form_token, reset_owner, resetting, run, to_its_end, with_cookie},
};
use crate::{
    accounts::{Error, store, token::Token, user::User},
    auth::{context, cookie::Kind, next},
    pages::{
        form::Typed,
        scene::{Notice, Scene, Visitor},
    },
};

/// How long a page that can do without the visitor waits for the store.
const VISITOR_PATIENCE: Duration = Duration::from_millis(500);

/// `GET /`
pub(super) async fn home(
    state: &super::State,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    match who(state, &request).await {
        Ok(user) => {
            let scene = Scene {
                visitor: user.map(visitor),
                ..Scene::default()
            };
            visit_with(state, scene, request, next).await
        }
        Err(error) => answer::refuse(state, client, context::refusal(error)).await,
    }
}

/// `GET /auth/login` and `GET /auth/signup`
pub(super) async fn entrance(
    state: &super::State,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let query = Query::of(&request);
    let path = request.uri().path();
    let target = next::safe(query.get("next")).to_owned();
    if client == Client::Page && is_anyone(who(state, &request)).await {
        return Redirect::to(&next::location(&target)).into_response();
    }
    let scene = Scene {
        has_form: true,
        next: target,
        notice: Notice::told_at(path, query.get("notice")),
        ..Scene::default()
    };
    visit_form(state, scene, request, next).await
}

/// Whether someone is logged in; no, where the store does not say so soon.
async fn is_anyone(who: impl Future<Output = Result<Option<store::Visitor>, Error>>) -> bool {
    match tokio::time::timeout(VISITOR_PATIENCE, who).await {
        Ok(Ok(visitor)) => visitor.is_some(),
        Ok(Err(_)) | Err(_) => false,
    }
}

/// The user who is logged in. `HEAD` changes nothing, so it is no use of a session.
fn who<'a>(
    state: &'a super::State,
    request: &Request,
) -> impl Future<Output = Result<Option<store::Visitor>, Error>> + use<'a> {
    let service = &state.service;
    let caller = service.caller(request.headers(), request.extensions());
    let is_use = request.method() == Method::GET;
    async move { service.accounts.visitor(&caller, is_use).await }
}

/// `GET /auth/reset-password`, in all its states.
pub(super) async fn reset_password(
    state: &Arc<super::State>,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let query = Query::of(&request);
    match (query.has("uuid"), query.has("password")) {
        (true, true) if is_browser(client, request.headers()) => {
            answer::refuse(state, client, Problem::PasswordInUrl.refusal()).await
        }
        (true, true) if request.method() == Method::GET => {
            change_by_get(state, client, request, next).await
        }
        (true, _) => open_link(state, client, query.get("uuid"), request, next).await,
        (false, _) if query.has("keep-password") => keep_password(state),
        (false, _) => reset_page(state, client, &query, request, next).await,
    }
}

/// Whether a browser asks, which would keep an address in its history.
fn is_browser(client: Client, headers: &HeaderMap) -> bool {
    client == Client::Page || headers.contains_key("sec-fetch-site")
}

/// The first backend's `GET` that changes a password, for old programs only.
async fn change_by_get(
    state: &Arc<super::State>,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    match body::urlencoded(query.as_bytes(), Route::ResetPassword.fields()) {
        Ok(fields) => {
            parts.uri = Uri::from_static(RESET_PAGE);
            let reset = run(
                state.clone(),
                client,
                Route::ResetPassword,
                parts,
                fields,
                next,
            );
            to_its_end(reset).await
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
            with_cookie(Redirect::to(RESET_PAGE).into_response(), Some(cookie))
        }
        (Ok(Some(owner)), Some(token), Client::Program) => {
            visit_form(state, choose_password(&owner, &token), request, next).await
        }
        (Err(refusal), ..) => answer::refuse(state, client, refusal).await,
        (Ok(_), ..) => dead_link(state, client, uuid, request.headers()).await,
    }
}

/// The way out of a reset: the browser forgets the link.
///
/// A link of another site may lead here too. All it does is that the mailed link must be opened again.
fn keep_password(state: &super::State) -> Response {
    let cookie = state.service.cookies.drop(Kind::Reset);
    with_cookie(Redirect::to("/").into_response(), Some(cookie))
}

/// `GET /auth/reset-password` without a uuid in the address.
async fn reset_page(
    state: &super::State,
    client: Client,
    query: &Query,
    request: Request,
    next: Next,
) -> Response {
    let cookies = state.service.cookies;
    let ask = Scene {
        has_form: true,
        notice: Notice::told_at(RESET_PAGE, query.get("notice")),
        ..Scene::default()
    };
    let Some(text) = cookies.find(Kind::Reset, request.headers()) else {
        return visit_form(state, ask, request, next).await;
    };
    let token = Token::parse(&text);
    let owner = match &token {
        Some(token) => reset_owner(state, token).await,
        None => Ok(None),
    };
    match owner.map(|owner| owner.zip(token)) {
        Ok(Some((owner, token))) => {
            visit_form(state, choose_password(&owner, &token), request, next).await
        }
        Ok(None) => {
            let form_token = form_token(state, request.headers()).unwrap_or_default();
            let ask = Scene {
                notice: ask.notice.or(Some(Notice::LinkDied)),
                form_token,
                ..ask
            };
            let page = visit_with(state, ask, request, next).await;
            with_cookie(page, Some(cookies.drop(Kind::Reset)))
        }
        Err(refusal) => answer::refuse(state, client, refusal).await,
    }
}

fn choose_password(owner: &User, token: &Token) -> Scene {
    Scene {
        has_form: true,
        resetting: Some(resetting(owner, token)),
        ..Scene::default()
    }
}

/// The answer to a link that is unknown, used or expired: how to get a new one.
///
/// The reset cookie stays unless it is that link: any page could link to a made-up uuid.
async fn dead_link(
    state: &super::State,
    client: Client,
    uuid: &str,
    headers: &HeaderMap,
) -> Response {
    let refusal = context::refusal(Error::UserNotFound);
    if client == Client::Program {
        return answer::json(&refusal);
    }
    let scene = Scene {
        has_form: true,
        form_token: form_token(state, headers).unwrap_or_default(),
        refusal: Some(refusal),
        ..Scene::default()
    };
    let response = document::draw(state, RESET_PAGE, scene, StatusCode::NOT_FOUND).await;
    let cookies = state.service.cookies;
    let is_of_cookie = cookies.find(Kind::Reset, headers).as_deref() == Some(uuid);
    with_cookie(response, is_of_cookie.then(|| cookies.drop(Kind::Reset)))
}

/// Shows the page of a request: a copy, where the scene has nothing of the request.
async fn visit_with(
    state: &super::State,
    mut scene: Scene,
    mut request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::GET || state.site.is_watched() || !is_blank(&scene) {
        request.extensions_mut().insert(scene);
        return next.run(request).await;
    }
    let path = request.uri().path().to_owned();
    let form_token = std::mem::replace(&mut scene.form_token, blank::PLACEHOLDER.to_owned());
    if let Some(page) = state.blank_pages.copy(&path, &form_token) {
        return page;
    }
    request.extensions_mut().insert(scene);
    let page = next.run(request).await;
    state.blank_pages.keep(&path, page, &form_token).await
}

/// Whether a page is the same for all who see it, but for the token of its form.
fn is_blank(scene: &Scene) -> bool {
    let Scene {
        has_form,
        form_token,
        visitor: None,
        resetting: None,
        notice: None,
        next,
        typed,
        refusal: None,
        problem: None,
    } = scene
    else {
        return false;
    };
    let has_token = !form_token.is_empty();
    *has_form == has_token && matches!(next.as_str(), "" | "/") && *typed == Typed::default()
}

/// Shows a page with a form, and sees to it that the browser has the cookie that goes with its forms.
async fn visit_form(
    state: &super::State,
    mut scene: Scene,
    request: Request,
    next: Next,
) -> Response {
    let cookies = state.service.cookies;
    let known = cookies.token(Kind::Form, request.headers());
    let token = known.clone().unwrap_or_else(Token::random);
    scene.form_token = token.digest().to_string();
    let page = visit_with(state, scene, request, next).await;
    let cookie = known.is_none().then(|| cookies.keep(Kind::Form, &token));
    with_cookie(page, cookie)
}

fn visitor(visitor: store::Visitor) -> Visitor {
    Visitor {
        name: visitor.name,
        email: visitor.email.as_str().to_owned(),
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
