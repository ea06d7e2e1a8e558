//! `/account`: what the registry holds about a user, and how to change it.

use leptos::prelude::*;
use serde_json::{Value, json};

use super::{
    Page,
    endpoint::{Content, Endpoint, REDIRECT},
    frame::Frame,
    parts::{day, navigation},
    request::{Detour, PageRequest},
};
use crate::{
    accounts::{
        facts::{Fact, Kind},
        user::User,
    },
    forms::{
        answers::{LOGGED_OUT, OF_THE_STORE},
        change_email, change_name, change_password, delete_account, resend_confirmation,
    },
};

/// The page of one's account.
pub struct AccountPage {
    user: User,
    sessions: usize,
}

/// What it tells programs.
const FACTS: &[Fact] = &[
    Fact::new("name", Kind::Text),
    Fact::new("email", Kind::Text),
    Fact::new("email_confirmed", Kind::Flag),
    Fact::new("created_at", Kind::Time),
    Fact::nullable("password_changed_at", Kind::Time),
    Fact::new("sessions", Kind::Count),
];

impl Page for AccountPage {
    const PATH: &'static str = "/account";
    const ENDPOINT: Endpoint = Endpoint {
        refusals: &[LOGGED_OUT, OF_THE_STORE],
        ..Endpoint::new(
            "What the registry holds about the user",
            &[(200, Content::PageOrFacts(FACTS)), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let (user, _) = request.account(Self::PATH).await?;
        let sessions = request.service.accounts.count_live_sessions(&user);
        Ok(Self { user, sessions })
    }

    fn json(&self) -> Option<Value> {
        let user = &self.user;
        Some(json!({
            "name": user.name,
            "email": user.email,
            "email_confirmed": user.confirmed_at.is_some(),
            "created_at": user.created_at.rfc3339(),
            "password_changed_at": user.password_changed_at.map(|at| at.rfc3339()),
            "sessions": self.sessions,
        }))
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let name = vec![("name".to_owned(), self.user.name.clone())];
        view! {
            {frame.heading("Account settings")}
            {navigation(Self::PATH, frame)}
            {frame.status()}
            {facts(&self.user, self.sessions)}
            {confirmation(&self.user, frame)}
            <section aria-labelledby="name">
                <h2 id="name">"Change your name"</h2>
                {frame.form(&change_name::FORM, name)}
            </section>
            <section aria-labelledby="email">
                <h2 id="email">"Change your email"</h2>
                <p class="hint">
                    "We send a link to the new address. Nothing changes until you open it."
                </p>
                {frame.form(&change_email::FORM, Vec::new())}
            </section>
            <section aria-labelledby="password">
                <h2 id="password">"Change your password"</h2>
                <p class="hint">"All other devices are logged out."</p>
                {frame.form(&change_password::FORM, Vec::new())}
            </section>
            <section aria-labelledby="data">
                <h2 id="data">"Your data"</h2>
                <p>
                    <a href="/account/export" download="fpm-registry-account.json">
                        "Download everything we hold about you"
                    </a>
                </p>
            </section>
            <section class="danger" aria-labelledby="delete">
                <h2 id="delete">"Delete account"</h2>
                <p>
                    "Your name, address, sessions and history are removed at once and for good. \
                     The address can be used to sign up again, as a new account."
                </p>
                {frame.form(&delete_account::FORM, Vec::new())}
            </section>
        }
    }
}

fn facts(user: &User, sessions: usize) -> impl IntoView + use<> {
    let is_confirmed = match user.confirmed_at {
        Some(_) => "confirmed",
        None => "not confirmed yet",
    };
    let changed = match user.password_changed_at {
        Some(at) => day(at).into_any(),
        None => "not known".into_any(),
    };
    let sessions = match sessions {
        1 => "This one only".to_owned(),
        n => n.to_string(),
    };
    view! {
        <dl class="facts">
            <dt>"Name"</dt>
            <dd>{user.name.clone()}</dd>
            <dt>"Email"</dt>
            <dd>{user.email.as_str().to_owned()} " (" {is_confirmed} ")"</dd>
            <dt>"Member since"</dt>
            <dd>{day(user.created_at)}</dd>
            <dt>"Password changed"</dt>
            <dd>{changed}</dd>
            <dt>"Sessions"</dt>
            <dd>{sessions}</dd>
        </dl>
    }
}

/// What is to be done about an address that is not confirmed, or that is to take the place of the old one.
fn confirmation(user: &User, frame: &Frame) -> impl IntoView + use<> {
    if user.confirmed_at.is_none() {
        let button = frame.button_form(&resend_confirmation::FORM, Vec::new());
        return view! {
            <section aria-labelledby="confirm">
                <h2 id="confirm">"Confirm your email"</h2>
                <p>
                    "Open the link that we have sent to it. Until then you cannot publish packages."
                </p>
                {button}
            </section>
        }
        .into_any();
    }
    let asked = user
        .confirmation
        .as_ref()
        .filter(|asked| asked.email != user.email);
    let asked = asked.map(|asked| asked.email.as_str().to_owned());
    asked
        .map(|email| view! { <p class="waiting">"Waiting for you to open the link sent to " <strong>{email}</strong> "."</p> })
        .into_any()
}
