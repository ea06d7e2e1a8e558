//! What the server knows when it draws a page.

use axum::http::request::Parts;
use leptos::prelude::*;
use leptos_meta::Title;

use super::form::{AccountForm, ERROR_IN_TITLE, Purpose, Typed};
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
    /// Whose new password is being chosen.
    pub resetting: Option<Resetting>,
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

/// Whose new password is being chosen, and by which reset link.
#[derive(Debug, Clone)]
pub struct Resetting {
    /// The e-mail of the user.
    pub email: String,
    /// What the form brings back, so that it changes no other account's password if the browser is given
    /// another link meanwhile.
    pub link: String,
}

/// What has just happened, from a closed list, so that no link can make a page say anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A reset link was asked for.
    Sent,
    /// The password was changed.
    PasswordChanged,
    /// The reset link that the browser held has died.
    LinkDied,
}

impl Notice {
    /// The notice of this name in the query of the page it belongs to; nothing on any other.
    pub fn told_at(path: &str, name: &str) -> Option<Self> {
        match (path, name) {
            ("/auth/reset-password", "sent") => Some(Self::Sent),
            ("/auth/login", "password-changed") => Some(Self::PasswordChanged),
            _ => None,
        }
    }

    /// What the page says about it, beside its heading.
    fn sentence(self) -> Option<&'static str> {
        match self {
            Self::Sent => {
                Some("If this email has an account, a password reset link has been sent to it.")
            }
            Self::PasswordChanged => Some("Your password was changed. Log in with the new one."),
            Self::LinkDied => None,
        }
    }
}

impl Scene {
    /// The heading of a page with this name, and its title, which says so where its form was refused.
    pub fn heading(&self, name: &'static str) -> impl IntoView + use<> {
        let error = self.refusal.as_ref().map_or("", |_| ERROR_IN_TITLE);
        let title = [error, name].concat();
        view! {
            <Title text=title />
            <h1>{name}</h1>
        }
    }

    /// What has just happened, where the heading does not say it.
    pub fn status(&self) -> impl IntoView + use<> {
        let sentence = self.notice.and_then(Notice::sentence);
        sentence.map(|sentence| view! { <p class="notice" role="status">{sentence}</p> })
    }

    /// The form of this page; `takes_focus` where it is what the page is about, so that typing may begin at once.
    pub fn form(self, purpose: Purpose, takes_focus: bool) -> impl IntoView {
        let Self {
            typed,
            next,
            form_token: token,
            resetting,
            refusal,
            ..
        } = self;
        let link = resetting.map(|resetting| resetting.link);
        let link = link.unwrap_or_default();
        view! { <AccountForm purpose typed next link token refusal takes_focus /> }
    }

    /// The scene of the page being drawn.
    pub fn of_request() -> Self {
        use_context::<Parts>()
            .and_then(|parts| parts.extensions.get::<Self>().cloned())
            .unwrap_or_default()
    }
}
