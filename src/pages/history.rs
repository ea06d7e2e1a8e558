//! `/account/history`: what has happened to an account.

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
        export::{self, EVENT},
        facts::{Fact, Kind},
        user::event::Event,
    },
    forms::answers::{LOGGED_OUT, OF_THE_STORE},
};

/// The page of one's history.
pub struct HistoryPage {
    /// The newest first.
    events: Vec<Event>,
    failed_logins: u64,
}

/// What it tells programs.
const FACTS: &[Fact] = &[
    Fact::new("events", Kind::List(&Kind::Object(EVENT))),
    Fact::new("failed_logins", Kind::Count),
];

impl Page for HistoryPage {
    const PATH: &'static str = "/account/history";
    const ENDPOINT: Endpoint = Endpoint {
        refusals: &[LOGGED_OUT, OF_THE_STORE],
        ..Endpoint::new(
            "What has happened to the account",
            &[(200, Content::PageOrFacts(FACTS)), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let (user, _) = request.account(Self::PATH).await?;
        let failed_logins = request.service.accounts.failed_logins(&user).await?;
        let mut events = user.events;
        events.reverse();
        Ok(Self {
            events,
            failed_logins,
        })
    }

    fn json(&self) -> Option<Value> {
        let events = self.events.iter().map(export::event);
        Some(json!({
            "events": events.collect::<Vec<_>>(),
            "failed_logins": self.failed_logins,
        }))
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let failed = match self.failed_logins {
            0 => "No login failed in the last 7 days.".to_owned(),
            1 => "One login failed in the last 7 days.".to_owned(),
            n => format!("{n} logins failed in the last 7 days."),
        };
        let rows = self.events.iter().map(row).collect_view();
        let is_empty = self.events.is_empty();
        view! {
            {frame.heading("History")}
            {navigation(Self::PATH, frame)}
            <p>{failed}</p>
            {is_empty.then(|| view! { <p class="lead">"Nothing has been written down yet."</p> })}
            <ol class="rows">{rows}</ol>
            <p class="lead">
                "The last 100 events of a year. Something you do not know? Change your password, and end all other sessions."
            </p>
        }
    }
}

fn row(event: &Event) -> impl IntoView + use<> {
    let device = event.device.to_string();
    let from = match event.network.as_str() {
        "" => String::new(),
        network => [", from ", network].concat(),
    };
    let about = match event.about.as_str() {
        "" => String::new(),
        about => [": ", about].concat(),
    };
    view! {
        <li>
            <strong>{event.kind.in_words()} {about}</strong>
            <p>{moment(event.at)}</p>
            <p>{device} {from}</p>
        </li>
    }
}
