//! `/account/sessions`: where a user is logged in.

use leptos::prelude::*;
use serde_json::{Value, json};

use super::{
    Page,
    endpoint::{Content, Endpoint, REDIRECT},
    frame::Frame,
    parts::{moment, navigation},
    request::{Detour, PageRequest},
};
use crate::{
    accounts::{
        facts::{Fact, Kind},
        id::Handle,
        user::Session,
    },
    forms::{
        answers::{LOGGED_OUT, OF_THE_STORE},
        end_other_sessions,
        end_session::{self, SESSION_FIELD},
    },
};

/// The page of one's sessions.
pub struct SessionsPage {
    sessions: Vec<Session>,
    current: Handle,
}

/// What it tells programs.
const FACTS: &[Fact] = &[Fact::new(
    "sessions",
    Kind::List(&Kind::Object(&[
        Fact::new("handle", Kind::Text),
        Fact::new("device", Kind::Text),
        Fact::new("network", Kind::Text),
        Fact::new("created_at", Kind::Time),
        Fact::new("used_at", Kind::Time),
        Fact::new("current", Kind::Flag),
    ])),
)];

impl Page for SessionsPage {
    const PATH: &'static str = "/account/sessions";
    const ENDPOINT: Endpoint = Endpoint {
        refusals: &[LOGGED_OUT, OF_THE_STORE],
        ..Endpoint::new(
            "Where the user is logged in",
            &[(200, Content::PageOrFacts(FACTS)), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let (user, current) = request.account(Self::PATH).await?;
        Ok(Self {
            sessions: request.service.accounts.live_sessions(user),
            current: current.handle,
        })
    }

    fn json(&self) -> Option<Value> {
        let sessions = self.sessions.iter().map(|session| {
            json!({
                "handle": session.handle,
                "device": session.device_name(),
                "network": session.network,
                "created_at": session.created_at.rfc3339(),
                "used_at": session.used_at.rfc3339(),
                "current": session.handle == self.current,
            })
        });
        Some(json!({ "sessions": sessions.collect::<Vec<_>>() }))
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let is_only = self.sessions.len() == 1;
        let rows = self.sessions.iter();
        let rows = rows.map(|session| row(session, session.handle == self.current, frame));
        let others = match is_only {
            true => view! { <p class="lead">"You are logged in nowhere else."</p> }.into_any(),
            false => frame
                .button_form(&end_other_sessions::FORM, Vec::new())
                .into_any(),
        };
        view! {
            {frame.heading("Sessions")}
            {navigation(Self::PATH, frame)}
            {frame.status()}
            <p class="lead">
                "Each is a browser or program that is logged in. End those that you do not know, and then change your password."
            </p>
            <ul class="rows">{rows.collect_view()}</ul>
            {others}
        }
    }
}

fn row(session: &Session, is_current: bool, frame: &Frame) -> impl IntoView + use<> {
    let device = session.device_name().to_string();
    let handle = session.handle.as_str().to_owned();
    let words = match is_current {
        true => "Log out here",
        false => "End session",
    };
    let hidden = vec![(SESSION_FIELD.to_owned(), handle)];
    let button = frame.row_form(&end_session::FORM, hidden, words, &device);
    let network = match session.network.as_str() {
        "" => "an unknown network".to_owned(),
        network => network.to_owned(),
    };
    view! {
        <li>
            <h2>{device} {is_current.then(|| view! { <span class="tag">"This session"</span> })}</h2>
            <p>"Last used " {moment(session.used_at)} ", from " {network}</p>
            <p>"Logged in " {moment(session.created_at)}</p>
            {button}
        </li>
    }
}
