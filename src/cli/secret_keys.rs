//! `fpm-registry secret-keys`: the keys that encrypt the secrets of authenticator apps.

use std::process::ExitCode;

use clap::Subcommand;

use super::perform::{Output, perform};
use crate::{accounts::operator::request::Request, server::settings::Settings};

/// What can be done with keys.
#[derive(Subcommand)]
pub enum SecretKeysCommand {
    /// Encrypt all secrets by the first key, and say which others are still used; restart all servers with it before
    EncryptAnew {
        /// How the outcome is printed.
        #[command(flatten)]
        output: Output,
    },
}

impl SecretKeysCommand {
    /// Carries the command out.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        let Self::EncryptAnew { output } = self;
        perform(settings, Request::SealAnew, output).await
    }
}
