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
    let request = request.into();
    let answer = match UnixStream::connect(admin::path(&settings.data_dir)) {
        Ok(server) => ask(server, &request).map_err(|error| {
            format!("the running server did not answer on the admin socket: {error}")
        }),
        Err(_) => perform_here(settings, request)
            .await
            .map_err(|setting| setting.to_string()),
    };
    match answer {
        Ok(Answer::Done(report)) => print(&report, output),
        Ok(Answer::NotDone(why)) | Err(why) => refuse(&why),
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

async fn perform_here(settings: &Settings, request: Request) -> Result<Answer, WrongSetting> {
    let (store, _) = store::open(settings).await?;
    let mailer = Arc::new(LettreMailer::open(settings)?);
    let (clock, policy) = (Clock::default(), PasswordPolicy::default());
    let limits = settings.rate_limits;
    let (accounts, _) = Accounts::new(store.clone(), mailer, clock, policy, limits);
    let accounts = Arc::new(accounts);
    let admin = Admin { accounts, store };
    let answer = admin.perform(request).await;
    admin.store.close().await;
    Ok(answer)
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
