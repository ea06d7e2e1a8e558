//! `fpm-registry import`: users of the registry's first backend.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::perform::{Output, Performer, print, refuse};
use crate::{
    accounts::{
        clock::Clock,
        id::UserId,
        import::{FormerUser, InUse, Newcomer, Outcome, select, wrap::wrap},
        operator::{
            import::{Added, InUsePage},
            request::{Report, Request},
        },
        user::event::Origin,
    },
    server::{settings::Settings, store::first_backend},
};

/// How many users are added at once at most. Their records fit into one request to the running server.
const BATCH: usize = 32;

/// Takes over the users of the registry's first backend.
#[derive(Args)]
pub struct Import {
    /// The database of the first backend, as mongodb://HOST/DATABASE, or a file that mongodump made of its users
    #[arg(value_name = "MONGO_URI/DATABASE|FILE.bson")]
    source: String,
    /// Say who would be imported, but import nobody
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

impl Import {
    /// Carries the command out. This process hashes; the running server only adds the users, if there is one.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        let users = match first_backend::read(&self.source, settings).await {
            Ok(users) => users,
            Err(why) => return refuse(&why.to_string()),
        };
        let mut performer = Performer::with_new_store(settings);
        let imported = self.import(&mut performer, users).await;
        performer.close().await;
        match imported {
            Ok(outcome) => print(&self.report(&outcome), self.output),
            Err(why) => refuse(&why),
        }
    }

    async fn import(
        &self,
        performer: &mut Performer<'_>,
        users: Vec<FormerUser>,
    ) -> Result<Outcome, String> {
        let in_use = match self.dry_run && !performer.has_store()? {
            true => InUse::default(),
            false => all_in_use(performer).await?,
        };
        let (newcomers, mut outcome) = select(users, &in_use);
        if !self.dry_run {
            let left_out = add_all(performer, newcomers).await.map_err(|why| {
                format!("{why}; the same command goes on with those who are not imported yet")
            })?;
            outcome.leave_out(left_out);
        }
        Ok(outcome)
    }

    fn report(&self, outcome: &Outcome) -> Report {
        let did = match self.dry_run {
            true => "Would import",
            false => "Imported",
        };
        let (taken, here, not) = (outcome.taken, outcome.already_here, outcome.not_taken.len());
        Report {
            sentence: format!("{did} {taken} users; {here} were here already, {not} are not taken"),
            facts: json!(outcome),
        }
    }
}

async fn all_in_use(performer: &mut Performer<'_>) -> Result<InUse, String> {
    let mut all = InUse::default();
    let mut after = None;
    loop {
        let page: InUsePage = facts(performer, Request::ListInUse { after }).await?;
        all.extend(page.in_use);
        if page.next.is_none() {
            return Ok(all);
        }
        after = page.next;
    }
}

/// Adds users as they are hashed. Returns those whose address or id came into use meanwhile.
async fn add_all(
    performer: &mut Performer<'_>,
    newcomers: Vec<Newcomer>,
) -> Result<Vec<UserId>, String> {
    let mut progress = Progress::of(newcomers.len());
    let origin = Origin::of_operator(Clock::default().now());
    let mut wrapped = wrap(newcomers, &origin, BATCH);
    let mut left_out = Vec::new();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        if wrapped.recv_many(&mut batch, BATCH).await == 0 {
            return Ok(left_out);
        }
        let size = batch.len();
        let added: Added = facts(performer, Request::AddUsers(batch)).await?;
        left_out.extend(added.left_out);
        progress.advance(size);
    }
}

async fn facts<T: DeserializeOwned>(
    performer: &mut Performer<'_>,
    request: Request,
) -> Result<T, String> {
    let report = performer.perform(request).await?;
    serde_json::from_value(report.facts)
        .map_err(|_| "the running server is of another version".to_owned())
}

/// Says on a terminal how many users are done.
struct Progress {
    all: usize,
    done: usize,
    is_shown: bool,
}

impl Progress {
    fn of(all: usize) -> Self {
        let is_shown = io::stderr().is_terminal();
        let done = 0;
        Self {
            all,
            done,
            is_shown,
        }
    }

    fn advance(&mut self, by: usize) {
        self.done += by;
        if self.is_shown {
            eprint!("\r{} of {} users", self.done, self.all);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown && self.done > 0 {
            eprintln!();
        }
    }
}
