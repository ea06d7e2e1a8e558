//! What the server knows when it draws a page.

use axum::http::request::Parts;
use leptos::prelude::use_context;

use super::form::{ERROR_IN_TITLE, Typed};
use crate::auth::Refusal;

/// Everything a page shows beside its fixed words; the door puts it into the request's extensions.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// Whether the page has a form, which the browser's half brings to life.
    pub has_form: bool,
    /// What the form must bring back, where the visitor has the cookie to it.
    pub form_token: String,
    /// Who is logged in.
    pub visitor: Option<Visitor>,
    /// The e-mail of the user whose new password is being chosen.
    pub resetting: Option<String>,
    /// Whether the reset link that the browser held has died.
    pub is_link_dead: bool,
    /// What has just happened.
    pub notice: Option<Notice>,
    /// Where a login or signup leads, already safe.
    pub next: String,
    /// What was typed into a refused form.
    pub typed: Typed,
    /// Why the form of this page was refused.
    pub refusal: Option<Refusal>,
    /// Why there is no page but this refusal.
    pub problem: Option<Refusal>,
}

/// Who is logged in.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The name the user goes by.
    pub name: String,
    /// The address the user logs in with.
    pub email: String,
}

/// What has just happened, from a closed list, so that no link can make a page say anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A reset link was asked for.
    Sent,
    /// The password was changed.
    PasswordChanged,
}

impl Notice {
    /// The notice of this name in a query.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "sent" => Some(Self::Sent),
            "password-changed" => Some(Self::PasswordChanged),
            _ => None,
        }
    }

    /// What the page says.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Sent => {
                "If this email has an account, a password reset link has been sent to it."
            }
            Self::PasswordChanged => "Your password was changed. Log in with the new one.",
        }
    }
}

impl Scene {
    /// The title of a page with this name, which says so where its form was refused.
    pub fn title(&self, name: &str) -> String {
        let error = self.refusal.as_ref().map_or("", |_| ERROR_IN_TITLE);
        [error, name].concat()
    }

    /// The scene of the page being drawn.
    pub fn of_request() -> Self {
        use_context::<Parts>()
            .and_then(|parts| parts.extensions.get::<Self>().cloned())
            .unwrap_or_default()
    }
}
