//! `fpm-registry backup` and `fpm-registry restore`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde_json::{Value, json};

use super::perform::{Output, perform, print, refuse};
use crate::{
    accounts::{clock::Clock, operator::request::Report, user::event::Origin},
    server::{
        admin::Request,
        backup::{check, format::Contents, restore},
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
        let restored = match self.check {
            true => check(&self.file)
                .await
                .map(|contents| self.checked(contents)),
            false => {
                let store = match store::open(settings).await {
                    Ok((store, _)) => store,
                    Err(setting) => return refuse(&setting.to_string()),
                };
                let operator = Origin::of_operator(Clock::default().now());
                let ended_by = self.end_sessions.then_some(&operator);
                let restored = restore(&store, &self.file, ended_by).await;
                store.close().await;
                restored.map(|restored| Report {
                    sentence: format!("Restored {}", in_words(&self.file, restored.contents)),
                    facts: facts(restored.contents, Some(restored.left_out)),
                })
            }
        };
        match restored {
            Ok(report) => print(&report, self.output),
            Err(why) => refuse(&format!("{}: {why}", self.file.display())),
        }
    }

    fn checked(&self, contents: Contents) -> Report {
        Report {
            sentence: format!("Could restore {}", in_words(&self.file, contents)),
            facts: facts(contents, None),
        }
    }
}

fn in_words(file: &Path, contents: Contents) -> String {
    format!("{} users from {}", contents.users, file.display())
}

fn facts(contents: Contents, left_out: Option<u64>) -> Value {
    let mut facts = json!(contents);
    if let Some(left_out) = left_out {
        facts["left_out"] = json!(left_out);
    }
    facts
}
