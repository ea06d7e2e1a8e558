//! Has a command done by the running server, or by this process if none runs.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use serde_json::Value;

use crate::{
    accounts::{Accounts, clock::Clock, operator::request::Report, policy::PasswordPolicy},
    server::{
        admin::{self, Admin, Answer, Request},
        mail::LettreMailer,
        settings::{Settings, WrongSetting},
        store,
    },
};

/// How long the running server may take, except for a backup.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How the outcome is printed.
#[derive(Args, Clone, Copy)]
pub struct Output {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Has a request done, and prints what came of it.
pub async fn perform(settings: &Settings, request: impl Into<Request>, output: Output) -> ExitCode {
    let mut performer = Performer::new(settings);
    let done = performer.perform(request).await;
    performer.close().await;
    match done {
        Ok(report) => print(&report, output),
        Err(why) => refuse(&why),
    }
}

/// Whoever does what commands ask for: the running server, or else this process.
pub struct Performer<'s> {
    settings: &'s Settings,
    here: Option<Admin>,
}

impl<'s> Performer<'s> {
    /// Looks for the server at the first request.
    pub fn new(settings: &'s Settings) -> Self {
        let here = None;
        Self { settings, here }
    }

    /// Has a request done; what came of it, or a sentence that says why it was not.
    pub async fn perform(&mut self, request: impl Into<Request>) -> Result<Report, String> {
        let request = request.into();
        let answer = match UnixStream::connect(admin::path(&self.settings.data_dir)) {
            Ok(server) => ask(server, &request).map_err(|error| {
                format!("the running server did not answer on the admin socket: {error}")
            })?,
            Err(_) => {
                let here = match &mut self.here {
                    Some(here) => here,
                    none => none.insert(
                        open(self.settings)
                            .await
                            .map_err(|wrong| wrong.to_string())?,
                    ),
                };
                here.perform(request).await
            }
        };
        match answer {
            Answer::Done(report) => Ok(report),
            Answer::NotDone(why) => Err(why),
        }
    }

    /// Closes the store, if this process has opened it.
    pub async fn close(self) {
        if let Some(here) = self.here {
            here.store.close().await;
        }
    }
}

/// Says why nothing was done.
pub fn refuse(why: &str) -> ExitCode {
    eprintln!("fpm-registry: {why}");
    ExitCode::FAILURE
}

fn ask(mut server: UnixStream, request: &Request) -> io::Result<Answer> {
    server.set_read_timeout(match request {
        Request::Operate(_) => Some(ANSWER_TIMEOUT),
        Request::BackUp(_) => None,
    })?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    server.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(server).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

async fn open(settings: &Settings) -> Result<Admin, WrongSetting> {
    let (store, _) = store::open(settings).await?;
    let mailer = Arc::new(LettreMailer::open(settings)?);
    let (clock, policy) = (Clock::default(), PasswordPolicy::default());
    let limits = settings.rate_limits;
    let (accounts, _) = Accounts::new(store.clone(), mailer, clock, policy, limits);
    let accounts = Arc::new(accounts);
    Ok(Admin { accounts, store })
}

/// Prints what was done.
pub fn print(report: &Report, output: Output) -> ExitCode {
    if output.json {
        return say(&format!("{:#}", report.facts));
    }
    let mut text = report.sentence.clone();
    let facts = report.facts.as_object().into_iter().flatten();
    // The sentence has told of which user or mail it is.
    let told = |name: &str| matches!(name, "user" | "mail");
    for (name, fact) in facts.filter(|(name, _)| !told(name)) {
        text.push_str(&format!("\n  {name}: {}", in_words(fact)));
    }
    say(&text)
}

/// Prints a text. Who reads it may stop early, as `head` does.
fn say(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => refuse(&error.to_string()),
        _ => ExitCode::SUCCESS,
    }
}

/// A text beside others is quoted, so that no user's name looks like more than a name.
fn in_words(fact: &Value) -> String {
    match fact {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.escape_debug().to_string(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let items = items.iter().map(|item| format!("\n    {}", in_words(item)));
            items.collect()
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, fact)| match fact {
                Value::String(text) => format!("{name} {text:?}"),
                other => format!("{name} {}", in_words(other)),
            });
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
