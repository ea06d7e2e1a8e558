//! `fpm-registry events`: what has happened to users.

use std::process::ExitCode;

use clap::Subcommand;

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
        "there is no such kind of event: they are those of `events list`, such as password-reset, new-device or disabled"
            .to_owned()
    })
}
