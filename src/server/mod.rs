//! The HTTP server: every page, form and layer on one screen.
//!
//! # Layout
//! - [`submit`]: a form in and out; [`show`]: a page; [`change_by_get`]: what old programs send
//! - [`document`]: the HTML around a page; [`drawn`]: a whole one; [`prerendered`]: those that are the same for all
//! - [`body`]: the kinds of body; [`negotiation`]: the kinds of client; [`problem`]: how refusals are answered
//! - [`files`]: what the browser loads
//! - [`headers`]: the same-origin rule, and the headers of every answer
//! - [`peer`]: where a request comes from; [`log`]: one line a request
//! - [`settings`], [`mail`], [`store`]: configuration, and the accounts' two traits
//! - [`mod@listen`]: connections, how many there are and how long each waits; [`state`]: what all of this shares

pub mod body;
pub mod change_by_get;
pub mod document;
pub mod drawn;
pub mod files;
pub mod headers;
pub mod listen;
pub mod log;
pub mod mail;
pub mod negotiation;
pub mod peer;
pub mod prerendered;
pub mod problem;
pub mod settings;
pub mod show;
pub mod state;
pub mod store;
pub mod submit;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State as Extract},
    middleware,
    response::Redirect,
    routing::{get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use self::{
    show::{Entry, page},
    state::State,
    submit::Route,
};
use crate::{
    forms::{FORMS, form::Gate},
    pages::{
        Page, home::HomePage, login::LoginPage, reset_password::ResetPasswordPage,
        signup::SignupPage,
    },
};

/// Every page.
pub static PAGES: &[Entry] = &[
    page::<HomePage>(),
    page::<LoginPage>(),
    page::<SignupPage>(),
    page::<ResetPasswordPage>(),
];

/// The whole site. Whatever is posted to a path that is no form's is refused before any server function sees it.
pub fn router(state: Arc<State>) -> Router {
    let mut routes = Router::new();
    for page in PAGES {
        let show = |state: Extract<Arc<State>>, request: Request| (page.show)(state.0, request);
        routes = routes.route(page.path, get(show));
    }
    for form in FORMS {
        let route = Route {
            form,
            page: PAGES
                .iter()
                .find(|page| Some(page.path) == form.page)
                .map(|page| page.show),
        };
        let submit =
            move |state: Extract<Arc<State>>, request: Request| route.submit(state.0, request);
        routes = routes.route(form.path, post(submit));
        if form.gate != Gate::Anyone {
            routes = routes.route(form.path, get(move || route.lead_to_page()));
        }
    }
    let site = state.site.clone();
    let password_page = Redirect::to(ResetPasswordPage::PATH);
    let routes = routes
        .route(
            "/.well-known/change-password",
            get(async move || password_page),
        )
        .fallback(async move |request| files::serve(&site, &request))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            change_by_get::change,
        ))
        .with_state(state.clone());
    with_layers(routes, state)
}

/// Puts all layers around `routes`.
pub fn with_layers(routes: Router, state: Arc<State>) -> Router {
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            headers::refuse_other_sites,
        ))
        .layer(middleware::from_fn(headers::refuse_large_heads))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            problem::finish,
        ))
        .layer(middleware::from_fn_with_state(state.clone(), headers::add))
        .layer(middleware::from_fn(log::request))
        .layer(middleware::from_fn_with_state(state, peer::find))
}
