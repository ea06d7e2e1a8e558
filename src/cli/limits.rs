//! `fpm-registry limits`: who is refused for too many attempts.

use std::process::ExitCode;

use clap::Subcommand;

use super::perform::{Output, perform};
use crate::{accounts::operator::request::Request, server::settings::Settings};

/// What can be done to rate limits.
#[derive(Subcommand)]
pub enum LimitsCommand {
    /// List the limits that are reached
    List {
        /// How the outcome is printed.
        #[command(flatten)]
        output: Output,
    },
    /// Forget the attempts at an account, from a network, or under a key of the list
    Clear {
        /// An e-mail address, the address of a client, or a key of the list
        #[arg(value_name = "EMAIL|ADDRESS|KEY", allow_hyphen_values = true)]
        what: String,
        /// How the outcome is printed.
        #[command(flatten)]
        output: Output,
    },
}

impl LimitsCommand {
    /// Carries the command out.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        let (request, output) = match self {
            Self::List { output } => (Request::ListLimits, output),
            Self::Clear { what, output } => (Request::ClearLimits(what), output),
        };
        perform(settings, request, output).await
    }
}
