//! Handles the request for a page: loads its data, then renders or copies it, and sets the form cookie.

use std::{pin::Pin, sync::Arc};

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use super::{
    document,
    negotiation::vary,
    problem,
    rendered::{HasForm, TOKEN_PLACEHOLDER},
    state::State,
    store::deadline::with_request_deadline,
};
use crate::{
    accounts::token::Token,
    forms::{FORMS, client::Client, cookie::Kind, form::Notice},
    pages::{
        Page,
        endpoint::Endpoint,
        frame::Frame,
        request::{Detour, PageRequest, Refused, Viewer},
    },
};

/// The handler of a page.
pub type Show = fn(Arc<State>, Request) -> Pin<Box<dyn Future<Output = Response> + Send>>;

/// A row of the table of pages.
pub struct Entry {
    /// Its path.
    pub path: &'static str,
    /// What it reads and answers.
    pub endpoint: Endpoint,
    /// Its handler.
    pub show: Show,
}

/// The row of a page.
pub const fn page<P: Page + 'static>() -> Entry {
    Entry {
        path: P::PATH,
        endpoint: P::ENDPOINT,
        show: |state, request| Box::pin(with_request_deadline(show::<P>(state, request))),
    }
}

/// Answers a request for a page, also on behalf of a refused form.
async fn show<P: Page>(state: Arc<State>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let client = Client::of(&parts.headers);
    let cookies = state.service.cookies;
    let known = cookies.token(Kind::Form, &parts.headers);
    let mut request = PageRequest {
        refused: parts.extensions.remove::<Refused>(),
        service: state.service.clone(),
        cookies: Vec::new(),
        viewer: Viewer::default(),
        client,
        parts,
    };
    let loaded = P::load(&mut request).await;
    // A client that submitted a form without having the cookie does not get one with the refused form either.
    let is_new = known.is_none() && request.refused.is_none();
    let token = known.or_else(|| is_new.then(Token::random));
    let mut response = match loaded {
        Ok(page) => {
            let facts = match client {
                Client::Program => page.json(),
                Client::Page => None,
            };
            match facts {
                Some(facts) => Json(facts).into_response(),
                None => render(&state, page, &mut request, token.as_ref()),
            }
        }
        Err(Detour::Redirect(to)) => Redirect::to(&to).into_response(),
        Err(Detour::Refused(refusal)) => problem::refuse(&state, client, P::PATH, refusal),
    };
    if let Some(token) = token.filter(|_| is_new)
        && response.extensions().get::<HasForm>().is_some()
    {
        request.cookies.push(cookies.set(Kind::Form, &token));
    }
    append_cookies(&mut response, request.cookies);
    vary(&mut response, "Accept");
    response
}

/// The response with the page: rendered, or copied if it is the same for all visitors.
fn render<P: Page>(
    state: &State,
    page: P,
    request: &mut PageRequest,
    token: Option<&Token>,
) -> Response {
    let token = token.map(|token| token.digest().to_string());
    let token = token.unwrap_or_default();
    let refused = request.refused.take();
    let notice = notice(P::PATH, request.query("notice").as_deref());
    let is_copied = request.parts.method == Method::GET
        && !state.site.is_watched()
        && refused.is_none()
        && notice.is_none()
        && page.is_same_for_all();
    let view = |frame: &Frame| page.view(frame);
    if is_copied {
        let pages = &state.prerendered_pages;
        let frame = || Frame::new(TOKEN_PLACEHOLDER.to_owned(), None, None, Viewer::default());
        let copy = pages.copy(P::PATH, &token, || document::render(state, &frame(), view));
        return copy.into_response(StatusCode::OK);
    }
    let refusal = refused.as_ref().map(|refused| refused.refusal.clone());
    let frame = Frame::new(token, refused, notice, request.viewer);
    let rendered = document::render(state, &frame, view);
    match refusal {
        None => rendered.into_response(StatusCode::OK),
        Some(refusal) => {
            let mut response = rendered.into_response(problem::status(&refusal));
            problem::add_headers(&refusal, response.headers_mut());
            response
        }
    }
}

/// The notice of this name, if a form redirects to this page with it.
fn notice(path: &str, word: Option<&str>) -> Option<Notice> {
    let word = word?;
    let led_here = FORMS.iter().filter(|form| form.done.page == path);
    let mut notices = led_here.filter_map(|form| form.done.notice);
    notices.find(|notice| notice.word == word)
}

/// Adds cookies to a response.
fn append_cookies(response: &mut Response, cookies: Vec<HeaderValue>) {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
