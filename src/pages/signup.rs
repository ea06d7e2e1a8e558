//! `/auth/signup`

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint, NEXT, REDIRECT},
    frame::Frame,
    request::{Detour, PageRequest},
};
use crate::forms::{next, signup};

/// The page to make an account.
pub struct SignupPage {
    next: String,
}

impl Page for SignupPage {
    const PATH: &'static str = "/auth/signup";
    const ENDPOINT: Endpoint = Endpoint {
        query: &[NEXT],
        ..Endpoint::new(
            "The page to make an account",
            &[(200, Content::Page), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let next = request.next();
        request.redirect_if_logged_in(&next).await?;
        Ok(Self { next })
    }

    fn is_same_for_all(&self) -> bool {
        self.next == "/"
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let login = next::link("/auth/login", &self.next);
        view! {
            {frame.heading("Sign up")}
            {frame.main_form(&signup::FORM, vec![("next".to_owned(), self.next)])}
            <nav class="links">
                <a href=login>"Already have an account? Log in"</a>
            </nav>
        }
    }
}
