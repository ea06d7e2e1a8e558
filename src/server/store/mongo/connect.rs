//! Connects to a database, with an error message for each way in which it can fail.

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

/// The driver's timeouts for server selection, connecting, and the acknowledgement of a majority.
const DRIVER_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the driver checks its servers. With its default of 10 s, it would notice that long after the fact that a
/// server hangs or is back.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long connecting may take at start.
const START_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may take to end what the driver had begun.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The size of the connection pool. With the driver's default of 10, logins would queue while each waits for a majority.
pub(super) const CONNECTIONS: u32 = 64;

const INVALID_NAMESPACE: i32 = 73;
const INVALID_NAME: &str = "MONGO_DB_NAME: not a name a MongoDB database can have";

/// Connects to a database on a server that answers.
pub(super) async fn connect(uri: &str, database: &str) -> Result<Database, WrongSetting> {
    let options = client_options(uri).await?;
    let hosts = options.hosts.iter().map(ToString::to_string);
    let hosts = hosts.collect::<Vec<_>>().join(", ");
    let database = Client::with_options(options)
        .map_err(|error| WrongSetting::new(format!("MONGO_URI: {}", cause(&error))))?
        .database(database);
    ping(&database, &hosts).await?;
    Ok(database)
}

/// Ends what runs in the background. Without it the driver would talk to the server while the process ends, and panic if
/// it came too late.
pub(super) async fn close(client: &Client) {
    let closed = client.clone().shutdown().immediate(true);
    if timeout(CLOSE_TIMEOUT, closed.into_future()).await.is_err() {
        tracing::debug!("MongoDB did not end the sessions of the driver in time");
    }
}

async fn client_options(uri: &str) -> Result<ClientOptions, WrongSetting> {
    let mut options = match timeout(START_TIMEOUT, ClientOptions::parse(uri)).await {
        Ok(Ok(options)) => options,
        Ok(Err(error)) if matches!(*error.kind, ErrorKind::InvalidArgument { .. }) => {
            return Err(WrongSetting::new(
                "MONGO_URI: not a MongoDB connection string such as mongodb://127.0.0.1:27017",
            ));
        }
        _ => {
            return Err(WrongSetting::new(
                "MONGO_URI: the host's SRV record cannot be found",
            ));
        }
    };
    require_tls_for_password(&options)?;
    options.app_name.get_or_insert("fpm-registry".to_owned());
    options
        .server_selection_timeout
        .get_or_insert(DRIVER_TIMEOUT);
    options.connect_timeout.get_or_insert(DRIVER_TIMEOUT);
    options.heartbeat_freq.get_or_insert(HEARTBEAT);
    options.max_pool_size.get_or_insert(CONNECTIONS);
    // All connections may be made at once: a request that waits for one stays in the driver's queue after its timeout,
    // and would delay others when the server is back.
    options.max_connecting.get_or_insert(CONNECTIONS);
    // The URI must not weaken what the store guarantees: no acknowledged write is lost, and a read sees the writes
    // before it.
    let mut concern = options.write_concern.take().unwrap_or_default();
    concern.w = Some(Acknowledgment::Majority);
    concern.journal = Some(true);
    concern.w_timeout.get_or_insert(DRIVER_TIMEOUT);
    options.write_concern = Some(concern);
    options.selection_criteria = None;
    Ok(options)
}

/// Refuses to log in to another machine without TLS, unless the URI has `tls=false`: anyone on the network could read
/// all data.
fn require_tls_for_password(options: &ClientOptions) -> Result<(), WrongSetting> {
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

async fn ping(database: &Database, hosts: &str) -> Result<(), WrongSetting> {
    let no_answer =
        || WrongSetting::new(format!("MONGO_URI: no MongoDB server answers at {hosts}"));
    let ping = database.run_command(doc! { "ping": 1 }).into_future();
    let answer = timeout(START_TIMEOUT, ping)
        .await
        .map_err(|_| no_answer())?;
    match answer.map_err(|error| *error.kind) {
        Ok(_) => Ok(()),
        Err(ErrorKind::Authentication { .. }) => Err(WrongSetting::new(format!(
            "MONGO_URI: the server at {hosts} refuses the user name or password"
        ))),
        Err(ErrorKind::Command(error)) if error.code == INVALID_NAMESPACE => {
            Err(WrongSetting::new(INVALID_NAME))
        }
        Err(ErrorKind::Command(error)) => Err(WrongSetting::new(format!(
            "MONGO_URI: the server at {hosts} refuses to work: {}",
            error.code_name
        ))),
        Err(_) => Err(no_answer()),
    }
}

/// Why the indexes cannot be created.
pub(super) fn cannot_index(database: &str, error: &Error) -> WrongSetting {
    WrongSetting::new(match &*error.kind {
        _ if is_duplicate(error) => {
            "MONGO_DB_NAME: two users have one e-mail in `users`; remove one of them".to_owned()
        }
        ErrorKind::Command(error) if error.code == INVALID_NAMESPACE => INVALID_NAME.to_owned(),
        _ => format!(
            "MONGO_DB_NAME: the indexes of `{database}` cannot be made: {}",
            cause(error)
        ),
    })
}
