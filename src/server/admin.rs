//! The socket on which a running server does what an operator's commands ask for: one line of JSON each way.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::{fs::Mode, process::umask};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    time::timeout,
};

use super::{backup::back_up, probe::Probe, store::deadline::with_request_deadline};
use crate::accounts::{
    Accounts,
    error::StoreError,
    operator::request::{self, Report},
    store::Store,
};

const FILE_NAME: &str = "admin.sock";
/// The longest request.
const MAX_REQUEST_BYTES: u64 = 64 << 10;
/// How long a client may take to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The path of the socket of a server with this data folder.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// The line that asks for a backup. Its bytes are the answer; if they lack their end, the backup failed.
pub const BACK_UP: &str = "back-up\n";
/// How long the client of a backup may take to accept a part of it.
const BACKUP_TIMEOUT: Duration = Duration::from_secs(60);

/// What a command asks for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// What the accounts do.
    Operate(request::Request),
    /// Whether the server works.
    Health,
    /// Which keys have encrypted secrets.
    NotedSecretKeys,
    /// To expect a request, whose mark is answered.
    ExpectProbe,
    /// What arrived with this mark.
    TakeProbe(String),
}

impl From<request::Request> for Request {
    fn from(request: request::Request) -> Self {
        Self::Operate(request)
    }
}

/// Carries commands out, in a server or in the process of the command.
pub struct Admin {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// Their store.
    pub store: Arc<dyn Store>,
    /// The request that is expected.
    pub probe: Arc<Probe>,
}

/// What a client is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was done.
    Done(Report),
    /// It was not; this says why.
    NotDone(String),
}

/// The listening socket. Its file goes when it is dropped.
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    /// The data folder, locked: whoever has the lock may take the place of a socket that is there.
    _lock: File,
}

impl AdminSocket {
    /// Listens in the data folder, for this user alone. An error if another server does.
    pub fn bind(data_dir: &Path) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)?;
        let lock = File::open(data_dir)?;
        lock.try_lock()
            .map_err(|_| io::Error::from(io::ErrorKind::AddrInUse))?;
        let path = path(data_dir);
        // What a killed server left behind.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The socket has its mode from the first moment on.
        let before = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
        let listener = UnixListener::bind(&path);
        umask(before);
        Ok(Self {
            listener: listener?,
            path,
            _lock: lock,
        })
    }

    /// Answers clients for as long as the server runs.
    pub async fn serve(self, admin: Admin) {
        let admin = Arc::new(admin);
        loop {
            match self.listener.accept().await {
                Ok((client, _)) => {
                    let admin = admin.clone();
                    tokio::spawn(async move {
                        if let Err(error) = answer(client, &admin).await {
                            tracing::warn!(%error, "cannot answer on the admin socket");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept on the admin socket, will retry");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer(mut client: UnixStream, admin: &Admin) -> io::Result<()> {
    let mut line = String::new();
    let mut request = BufReader::new((&mut client).take(MAX_REQUEST_BYTES));
    timeout(REQUEST_TIMEOUT, request.read_line(&mut line)).await??;
    if line == BACK_UP {
        return send_backup(client, admin).await;
    }
    let answer = match serde_json::from_str::<Request>(&line) {
        Ok(request) => admin.perform(request).await,
        Err(_) => Answer::NotDone("the running server does not know this command".to_owned()),
    };
    let mut answer = serde_json::to_vec(&answer)?;
    answer.push(b'\n');
    client.write_all(&answer).await
}

async fn send_backup(client: UnixStream, admin: &Admin) -> io::Result<()> {
    let client = client.into_std()?;
    client.set_nonblocking(false)?;
    client.set_write_timeout(Some(BACKUP_TIMEOUT))?;
    if let Err(error) = back_up(&admin.store, client).await {
        tracing::warn!(%error, "cannot complete a backup");
    }
    Ok(())
}

impl Admin {
    /// Does what a command asks for.
    pub async fn perform(&self, request: Request) -> Answer {
        match request {
            Request::Operate(request) => answer_of(self.accounts.operate(request).await),
            Request::Health => {
                let health = with_request_deadline(self.accounts.health()).await;
                told("The server runs", json!(health))
            }
            Request::NotedSecretKeys => answer_of(self.noted_secret_keys().await),
            Request::ExpectProbe => told("Expects a request", json!(self.probe.expect())),
            Request::TakeProbe(mark) => told("What arrived", json!(self.probe.take(&mark))),
        }
    }

    async fn noted_secret_keys(&self) -> Result<Report, StoreError> {
        let ids = with_request_deadline(self.store.noted_secret_keys()).await?;
        Ok(Report {
            sentence: "The keys that have encrypted secrets".to_owned(),
            facts: json!(ids),
        })
    }
}

fn told(sentence: &str, facts: Value) -> Answer {
    Answer::Done(Report {
        sentence: sentence.to_owned(),
        facts,
    })
}

fn answer_of(outcome: Result<Report, impl std::error::Error>) -> Answer {
    match outcome {
        Ok(report) => Answer::Done(report),
        Err(why) => {
            if let Some(cause) = why.source() {
                tracing::warn!(%cause, "an operator's command failed");
            }
            Answer::NotDone(why.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use std::os::unix::net::UnixListener as BlockingListener;

    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn the_socket_of_a_killed_server_is_taken_by_one_of_those_that_start_at_once() {
        let dir = std::env::temp_dir().join(format!("fpm-registry-admin-{}", Uuid::new_v4()));
        fs::create_dir(&dir).unwrap();
        drop(BlockingListener::bind(path(&dir)).unwrap());
        // Another has looked, and not bound yet.
        let other = File::open(&dir).unwrap();
        other.lock().unwrap();
        let refused = AdminSocket::bind(&dir).err().map(|error| error.kind());
        assert_eq!(refused, Some(io::ErrorKind::AddrInUse));
        assert!(path(&dir).exists());
        drop(other);
        let bound = AdminSocket::bind(&dir).unwrap();
        assert!(UnixStream::connect(path(&dir)).await.is_ok());
        let refused = AdminSocket::bind(&dir).err().map(|error| error.kind());
        assert_eq!(refused, Some(io::ErrorKind::AddrInUse));
        drop(bound);
        assert!(AdminSocket::bind(&dir).is_ok());
        fs::remove_dir_all(dir).unwrap();
    }
}
