//! The command line: without a command the program serves; a command helps an operator.
//!
//! # Layout
//! - [`backup`]: writes and restores backups
//! - [`import`]: takes over the users of the first backend
//! - [`user`]: what can be done to a user; [`events`]: what has happened to users; [`outbox`]: what can be
//!   done to mail; [`limits`]: to rate limits; [`secret_keys`]: with the keys of secrets
//! - [`doctor`]: looks at everything a server needs
//! - [`confirm`]: asks before what cannot be undone
//! - [`perform`]: has a command done by the running server, or by this process if none runs
//!
//! The exit code is 0 if it was done, and 1 with a sentence on standard error if it was not; that of `doctor` is 1 if
//! something is wrong.

pub mod backup;
pub mod confirm;
pub mod doctor;
pub mod events;
pub mod import;
pub mod limits;
pub mod outbox;
pub mod perform;
pub mod secret_keys;
pub mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::server::settings::{Arguments, NoSettings, Settings};

/// The account service of the Fortran package registry. Without a command, it serves.
///
/// Every setting is an environment variable and a flag; a flag wins.
#[derive(Parser)]
#[command(name = "fpm-registry", version)]
struct Cli {
    #[command(flatten)]
    settings: Arguments,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What an operator can do.
#[derive(Subcommand)]
pub enum Command {
    /// Look at a user, and help
    #[command(subcommand)]
    User(user::UserCommand),
    /// Look at what has happened to users
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Look at the mail that waits or could not be delivered
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// Look at who is refused for too many attempts
    #[command(subcommand)]
    Limits(limits::LimitsCommand),
    /// Change the key that encrypts the secrets of authenticator apps
    #[command(subcommand)]
    SecretKeys(secret_keys::SecretKeysCommand),
    /// Write all users and waiting mails to a file, also while a server runs
    Backup(backup::Backup),
    /// Fill an empty store from a backup, of either store
    Restore(backup::Restore),
    /// Take over the users of the registry's first backend, with their passwords
    Import(import::Import),
    /// Look at settings, store, mail server and site, and say what to change
    Doctor(doctor::Doctor),
}

/// Reads the settings and the command of this process.
pub fn read() -> Result<(Settings, Option<Command>), NoSettings> {
    let cli = Cli::try_parse().map_err(NoSettings::unparsed)?;
    let settings = Settings::check(cli.settings).map_err(NoSettings::Wrong)?;
    Ok((settings, cli.command))
}

impl Command {
    /// Carries the command out.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        match self {
            Self::User(command) => command.run(settings).await,
            Self::Events(command) => command.run(settings).await,
            Self::Outbox(command) => command.run(settings).await,
            Self::Limits(command) => command.run(settings).await,
            Self::SecretKeys(command) => command.run(settings).await,
            Self::Backup(command) => command.run(settings).await,
            Self::Restore(command) => command.run(settings).await,
            Self::Import(command) => command.run(settings).await,
            Self::Doctor(command) => command.run(settings).await,
        }
    }
}
