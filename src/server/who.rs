//! Who is it: what the other services of the registry, and the proxies before them, ask.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{negotiation::vary, problem, state, store::deadline::with_request_deadline};
use crate::{
    accounts::{
        error::{Error, TokenRefusal},
        facts::{Fact, Kind},
        store::Visitor,
    },
    forms::{
        answers::{LIMITED, LOGGED_OUT, OF_THE_STORE},
        client::Client,
        next,
    },
    pages::{
        Page,
        endpoint::{Content, Endpoint, Header},
        login::LoginPage,
    },
};

/// Where a service asks whose session or upload token a request carries.
pub const WHOAMI: &str = "/auth/whoami";
/// Where a proxy asks whose session a request carries.
pub const FORWARD: &str = "/auth/forward";

/// What [`whoami`] tells.
const FACTS: &[Fact] = &[
    Fact::new("id", Kind::Text),
    Fact::new("name", Kind::Text),
    Fact::new("email", Kind::Text),
    Fact::new("email_confirmed", Kind::Flag),
    Fact::new("via", Kind::Word(&["session", "token"])),
    Fact::new("authenticated_at", Kind::Time),
    Fact::new("second_factor", Kind::Flag),
];
/// That a request without a live token or session could have one.
const CHALLENGE: (u16, Header) = (
    401,
    Header {
        name: "www-authenticate",
        does: "`Bearer`.",
        is_always: true,
    },
);
/// What [`whoami`] answers.
pub const WHOSE: Endpoint = Endpoint {
    headers: &[CHALLENGE],
    refusals: &[
        LOGGED_OUT,
        &[
            Error::BadToken(TokenRefusal::Incomplete),
            Error::BadToken(TokenRefusal::Unknown),
            Error::BadToken(TokenRefusal::Expired),
        ],
        LIMITED,
        OF_THE_STORE,
    ],
    ..Endpoint::new(
        "Whose session or upload token the request carries",
        &[(200, Content::Facts(FACTS))],
    )
};
/// What [`forward`] answers.
pub const FOR_PROXIES: Endpoint = Endpoint {
    headers: &[
        (200, told(REMOTE_USER, "The id of the user.")),
        (
            200,
            told(
                REMOTE_EMAIL,
                "The e-mail address, empty until it is confirmed.",
            ),
        ),
        (200, told(REMOTE_NAME, "The name, percent-encoded UTF-8.")),
        CHALLENGE,
        (
            401,
            Header {
                name: "location",
                does: "The page to log in, for clients that get pages.",
                is_always: false,
            },
        ),
    ],
    refusals: &[LOGGED_OUT, OF_THE_STORE],
    ..Endpoint::new(
        "Whose session a request carries, in headers for a proxy",
        &[(200, Content::Nothing)],
    )
};

/// The headers that a proxy passes on. Every one is always there, empty if it is not known: a proxy that copies only
/// those that are there would let the client's own through (CVE-2026-30851).
const REMOTE_USER: &str = "remote-user";
const REMOTE_EMAIL: &str = "remote-email";
const REMOTE_NAME: &str = "remote-name";
/// What the client asked the proxy for.
const FORWARDED_URI: &str = "x-forwarded-uri";
/// What may stand in a header as it is (RFC 3986, 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A header that tells a proxy something, always.
const fn told(name: &'static str, does: &'static str) -> Header {
    Header {
        name,
        does,
        is_always: true,
    }
}

/// Answers whose token or session it is. A token counts alone, even beside a session.
pub async fn whoami(State(state): State<Arc<state::State>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let client = Client::of(&request.headers);
    let found = with_request_deadline(find(&state, &request)).await;
    let mut response = match found {
        Ok(facts) => Json(facts).into_response(),
        Err(error) => refuse(&state, client, WHOAMI, error),
    };
    for name in ["Accept", "Authorization", "Cookie"] {
        vary(&mut response, name);
    }
    response
}

