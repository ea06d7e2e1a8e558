//! The HTTP server: all pages, forms and layers are in this file.
//!
//! # Layout
//! - [`submit`]: handles a form; [`show`]: handles a page; [`change_by_get`]: the `GET` of the first backend
//! - [`document`]: renders a page; [`rendered`]: a rendered page; [`prerendered`]: those rendered once and copied
//! - [`body`]: reads request bodies; [`negotiation`]: page or JSON; [`problem`]: the responses to refusals
//! - [`files`]: static files; [`export`]: the download of one's own data
//! - [`openapi`]: the description of all routes for programs
//! - [`headers`]: limits on headers, the same-origin rule, default headers
//! - [`health`]: whether the server works, for what watches it; [`last_look`]: one look at the store for all who ask
//! - [`who`]: whose session or upload token it is, for services and proxies
//! - [`peer`]: the client's network, also behind proxies; [`log`]: the access log;
//!   [`journal`]: lines for systemd's journal
//! - [`mod@listen`]: connections: their number and timeouts; [`state`]: what all handlers share
//! - [`mod@stop_signal`]: what ends the server, or a command that has to clean up
//! - [`probe`]: a request of an operator, to see what the proxy passes on
//! - [`admin`]: the socket for commands of operators; [`backup`]: backups of a store
//! - [`settings`]: configuration; [`breached`]: opens the filter of breached passwords; [`key_file`]: the
//!   keys that encrypt secrets; [`tls`]: to other servers
//! - [`metrics`]: what is counted, and the address that shows it
//! - [`owner`]: whose the files of the data folder are
//! - [`mail`], [`store`]: implementations of the accounts' traits `Mailer` and `Store`

pub mod admin;
pub mod backup;
pub mod body;
pub mod breached;
pub mod change_by_get;
pub mod document;
pub mod export;
pub mod files;
pub mod headers;
pub mod health;
pub mod journal;
pub mod key_file;
pub mod last_look;
pub mod listen;
pub mod log;
pub mod mail;
pub mod metrics;
pub mod negotiation;
pub mod openapi;
pub mod owner;
pub mod peer;
pub mod prerendered;
pub mod probe;
pub mod problem;
pub mod rendered;
pub mod settings;
pub mod show;
pub mod state;
pub mod stop_signal;
pub mod store;
pub mod submit;
pub mod tls;
pub mod who;

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::{Request, State as Extract},
    middleware,
    response::Redirect,
    routing::{get, post},
};
use tower_http::catch_panic::CatchPanicLayer;

use self::{
    log::AccessLog,
    openapi::OpenApi,
    show::{Entry, page},
    state::State,
    submit::Route,
};
use crate::{
    forms::{
        FORMS,
        form::{Form, Gate},
    },
    pages::{
        Page,
        account::AccountPage,
        confirm_email::ConfirmEmailPage,
        endpoint::{Endpoint, REDIRECT},
        history::HistoryPage,
        home::HomePage,
        login::LoginPage,
        not_me::NotMePage,
        reset_password::ResetPasswordPage,
        second_factor::SecondFactorPage,
        security::SecurityPage,
        sessions::SessionsPage,
        signup::SignupPage,
        tokens::TokensPage,
        totp::TotpPage,
    },
};

/// Every page.
pub static PAGES: &[Entry] = &[
    page::<HomePage>(),
    page::<LoginPage>(),
    page::<SecondFactorPage>(),
    page::<SignupPage>(),
    page::<ResetPasswordPage>(),
    page::<ConfirmEmailPage>(),
    page::<NotMePage>(),
    page::<AccountPage>(),
    page::<SecurityPage>(),
    page::<TotpPage>(),
    page::<SessionsPage>(),
    page::<TokensPage>(),
    page::<HistoryPage>(),
];

/// All that is neither a page nor a form nor a file.
pub static OTHERS: &[(&str, Endpoint)] = &[
    (
        CHANGE_PASSWORD,
        Endpoint::new("Where passwords are changed", &[REDIRECT]),
    ),
    (export::PATH, export::ENDPOINT),
    (who::WHOAMI, who::WHOSE),
    (who::FORWARD, who::FOR_PROXIES),
    (health::LIVE, health::IS_LIVE),
    (health::READY, health::IS_READY),
    (openapi::PATH, openapi::ENDPOINT),
];
/// The address of a form that is on a page of another address.
static OF_A_FORM: Endpoint = Endpoint::new("Leads to the page of the form", &[REDIRECT]);
/// Where password managers look for the page to change a password (W3C, A Well-Known URL for Changing Passwords).
const CHANGE_PASSWORD: &str = "/.well-known/change-password";

/// The routes of all pages and forms, with all layers. A `POST` to any other path never reaches a server function.
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
        if leads_to_page(form) {
            routes = routes.route(form.path, get(move || route.redirect_to_page()));
        }
    }
    let site = state.site.clone();
    // Made when it is first asked for, so that no start waits for it.
    let described = Arc::new(OnceLock::new());
    let password_page = Redirect::to(ResetPasswordPage::PATH);
    let routes = routes
        .route(CHANGE_PASSWORD, get(async move || password_page))
        .route(export::PATH, get(export::download))
        .route(who::WHOAMI, get(who::whoami))
        .route(who::FORWARD, get(who::forward))
        .route(health::LIVE, get(health::live))
        .route(health::READY, get(health::ready))
        .route(
            openapi::PATH,
            get(async move |state: Extract<Arc<State>>, request: Request| {
                let description = described.get_or_init(|| description(&state));
                description.answer(request.headers())
            }),
        )
        .fallback(async move |request| files::serve(&site, &request))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            change_by_get::change,
        ))
        .with_state(state.clone());
    with_layers(routes, state)
}

/// Whether the address of a form leads to its page. It may stand in the bar of the browser after a refusal.
fn leads_to_page(form: &Form) -> bool {
    let is_page = PAGES.iter().any(|page| page.path == form.path);
    form.gate != Gate::Anyone && !is_page
}

/// The description of all routes.
pub fn description(state: &State) -> OpenApi {
    let pages = PAGES.iter().map(|page| (page.path, &page.endpoint));
    let others = OTHERS.iter().map(|(path, endpoint)| (*path, endpoint));
    let forms = FORMS.iter().filter(|form| leads_to_page(form));
    let forms = forms.map(|form| (form.path, &OF_A_FORM));
    let gets = pages.chain(others).chain(forms);
    OpenApi::new(&state.public_url, state.service.cookies, gets)
}

/// Adds all layers to `routes`. The last one is outermost: it sees a request first.
pub fn with_layers(routes: Router, state: Arc<State>) -> Router {
    let paths = PAGES.iter().map(|page| page.path);
    let paths = paths.chain(FORMS.iter().map(|form| form.path));
    let paths = paths.chain(OTHERS.iter().map(|(path, _)| *path));
    let access_log = AccessLog::new(paths, state.metrics.clone());
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            headers::refuse_cross_site,
        ))
        .layer(middleware::from_fn(headers::refuse_large_headers))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            problem::add_bodies,
        ))
        .layer(middleware::from_fn_with_state(state.clone(), headers::add))
        .layer(middleware::from_fn_with_state(
            Arc::new(access_log),
            log::request,
        ))
        .layer(middleware::from_fn_with_state(state, peer::find))
}
