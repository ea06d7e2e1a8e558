//! Has a command done by the running server, or by this process if none runs.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use clap::Args;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

use crate::{
    accounts::{
        Accounts,
        clock::Clock,
        mail::{Mail, MailError, Mailer},
        operator::request::Report,
        policy::PasswordPolicy,
    },
    server::{
        admin::{self, Admin, Answer, Request},
        key_file::secret_keys,
        settings::{Settings, WrongSetting},
        store,
    },
};

/// How long the running server may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How the outcome is printed.
#[derive(Args, Clone, Copy)]
pub struct Output {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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
    /// Whether a store may be made if there is none.
    makes_store: bool,
    here: Option<Admin>,
}

impl<'s> Performer<'s> {
    /// Looks for the server at the first request. There has to be a store.
    pub fn new(settings: &'s Settings) -> Self {
        Self {
            settings,
            makes_store: false,
            here: None,
        }
    }

    /// The same, but makes a store if there is none.
    pub fn with_new_store(settings: &'s Settings) -> Self {
        Self {
            makes_store: true,
            ..Self::new(settings)
        }
    }

    /// Whether there is a store already, as there is for a running server.
    pub fn has_store(&self) -> Result<bool, String> {
        store::exists(self.settings).map_err(|wrong| wrong.to_string())
    }

    /// Has a request done; what came of it, or a sentence that says why it was not.
    pub async fn perform(&mut self, request: impl Into<Request>) -> Result<Report, String> {
        let request = request.into();
        let answer = match ask_server(self.settings, &request, ANSWER_TIMEOUT).await {
            Some(answer) => answer.map_err(|error| {
                format!("the running server did not answer on the admin socket: {error}")
            })?,
            None => {
                let here = match &mut self.here {
                    Some(here) => here,
                    none => none.insert(
                        open(self.settings, self.makes_store)
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

/// The admin socket of the running server; none if none runs.
pub async fn connect(settings: &Settings) -> Option<UnixStream> {
    let path = admin::path(&settings.data_dir);
    UnixStream::connect(path).await.ok()
}

/// What the running server answers within `limit`; none if none runs.
pub async fn ask_server(
    settings: &Settings,
    request: &Request,
    limit: Duration,
) -> Option<io::Result<Answer>> {
    let server = connect(settings).await?;
    let answer = timeout(limit, ask(server, request)).await;
    Some(answer.unwrap_or_else(|elapsed| Err(elapsed.into())))
}

async fn ask(mut server: UnixStream, request: &Request) -> io::Result<Answer> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    server.write_all(&line).await?;
    let mut answer = String::new();
    BufReader::new(server).read_line(&mut answer).await?;
    Ok(serde_json::from_str(&answer)?)
}

async fn open(settings: &Settings, makes_store: bool) -> Result<Admin, WrongSetting> {
    let (store, _) = match makes_store {
        true => store::open(settings).await?,
        false => store::open_existing(settings).await?,
    };
    let secret_keys = secret_keys(settings)?;
    let (clock, policy) = (Clock::default(), PasswordPolicy::default());
    let limits = settings.rate_limits;
    let (accounts, _) = Accounts::new(store.clone(), Arc::new(NoMail), clock, policy, limits);
    let accounts = Arc::new(accounts.with_secret_keys(secret_keys));
    Ok(Admin {
        accounts,
        store,
        probe: Arc::default(),
    })
}

/// A running server sends the mail that commands queue.
struct NoMail;

#[async_trait]
impl Mailer for NoMail {
    async fn send(&self, _: Mail) -> Result<(), MailError> {
        Err(MailError::Temporary("a command sends no mail".to_owned()))
    }
}

/// Prints what was done, and how many users could not be read for it.
pub fn print(report: &Report, output: Output) -> ExitCode {
    let printed = print_facts(report, output);
    if let Some(some @ 1..) = report.facts["unreadable"].as_u64() {
        eprintln!("fpm-registry: {some} users could not be read and are left out");
    }
    printed
}

fn print_facts(report: &Report, output: Output) -> ExitCode {
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
pub fn say(text: &str) -> ExitCode {
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
