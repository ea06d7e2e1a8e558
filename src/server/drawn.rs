//! A page as it was drawn.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use leptos::nonce::Nonce;

/// What stands for the form token in a page that is drawn to be copied.
pub const PLACEHOLDER: &str = "the-form-token-of-a-copy";

/// Marks an answer whose words are final.
#[derive(Clone, Copy)]
pub struct Finished;

/// Marks an answer with a form, which goes with a cookie.
#[derive(Clone, Copy)]
pub struct HasForm;

/// A page as it was drawn.
pub struct Drawn {
    /// The whole document.
    pub html: String,
    /// What its scripts are marked with.
    pub nonce: String,
    /// Whether it has a form.
    pub has_form: bool,
}

impl Drawn {
    /// A copy of a page that was drawn with [`PLACEHOLDER`], with a nonce and a form token of its own.
    pub fn copy(&self, form_token: &str) -> Self {
        let nonce = Nonce::new().to_string();
        let html = self.html.replace(&self.nonce, &nonce);
        Self {
            html: html.replace(PLACEHOLDER, form_token),
            nonce,
            has_form: self.has_form,
        }
    }

    /// The answer, with the policy that goes with the nonce (ASVS 3.4.3).
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
        response.extensions_mut().insert(Finished);
        if self.has_form {
            response.extensions_mut().insert(HasForm);
        }
        response
    }
}
