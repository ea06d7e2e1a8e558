//! `fpm-registry events`: what has happened to users.

use std::process::ExitCode;

use clap::Subcommand;
use serde::{
    Deserialize,
    de::value::{Error, StrDeserializer},
};

use super::perform::{Output, perform};
use crate::{
    accounts::{
        operator::request::{EventFilter, Request},
        record::Word,
        user::event::EventKind,
    },
    server::settings::Settings,
};

/// What can be seen of events.
#[derive(Subcommand)]
pub enum EventsCommand {
    /// List what has happened, the newest first, at most a thousand
    List {
        /// To this user alone
        #[arg(long, value_name = "EMAIL|ID", allow_hyphen_values = true)]
        user: Option<String>,
        /// Of this kind alone, such as new-device or password-reset
        #[arg(long, value_parser = kind)]
        kind: Option<EventKind>,
        /// Within so many hours
        #[arg(long)]
        hours: Option<u32>,
        /// How the outcome is printed.
        #[command(flatten)]
        output: Output,
    },
}

impl EventsCommand {
    /// Carries the command out.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        let Self::List {
            user,
            kind,
            hours,
            output,
        } = self;
        let filter = EventFilter {
            who: user,
            kind,
            hours,
        };
        perform(settings, Request::ListEvents(filter), output).await
    }
}

fn kind(word: &str) -> Result<EventKind, String> {
    EventKind::parse(word).ok_or_else(|| {
        let kinds = kinds().join(", ");
        format!("there is no such kind of event; the kinds are {kinds}")
    })
}

/// The words of all kinds, which serde names where it is given none of them.
fn kinds() -> Vec<String> {
    let nothing = EventKind::deserialize(StrDeserializer::<Error>::new(""));
    let said = nothing.err().map(|error| error.to_string());
    let said = said.unwrap_or_default();
    let quoted = said.split('`').skip(1).step_by(2);
    let kinds = quoted.filter(|word| EventKind::parse(word).is_some());
    kinds.map(str::to_owned).collect()
}
