//! Real MongoDB servers that stand in for one another.
//!
//! They elect another primary after two seconds of silence; MongoDB's own ten would only make tests longer.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::time::{Duration, Instant};

use mongodb::{
    Client,
    bson::{Document, doc},
    error::Error,
};

use super::mongod::Mongod;

const NAME: &str = "rs0";
/// How long an election may take.
const ELECTION: Duration = Duration::from_secs(60);

/// A replica set on this machine.
pub struct ReplicaSet {
    pub members: Vec<Mongod>,
}

impl ReplicaSet {
    /// Starts so many members and waits for a primary.
    pub async fn start(members: usize) -> Self {
        let start = || Mongod::start(&["--replSet", NAME]).unwrap();
        let set = Self {
            members: std::iter::repeat_with(start).take(members).collect(),
        };
        let members = set.members.iter().enumerate();
        let members: Vec<Document> = members
            .map(|(id, member)| {
                let id = i32::try_from(id).unwrap();
                doc! { "_id": id, "host": member.address().to_string() }
            })
            .collect();
        let times = doc! { "electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500 };
        let config = doc! { "_id": NAME, "members": members, "settings": times };
        let initiate = doc! { "replSetInitiate": config };
        command(&set.members[0], initiate).await.unwrap();
        set.primary().await;
        set
    }

    /// The connection string of the whole set.
    pub fn uri(&self) -> String {
        let members = self.members.iter();
        let members: Vec<String> = members.map(|m| m.address().to_string()).collect();
        format!("mongodb://{}/?replicaSet={NAME}", members.join(","))
    }

    /// The number of the member that takes writes, once there is one.
    pub async fn primary(&self) -> usize {
        let started = Instant::now();
        loop {
            for (number, member) in self.members.iter().enumerate() {
                let hello = command(member, doc! { "hello": 1 }).await;
                if hello.is_ok_and(|hello| matches!(hello.get_bool("isWritablePrimary"), Ok(true)))
                {
                    return number;
                }
            }
            assert!(started.elapsed() < ELECTION, "nobody is elected");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Has the primary hand over to another member.
    pub async fn step_down(&self) {
        let primary = &self.members[self.primary().await];
        let answer = command(primary, doc! { "replSetStepDown": 30 }).await;
        answer.unwrap();
    }
}

/// Runs a command on one member alone; one that says nothing fails.
async fn command(member: &Mongod, command: Document) -> Result<Document, Error> {
    let patience = "serverSelectionTimeoutMS=1000&connectTimeoutMS=1000";
    let uri = format!("{}/?directConnection=true&{patience}", member.uri());
    let client = Client::with_uri_str(uri).await?;
    let admin = client.database("admin");
    let answer = tokio::time::timeout(Duration::from_secs(15), admin.run_command(command)).await;
    answer.unwrap_or_else(|silent| Err(Error::custom(silent.to_string())))
}
