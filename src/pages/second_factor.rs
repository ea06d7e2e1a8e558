//! `/auth/second-factor`: the second step of a login.

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint, NEXT, REDIRECT},
    frame::Frame,
    login::LoginPage,
    request::{Detour, PageRequest},
};
use crate::forms::{answers::OF_THE_STORE, cookie::Kind, next, passkey::log_in, second_factor};

/// The page that asks for the second factor.
pub struct SecondFactorPage {
    next: String,
    has_passkey: bool,
}

impl Page for SecondFactorPage {
    const PATH: &'static str = second_factor::PAGE;
    const ENDPOINT: Endpoint = Endpoint {
        query: &[NEXT],
        refusals: &[OF_THE_STORE],
        ..Endpoint::new(
            "The page that asks for the second factor",
            &[(200, Content::Page), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let next = request.next();
        let cookies = request.service.cookies;
        let pending = cookies.token(Kind::Pending, &request.parts.headers);
        let (accounts, caller) = (request.service.accounts.clone(), request.caller());
        let user = match pending {
            Some(pending) => accounts.find_pending_login(&caller, &pending).await?,
            None => None,
        };
        // A refused code is told, though it was the last that the login had.
        if user.is_none() && request.refused.is_none() {
            return Err(Detour::Redirect(next::link(LoginPage::PATH, &next)));
        }
        let has_passkey = user.is_some_and(|user| !user.passkeys.is_empty());
        Ok(Self {
            next,
            has_passkey: has_passkey && accounts.offers_passkeys(),
        })
    }

    fn view(self, frame: &Frame) -> AnyView {
        let again = next::link(LoginPage::PATH, &self.next);
        let hidden = vec![("next".to_owned(), self.next)];
        let passkey = self.has_passkey.then(|| {
            let words = "Use a passkey";
            frame.passkey_form("second-factor", &log_in::FORM, hidden.clone(), words)
        });
        view! {
            {frame.heading("Second step")}
            {frame.status()}
            <p class="lead">"Your password is right. Now show that it is you."</p>
            {frame.main_form(&second_factor::FORM, hidden)}
            {passkey}
            <nav class="links">
                <a href=again>"Log in as somebody else"</a>
            </nav>
            <p class="hint">
                "Without the app and without recovery codes, write to the operators of the registry: they can help, a day later."
            </p>
        }
        .into_any()
    }
}
