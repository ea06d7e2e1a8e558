//! The HTTP server: every layer and route on one screen.
//!
//! # Layout
//! - [`door`]: forms get pages, programs get JSON; `visit`: what a page shows; [`body`]: the kinds of body
//! - [`answer`]: kinds of client, and refusals that come from no route
//! - [`document`]: the HTML document around the app; [`blank`]: pages that are the same for all
//! - [`files`]: what the browser loads
//! - [`headers`]: the same-origin rule, and the headers of every answer
//! - [`peer`]: where a request comes from; [`log`]: one line a request
//! - [`settings`], [`mail`], [`store`]: configuration, and the accounts' two traits
//! - [`mod@listen`] holds the connections, in [`slots`] that networks share, with [`patience`] for slow clients

pub mod answer;
pub mod blank;
pub mod body;
pub mod document;
pub mod door;
pub mod files;
pub mod headers;
pub mod listen;
pub mod log;
pub mod mail;
pub mod patience;
pub mod peer;
pub mod settings;
pub mod slots;
pub mod store;
mod visit;

use std::sync::Arc;

use axum::{Router, middleware, response::Redirect, routing::get};
use ipnet::IpNet;
use leptos::config::LeptosOptions;
use leptos_axum::{LeptosRoutes, generate_route_list};
use tower_http::catch_panic::CatchPanicLayer;

use self::{blank::BlankPages, files::Site, settings::PublicUrl};
use crate::{app::App, auth::context::Service};

/// What requests are answered with.
pub struct State {
    /// The accounts and the names of the cookies.
    pub service: Service,
    /// Leptos's own settings.
    pub options: LeptosOptions,
    /// What the browser loads.
    pub site: Arc<Site>,
    /// Pages that are the same for all.
    pub blank_pages: BlankPages,
    /// Where browsers reach the site.
    pub public_url: PublicUrl,
    /// Whose word on where a request comes from is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The whole site.
pub fn router(state: Arc<State>) -> Router {
    let routes = Router::new()
        .leptos_routes_with_context(
            &state.options,
            generate_route_list(App),
            document::context(&state),
            document::shell(&state),
        )
        .layer(middleware::map_response(document::close))
        .with_state(state.options.clone())
        .route(
            "/.well-known/change-password",
            get(async || Redirect::to(door::RESET_PAGE)),
        )
        .fallback(files::serve)
        .with_state(state.clone());
    guard(routes, state)
}

/// Puts all layers around `routes`: as a service, so that the door stands before the choice of a route.
pub fn guard(routes: Router, state: Arc<State>) -> Router {
    Router::new()
        .fallback_service(routes)
        .layer(middleware::from_fn_with_state(state.clone(), door::pass))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            headers::refuse_other_sites,
        ))
        .layer(middleware::from_fn(headers::refuse_large_heads))
        .layer(CatchPanicLayer::custom(answer::panicked))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            answer::finish,
        ))
        .layer(middleware::from_fn_with_state(state.clone(), headers::add))
        .layer(middleware::from_fn(log::request))
        .layer(middleware::from_fn_with_state(state, peer::find))
}
