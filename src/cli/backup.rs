//! `fpm-registry backup` and `fpm-registry restore`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::perform::{Output, connect, print, refuse};
use crate::{
    accounts::operator::request::Report,
    server::{
        admin,
        backup::{
            Ended, back_up, check,
            file::UnfinishedFile,
            format::{BackupError, Contents},
            restore,
        },
        settings::Settings,
        stop_signal::stop_signal,
        store,
    },
};

/// Writes all users and waiting mails to a file. Mailed links and the key file are not in it.
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
    /// End all upload tokens: those that were ended after the backup would live again
    #[arg(long)]
    end_tokens: bool,
    #[command(flatten)]
    output: Output,
}

impl Backup {
    /// Carries the command out: the running server sends the backup, and this process writes it and reads it again.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        // A write that is dropped deletes its unfinished file.
        let written = tokio::select! {
            biased;
            () = stop_signal() => Err(BackupError::Interrupted),
            written = self.write(settings) => written,
        };
        match written {
            Ok(contents) => print(&report("Wrote", "to", &self.file, contents), self.output),
            Err(why) => refuse(&format!("{}: {why}", self.file.display())),
        }
    }

    async fn write(&self, settings: &Settings) -> Result<Contents, BackupError> {
        let (unfinished, file) = UnfinishedFile::create(&self.file)?;
        match connect(settings).await {
            Some(mut server) => {
                server.write_all(admin::BACK_UP.as_bytes()).await?;
                tokio::io::copy(&mut server, &mut tokio::fs::File::from_std(file)).await?;
            }
            None => {
                let (store, _) = store::open_existing(settings).await?;
                let written = back_up(&store, file).await;
                store.close().await;
                written?;
            }
        }
        let contents = check(unfinished.path()).await.map_err(|why| match why {
            BackupError::NotABackup | BackupError::Damaged => BackupError::Incomplete,
            other => other,
        })?;
        if contents.users == 0 && unfinished.replaces() {
            return Err(BackupError::Empty);
        }
        unfinished.finish()?;
        Ok(contents)
    }
}

impl Restore {
    /// Carries the command out, which no running server may hinder: the embedded store is then in use.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        if self.check {
            let checked = check(&self.file).await;
            return self.answer(
                checked.map(|contents| report("Could restore", "from", &self.file, contents)),
            );
        }
        let store = match store::open(settings).await {
            Ok((store, _)) => store,
            Err(setting) => return refuse(&setting.to_string()),
        };
        let ended = Ended {
            sessions: self.end_sessions,
            upload_tokens: self.end_tokens,
        };
        let restored = restore(&store, &self.file, ended).await;
        store.close().await;
        self.answer(restored.map(|restored| {
            let mut report = report("Restored", "from", &self.file, restored.contents);
            report.facts["left_out"] = json!(restored.left_out);
            report
        }))
    }

    fn answer(&self, outcome: Result<Report, BackupError>) -> ExitCode {
        match outcome {
            Ok(report) => print(&report, self.output),
            Err(why) => refuse(&format!("{}: {why}", self.file.display())),
        }
    }
}

fn report(did: &str, to: &str, file: &Path, contents: Contents) -> Report {
    let (users, file) = (contents.users, file.display());
    Report {
        sentence: format!("{did} {users} users {to} {file}"),
        facts: json!(contents),
    }
}
