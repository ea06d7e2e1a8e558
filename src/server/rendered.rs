//! A rendered page, and its response.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use leptos::nonce::Nonce;

/// Stands for the form token in a prerendered page.
pub const TOKEN_PLACEHOLDER: &str = "the-form-token-of-a-copy";

/// Marks a response whose body is complete, so that [`super::problem::add_bodies`] leaves it alone.
#[derive(Clone, Copy)]
pub struct HasBody;

/// Marks a response with a form, which needs the form cookie.
#[derive(Clone, Copy)]
pub struct HasForm;

/// A rendered page.
pub struct RenderedPage {
    /// The whole document.
    pub html: String,
    /// The nonce of its scripts.
    pub nonce: String,
    /// Whether it has a form.
    pub has_form: bool,
}

/// A page that was rendered with [`TOKEN_PLACEHOLDER`], cut so that copies of it are quickly made.
pub struct Template {
    parts: Vec<Part>,
    has_form: bool,
}

enum Part {
    Html(String),
    Nonce,
    FormToken,
}

impl From<RenderedPage> for Template {
    fn from(page: RenderedPage) -> Self {
        let mut parts = Vec::new();
        for (n, around_nonces) in page.html.split(&page.nonce).enumerate() {
            parts.extend((n > 0).then_some(Part::Nonce));
            for (n, html) in around_nonces.split(TOKEN_PLACEHOLDER).enumerate() {
                parts.extend((n > 0).then_some(Part::FormToken));
                parts.push(Part::Html(html.to_owned()));
            }
        }
        Self {
            parts,
            has_form: page.has_form,
        }
    }
}

impl Template {
    /// A copy of the page with a new nonce and this form token.
    pub fn copy(&self, form_token: &str) -> RenderedPage {
        let nonce = Nonce::new().to_string();
        let parts = self.parts.iter().map(|part| match part {
            Part::Html(html) => html,
            Part::Nonce => nonce.as_str(),
            Part::FormToken => form_token,
        });
        RenderedPage {
            html: parts.collect::<Vec<_>>().concat(),
            has_form: self.has_form,
            nonce,
        }
    }
}

impl RenderedPage {
    /// The response, with a content security policy for the nonce (ASVS 3.4.3).
    pub fn into_response(self, status: StatusCode) -> Response {
        let policy = format!(
            "default-src 'none'; script-src 'self' 'nonce-{}' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            self.nonce
        );
        let Ok(policy) = HeaderValue::from_str(&policy) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = Response::new(Body::from(self.html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, html);
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        response.extensions_mut().insert(HasBody);
        if self.has_form {
            response.extensions_mut().insert(HasForm);
        }
        response
    }
}
