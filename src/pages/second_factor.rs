//! `/auth/second-factor`: the second step of a login.

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint, NEXT, REDIRECT},
    frame::Frame,
    request::{Detour, PageRequest},
};
use crate::{
    accounts::error::Error,
    forms::{answers::OF_THE_STORE, cookie::Kind, login, next, passkey::log_in, second_factor},
};

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
        match Self::of_waiting_login(request).await? {
            Some(page) => Ok(page),
            None if request.refused.is_none() => {
                Err(Detour::Redirect(next::link(login::PAGE, &next)))
            }
            // A refused code is told, though it was the last that the login had.
            None => Ok(Self {
                next,
                has_passkey: false,
            }),
        }
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let again = next::link(login::PAGE, &self.next);
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
    }
}

impl SecondFactorPage {
    /// The page for the login that waits in this browser; none if there is none.
    pub async fn of_waiting_login(request: &mut PageRequest) -> Result<Option<Self>, Error> {
        let cookies = request.service.cookies;
        let Some(pending) = cookies.token(Kind::Pending, &request.parts.headers) else {
            return Ok(None);
        };
        let (accounts, caller) = (request.service.accounts.clone(), request.caller());
        let user = accounts.find_pending_login(&caller, &pending).await?;
        Ok(user.map(|user| Self {
            next: request.next(),
            has_passkey: !user.passkeys.is_empty() && accounts.offers_passkeys(),
        }))
    }
}
