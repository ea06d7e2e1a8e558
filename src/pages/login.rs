//! `/auth/login`

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint, NEXT, REDIRECT},
    frame::Frame,
    request::{Detour, PageRequest},
};
use crate::forms::{login, next, passkey::log_in};

/// The page to log in.
pub struct LoginPage {
    next: String,
    offers_passkeys: bool,
}

impl Page for LoginPage {
    const PATH: &'static str = "/auth/login";
    const ENDPOINT: Endpoint = Endpoint {
        query: &[NEXT],
        ..Endpoint::new("The page to log in", &[(200, Content::Page), REDIRECT])
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let next = request.next();
        request.redirect_if_logged_in(&next).await?;
        Ok(Self {
            next,
            offers_passkeys: request.service.accounts.offers_passkeys(),
        })
    }

    fn is_same_for_all(&self) -> bool {
        self.next == "/"
    }

    fn view(self, frame: &Frame) -> AnyView {
        let signup = next::link("/auth/signup", &self.next);
        let hidden = vec![("next".to_owned(), self.next)];
        let passkey = self.offers_passkeys.then(|| {
            let words = log_in::FORM.button.idle;
            frame.passkey_form("login", &log_in::FORM, hidden.clone(), words)
        });
        view! {
            {frame.heading("Log in")}
            {frame.status()}
            {frame.main_form(&login::FORM, hidden)}
            {passkey}
            <nav class="links">
                <a href="/auth/reset-password">"Forgot your password?"</a>
                " "
                <a href=signup>"Create an account"</a>
            </nav>
        }
        .into_any()
    }
}