async fn find(state: &state::State, request: &Parts) -> Result<Value, Error> {
    let (headers, accounts) = (&request.headers, &state.service.accounts);
    let caller = state.service.caller(headers, &request.extensions);
    if let Some(token) = bearer(headers) {
        let token = token.ok_or(Error::BadToken(TokenRefusal::Incomplete))?;
        let holder = accounts
            .token_holder(&caller, token, is_use(request))
            .await?;
        let made_at = holder.credential.created_at.rfc3339();
        return Ok(facts(&holder, "token", &made_at));
    }
    let visitor = accounts.visitor(&caller, is_use(request)).await?;
    let visitor = visitor.ok_or(Error::NotLoggedIn)?;
    let authenticated_at = visitor.credential.authenticated_at.rfc3339();
    Ok(facts(&visitor, "session", &authenticated_at))
}

fn facts<C>(visitor: &Visitor<C>, via: &str, authenticated_at: &str) -> Value {
    json!({
        "id": visitor.id,
        "name": visitor.name,
        "email": visitor.email,
        "email_confirmed": visitor.email_confirmed,
        "via": via,
        "authenticated_at": authenticated_at,
        "second_factor": false,
    })
}

/// The token that a request carries, if it carries one; none within if it cannot be read, or if there are several headers
/// (RFC 6750, 2.1).
fn bearer(headers: &HeaderMap) -> Option<Option<&str>> {
    let values = headers.get_all(header::AUTHORIZATION).iter();
    let values: Vec<_> = values.map(|value| value.as_bytes()).collect();
    let token = values.iter().find_map(|value| bearer_token(value))?;
    Some(str::from_utf8(token).ok().filter(|_| values.len() == 1))
}

/// What follows the scheme `Bearer`.
fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let end = value.iter().position(is_space).unwrap_or(value.len());
    let (scheme, token) = value.split_at(end);
    scheme.eq_ignore_ascii_case(b"Bearer").then_some(token)
}

/// Answers a proxy whose session it is, by headers. It decides by the cookie alone.
pub async fn forward(State(state): State<Arc<state::State>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let (headers, extensions) = (&request.headers, &request.extensions);
    let client = Client::of(headers);
    let caller = state.service.caller(headers, extensions);
    let is_use = is_use(&request);
    let visitor = with_request_deadline(state.service.accounts.visitor(&caller, is_use)).await;
    let visitor = visitor.and_then(|visitor| visitor.ok_or(Error::NotLoggedIn));
    let mut response = match visitor {
        Ok(visitor) => (remote_headers(&visitor), StatusCode::OK).into_response(),
        Err(Error::NotLoggedIn) => {
            let mut response = refuse(&state, client, FORWARD, Error::NotLoggedIn);
            if client == Client::Page {
                let login = login_page(&state, headers);
                let headers = response.headers_mut();
                headers.extend(login.map(|login| (header::LOCATION, login)));
            }
            response
        }
        Err(error) => refuse(&state, client, FORWARD, error),
    };
    for name in ["Accept", "Cookie"] {
        vary(&mut response, name);
    }
    response
}

/// The login page, which leads back to what the client asked the proxy for, if that is a path of this site.
fn login_page(state: &state::State, headers: &HeaderMap) -> Option<HeaderValue> {
    let asked_for = headers.get(FORWARDED_URI);
    let asked_for = asked_for.and_then(|path| path.to_str().ok());
    let path = next::link(LoginPage::PATH, next::safe(asked_for.unwrap_or_default()));
    let url = state.public_url.as_url().join(&path).ok()?;
    HeaderValue::try_from(url.as_str()).ok()
}

fn remote_headers(visitor: &Visitor) -> [(&'static str, String); 3] {
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let email = match visitor.email_confirmed {
        true => visitor.email.as_str(),
        false => "",
    };
    [
        (REMOTE_USER, visitor.id.to_string()),
        (REMOTE_EMAIL, email.to_owned()),
        (REMOTE_NAME, encoded(&visitor.name)),
    ]
}

/// `HEAD` changes nothing, so it is no use of a session.
fn is_use(request: &Parts) -> bool {
    request.method == Method::GET
}

fn refuse(state: &state::State, client: Client, path: &'static str, error: Error) -> Response {
    let mut response = problem::refuse(state, client, path, error.into());
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
