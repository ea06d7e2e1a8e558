//! `/auth/confirm-email`: where a confirmation link leads.

use std::sync::Arc;

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint, FORGET, REDIRECT, UUID},
    frame::Frame,
    link,
    request::{Detour, PageRequest},
};
use crate::{
    accounts::{Accounts, token::Token},
    forms::{
        answers::{DEAD_LINK, OF_THE_STORE},
        confirm_email,
        cookie::Kind,
        field::LINK_FIELD,
    },
};

/// The page with the button that confirms an address.
pub struct ConfirmEmailPage {
    email: String,
    is_change: bool,
    token: Token,
}

impl Page for ConfirmEmailPage {
    const PATH: &'static str = "/auth/confirm-email";
    const ENDPOINT: Endpoint = Endpoint {
        query: &[UUID, FORGET],
        refusals: &[DEAD_LINK, OF_THE_STORE],
        ..Endpoint::new(
            "The page behind the link that confirms an address",
            &[(200, Content::Page), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let find =
            async |accounts: Arc<Accounts>, token: Token| accounts.confirmation_owner(&token).await;
        let opened = link::open(request, Kind::Confirm, Self::PATH, find).await?;
        let (token, (owner, email)) = opened;
        Ok(Self {
            is_change: email != owner.email,
            email: email.as_str().to_owned(),
            token,
        })
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let advice = match self.is_change {
            true => {
                "It becomes the address of your account, to log in with and for our mail. Your old address is told."
            }
            false => "It shows that our mail reaches you.",
        };
        let hidden = vec![(LINK_FIELD.to_owned(), self.token.digest_prefix())];
        view! {
            {frame.heading("Confirm your email")}
            {frame.status()}
            <p>"Is " <strong>{self.email}</strong> " your address?"</p>
            <p class="lead">{advice} " You are asked to log in if you are not."</p>
            {frame.button_form(&confirm_email::FORM, hidden)}
            <nav class="links">
                <a href=link::forget(Self::PATH)>"Not now"</a>
            </nav>
        }
    }
}
