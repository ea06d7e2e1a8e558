//! How a database is connected to, and what is wrong if it cannot be.

use std::{future::IntoFuture, net::IpAddr, time::Duration};

use mongodb::{
    Client, Database,
    bson::doc,
    error::{Error, ErrorKind},
    options::{Acknowledgment, ClientOptions, ServerAddress},
};
use tokio::time::timeout;

use super::driver::{cause, is_duplicate};
use crate::server::settings::WrongSetting;

/// How long a server is looked for, a connection is made, and a majority is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a server is asked whether it is well. After the driver's own 10 s, one that is back would be left
/// alone for as long, and one that fell silent be asked on.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long the first answer may take at start.
const FIRST_ANSWER: Duration = Duration::from_secs(5);
/// The driver's own 10 would make logins queue while each waits for a majority.
pub(super) const CONNECTIONS: u32 = 64;

const INVALID_NAMESPACE: i32 = 73;

/// Connects to a database on a server that answers.
pub(super) async fn connect(uri: &str, database: &str) -> Result<Database, WrongSetting> {
    let options = client_options(uri).await?;
    let hosts = options.hosts.iter().map(ToString::to_string);
    let hosts = hosts.collect::<Vec<_>>().join(", ");
    let database = Client::with_options(options)
        .map_err(|error| WrongSetting::new(format!("MONGO_URI: {}", cause(&error))))?
        .database(database);
    greet(&database, &hosts).await?;
    Ok(database)
}

async fn client_options(uri: &str) -> Result<ClientOptions, WrongSetting> {
    let mut options = match timeout(FIRST_ANSWER, ClientOptions::parse(uri)).await {
        Ok(Ok(options)) => options,
        Ok(Err(error)) if matches!(*error.kind, ErrorKind::InvalidArgument { .. }) => {
            return Err(WrongSetting::new(
                "MONGO_URI: not a MongoDB connection string such as mongodb://127.0.0.1:27017"
                    .to_owned(),
            ));
        }
        _ => {
            return Err(WrongSetting::new(
                "MONGO_URI: the host's SRV record cannot be found".to_owned(),
            ));
        }
    };
    refuse_open_password(&options)?;
    options.app_name.get_or_insert("fpm-registry".to_owned());
    options.server_selection_timeout.get_or_insert(PATIENCE);
    options.connect_timeout.get_or_insert(PATIENCE);
    options.heartbeat_freq.get_or_insert(HEARTBEAT);
    options.max_pool_size.get_or_insert(CONNECTIONS);
    // As many as there may be: who waits for one to be made stays in the driver's queue after it has given up,
    // and keeps the others waiting when the server is back.
    options.max_connecting.get_or_insert(CONNECTIONS);
    // What the store promises is not for the URI to weaken: no acknowledged write is lost, and a read
    // sees the writes before it.
    let mut concern = options.write_concern.take().unwrap_or_default();
    concern.w = Some(Acknowledgment::Majority);
    concern.journal = Some(true);
    concern.w_timeout.get_or_insert(PATIENCE);
    options.write_concern = Some(concern);
    options.selection_criteria = None;
    Ok(options)
}

/// Refuses to log in to another machine without TLS, unless the URI says `tls=false` itself: the password's proof and
/// all data would be there for anyone on the way to read.
fn refuse_open_password(options: &ClientOptions) -> Result<(), WrongSetting> {
    let is_remote = options.hosts.iter().any(|host| match host {
        ServerAddress::Tcp { host, .. } => !is_loopback(host),
        _ => false,
    });
    if options.credential.is_some() && options.tls.is_none() && is_remote {
        return Err(WrongSetting::new(
            "MONGO_URI would log in and send all data unencrypted: add tls=true, \
             or tls=false if nobody else can listen on the network between",
        ));
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

async fn greet(database: &Database, hosts: &str) -> Result<(), WrongSetting> {
    let silent = || WrongSetting::new(format!("MONGO_URI: no MongoDB server answers at {hosts}"));
    let ping = database.run_command(doc! { "ping": 1 }).into_future();
    let answer = timeout(FIRST_ANSWER, ping).await.map_err(|_| silent())?;
    match answer.map_err(|error| *error.kind) {
        Ok(_) => Ok(()),
        Err(ErrorKind::Authentication { .. }) => Err(WrongSetting::new(format!(
            "MONGO_URI: the server at {hosts} refuses the user name or password"
        ))),
        Err(ErrorKind::Command(error)) if error.code == INVALID_NAMESPACE => Err(
            WrongSetting::new("MONGO_DB_NAME: not a name a MongoDB database can have".to_owned()),
        ),
        Err(ErrorKind::Command(error)) => Err(WrongSetting::new(format!(
            "MONGO_URI: the server at {hosts} refuses to work: {}",
            error.code_name
        ))),
        Err(_) => Err(silent()),
    }
}

/// Why the indexes cannot be made.
pub(super) fn cannot_index(database: &str, error: &Error) -> WrongSetting {
    WrongSetting::new(match &*error.kind {
        _ if is_duplicate(error) => {
            "MONGO_DB_NAME: two users have one e-mail in `users`; remove one of them".to_owned()
        }
        ErrorKind::Command(error) if error.code == INVALID_NAMESPACE => {
            "MONGO_DB_NAME: not a name a MongoDB database can have".to_owned()
        }
        _ => format!(
            "MONGO_DB_NAME: the indexes of `{database}` cannot be made: {}",
            cause(error)
        ),
    })
}
