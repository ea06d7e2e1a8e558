//! `/auth/login`

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint, NEXT, REDIRECT},
    frame::Frame,
    request::{Detour, PageRequest, Refused},
    second_factor::SecondFactorPage,
};
use crate::{
    accounts::challenge::Purpose,
    forms::{
        login, next,
        passkey::{PURPOSE_FIELD, log_in},
    },
};

/// The page to log in.
pub struct LoginPage {
    next: String,
    offers_passkeys: bool,
    /// What is shown instead, where the passkey of a second factor was refused.
    second_step: Option<SecondFactorPage>,
}

impl Page for LoginPage {
    const PATH: &'static str = login::PAGE;
    const ENDPOINT: Endpoint = Endpoint {
        query: &[NEXT],
        ..Endpoint::new("The page to log in", &[(200, Content::Page), REDIRECT])
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let next = request.next();
        request.redirect_if_logged_in(&next).await?;
        let second_step = match request.refused.as_ref().is_some_and(is_second_step) {
            true => SecondFactorPage::of_waiting_login(request).await?,
            false => None,
        };
        Ok(Self {
            next,
            second_step,
            offers_passkeys: request.service.accounts.offers_passkeys(),
        })
    }

    fn is_same_for_all(&self) -> bool {
        self.next == "/"
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        if let Some(page) = self.second_step {
            return page.view(frame).into_any();
        }
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

/// Whether the refused form is that of the second step of a login.
fn is_second_step(refused: &Refused) -> bool {
    let purpose = refused.field(PURPOSE_FIELD);
    purpose.and_then(Purpose::named) == Some(Purpose::SecondFactor)
}
