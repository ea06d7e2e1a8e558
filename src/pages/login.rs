//! `/auth/login`

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint, NEXT, REDIRECT},
    frame::Frame,
    request::{Detour, PageRequest},
};
use crate::forms::{login, next};

/// The page to log in.
pub struct LoginPage {
    next: String,
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
        Ok(Self { next })
    }

    fn is_same_for_all(&self) -> bool {
        self.next == "/"
    }

    fn view(self, frame: &Frame) -> AnyView {
        let signup = next::link("/auth/signup", &self.next);
        view! {
            {frame.heading("Log in")}
            {frame.status()}
            {frame.main_form(&login::FORM, vec![("next".to_owned(), self.next)])}
            <nav class="links">
                <a href="/auth/reset-password">"Forgot your password?"</a>
                " "
                <a href=signup>"Create an account"</a>
            </nav>
        }
        .into_any()
    }
}
