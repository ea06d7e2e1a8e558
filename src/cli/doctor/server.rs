//! Asks the server that runs with these settings, on its admin socket.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::finding::Finding;
use crate::{
    accounts::health::Health,
    cli::perform::ask_server,
    server::{
        admin::{Answer, Request},
        settings::Settings,
    },
};

const SERVER: &str = "server";
/// How long the server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The server that runs with these settings.
pub enum Server {
    /// None runs.
    Absent,
    /// It runs, and says how it is.
    Running(Health),
    /// It does not say how it is, for this reason.
    Silent(String),
}

impl Server {
    /// Looks whether one runs, and how it is.
    pub async fn find(settings: &Settings) -> Self {
        match ask(settings, Request::Health).await {
            None => Self::Absent,
            Some(Ok(health)) => Self::Running(health),
            Some(Err(why)) => Self::Silent(why),
        }
    }

    /// What there is to say about it.
    pub fn finding(&self) -> Finding {
        match self {
            Self::Absent => Finding::warning(
                SERVER,
                "none answers this user at DATA_DIR/admin.sock",
                "start it to have the proxy looked at too",
            ),
            Self::Silent(why) => Finding::wrong(SERVER, why, "restart it"),
            Self::Running(Health { store: false, .. }) => Finding::wrong(
                SERVER,
                "its store does not read and write",
                "see its log for the cause",
            ),
            Self::Running(Health { hashing: false, .. }) => Finding::wrong(
                SERVER,
                "a thread that hashes passwords has ended",
                "restart it",
            ),
            Self::Running(_) => Finding::ok(SERVER, "it runs, and its store reads and writes"),
        }
    }
}

/// What the running server answers, or why it does not; none if none runs.
pub async fn ask<T: DeserializeOwned>(
    settings: &Settings,
    request: Request,
) -> Option<Result<T, String>> {
    let answer = ask_server(settings, &request, ANSWER_TIMEOUT).await?;
    Some(match answer {
        Ok(Answer::Done(report)) => serde_json::from_value(report.facts)
            .map_err(|_| "the running server is of another version".to_owned()),
        Ok(Answer::NotDone(why)) => Err(why),
        Err(error) => Err(format!("it does not answer on the admin socket: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_cannot_work_is_wrong() {
        for (store, hashing, line) in [
            (
                true,
                true,
                "ok       server       it runs, and its store reads and writes",
            ),
            (
                true,
                false,
                "wrong    server       a thread that hashes passwords has ended; restart it",
            ),
            (
                false,
                true,
                "wrong    server       its store does not read and write; see its log for the cause",
            ),
        ] {
            let server = Server::Running(Health { store, hashing });
            assert_eq!(server.finding().to_string(), line);
        }
    }
}
