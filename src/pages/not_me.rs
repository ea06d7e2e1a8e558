//! `/auth/not-me`: where the link "this was not me" of a security mail leads.

use std::sync::Arc;

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint, FORGET, REDIRECT, UUID},
    frame::Frame,
    link,
    parts::day,
    request::{Detour, PageRequest},
};
use crate::{
    accounts::{Accounts, token::Token, user::User},
    forms::{
        answers::{DEAD_LINK, OF_THE_STORE},
        cookie::Kind,
        field::LINK_FIELD,
        not_me,
    },
};

/// The page with the button that takes an account back.
pub struct NotMePage {
    token: Token,
    /// The user, with the second factors that the link would leave.
    after: User,
}

impl Page for NotMePage {
    const PATH: &'static str = "/auth/not-me";
    const ENDPOINT: Endpoint = Endpoint {
        query: &[UUID, FORGET],
        refusals: &[DEAD_LINK, OF_THE_STORE],
        ..Endpoint::new(
            "The page behind the link of a security mail",
            &[(200, Content::Page), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let find =
            async |accounts: Arc<Accounts>, token: Token| accounts.not_me_owner(&token).await;
        let (token, after) = link::open(request, Kind::NotMe, Self::PATH, find).await?;
        Ok(Self { token, after })
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let hidden = vec![(LINK_FIELD.to_owned(), self.token.digest_prefix())];
        view! {
            {frame.heading("This was not me")}
            {frame.status()}
            <p>"Press the button if somebody else uses your account. This is what happens:"</p>
            <ul>
                <li>"Every device is logged out, and none is known any more."</li>
                <li>"The password no longer works."</li>
                <li>"The address that our mail went to is that of the account again."</li>
                <li>"We send a link to choose a new password to that address."</li>
                {second_factors(&self.after)}
            </ul>
            {frame.button_form(&not_me::FORM, hidden)}
            <nav class="links">
                <a href=link::forget(Self::PATH)>"It was me after all"</a>
            </nav>
        }
    }
}

/// The second factors of which a login then needs one.
fn second_factors(user: &User) -> AnyView {
    if !user.has_second_factor() {
        return view! { <li>"A login needs no second factor then."</li> }.into_any();
    }
    let app = user.totp.as_ref().map(|app| {
        view! { <li>"the authenticator app, added " {day(app.added_at)}</li> }
    });
    let passkeys = user.passkeys.iter().map(|passkey| {
        view! { <li>"the passkey “" {passkey.name.clone()} "”, added " {day(passkey.added_at)}</li> }
    });
    let codes = user.recovery_codes.as_ref();
    let codes = codes.filter(|codes| !codes.codes.is_empty());
    let codes = codes.map(|codes| {
        view! {
            <li>
                "the recovery codes, made " {day(codes.made_at)}
                ": if somebody else may have seen them, make new ones then"
            </li>
        }
    });
    view! {
        <li>
            "A login then needs one of these second factors. If one is not yours, use the link in the mail about it instead."
            <ul>{app} {passkeys.collect_view()} {codes}</ul>
        </li>
    }
    .into_any()
}
