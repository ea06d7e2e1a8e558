//! `fpm-registry backup` and `fpm-registry restore`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::json;

use super::perform::{Output, perform, print, refuse};
use crate::{
    accounts::{clock::Clock, operator::request::Report, user::event::Origin},
    server::{
        admin::Request,
        backup::{
            check,
            format::{BackupError, Contents},
            restore,
        },
        settings::Settings,
        store,
    },
};

/// Writes all users and waiting mails to a file.
#[derive(Args)]
pub struct Backup {
    /// The file, which takes the place of an older one when it is complete
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// Fills an empty store from a backup.
#[derive(Args)]
pub struct Restore {
    /// The backup
    file: PathBuf,
    /// Read the whole backup and say what it holds, but restore nothing
    #[arg(long)]
    check: bool,
    /// End all sessions: those that were ended after the backup would live again
    #[arg(long)]
    end_sessions: bool,
    #[command(flatten)]
    output: Output,
}

impl Backup {
    /// Carries the command out. A running server writes the file itself.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        match std::path::absolute(&self.file) {
            Ok(file) => perform(settings, Request::BackUp(file), self.output).await,
            Err(error) => refuse(&format!("{}: {error}", self.file.display())),
        }
    }
}

impl Restore {
    /// Carries the command out, which no running server may hinder: the embedded store is then in use.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        if self.check {
            let checked = check(&self.file).await;
            return self.answer(checked.map(|contents| self.report("Could restore", contents)));
        }
        let store = match store::open(settings).await {
            Ok((store, _)) => store,
            Err(setting) => return refuse(&setting.to_string()),
        };
        let operator = Origin::of_operator(Clock::default().now());
        let ended_by = self.end_sessions.then_some(&operator);
        let restored = restore(&store, &self.file, ended_by).await;
        store.close().await;
        self.answer(restored.map(|restored| {
            let mut report = self.report("Restored", restored.contents);
            report.facts["left_out"] = json!(restored.left_out);
            report
        }))
    }

    fn report(&self, did: &str, contents: Contents) -> Report {
        let (users, file) = (contents.users, self.file.display());
        Report {
            sentence: format!("{did} {users} users from {file}"),
            facts: json!(contents),
        }
    }

    fn answer(&self, outcome: Result<Report, BackupError>) -> ExitCode {
        match outcome {
            Ok(report) => print(&report, self.output),
            Err(why) => refuse(&format!("{}: {why}", self.file.display())),
        }
    }
}
