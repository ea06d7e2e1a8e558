//! `fpm-registry outbox`: mail that waits or could not be delivered.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{
    confirm::Confirmation,
    perform::{Output, perform, refuse},
};
use crate::{accounts::operator::request::Request, server::settings::Settings};

/// What can be done to mail.
#[derive(Subcommand)]
pub enum OutboxCommand {
    /// List the mails, those that were asked for first
    List {
        /// How the outcome is printed.
        #[command(flatten)]
        output: Output,
    },
    /// Send a mail now, even if it was given up
    Retry(One),
    /// Delete a mail
    Drop {
        /// The mail.
        #[command(flatten)]
        one: One,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// One mail.
#[derive(Args)]
pub struct One {
    /// The mail, by its id in the list
    #[arg(value_name = "ID")]
    mail: String,
    #[command(flatten)]
    output: Output,
}

impl OutboxCommand {
    /// Carries the command out.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        let (request, output) = match self {
            Self::List { output } => (Request::ListMails, output),
            Self::Retry(one) => (Request::RetryMail(one.mail), one.output),
            Self::Drop { one, confirmation } => {
                if let Err(why) = confirmation.ask(&format!("Delete the mail {}?", one.mail)) {
                    return refuse(why);
                }
                (Request::DropMail(one.mail), one.output)
            }
        };
        perform(settings, request, output).await
    }
}
