//! The store in a MongoDB database, for any number of processes.
//!
//! Everything that changes for one user is one update of that user's document, so no transaction is
//! needed and a single server will do.

use std::{future::IntoFuture, net::IpAddr, time::Duration};

use async_trait::async_trait;
use futures_util::{FutureExt, TryFutureExt, TryStreamExt, future::try_join_all};
use mongodb::{
    Client, Collection, Database, IndexModel,
    bson::{Binary, Bson, DateTime, Document, doc, oid::ObjectId, spec::BinarySubtype},
    error::{Error, ErrorKind, WriteFailure},
    options::{
        Acknowledgment, ClientOptions, CollectionOptions, IndexOptions, ReturnDocument,
        ServerAddress, WriteConcern,
    },
};
use tokio::{sync::Semaphore, time::timeout};

use super::{in_time, mail_kind, mail_word};
use crate::accounts::{
    attempts::{AttemptKey, Attempts, Counted, Limit},
    clock::Timestamp,
    email::Email,
    limits::SHORT_MEMORY,
    outbox::{MAIL_LIFE, MailId, QueuedMail},
    password::PasswordHash,
    store::{
        AddUserError, Device, Login, MAX_DEVICES, MAX_SESSIONS, NewUser, SWEPT_AT_ONCE, Session,
        Store, StoreError, User,
    },
    token::Digest,
};
use crate::server::settings::WrongSetting;

/// How long a server is looked for, a connection is made, and a majority is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a server is asked whether it is well. After the driver's own 10 s, one that is back would be left
/// alone for as long, and one that fell silent be asked on.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long the first answer may take at start.
const FIRST_ANSWER: Duration = Duration::from_secs(5);
/// How long making the indexes may take, which reads all of an older backend's users.
const INDEXING: Duration = Duration::from_secs(60);
/// How long a notice may lie with its user before it counts as left there: longer than a request lasts.
const STRANDED: Duration = Duration::from_secs(5);
/// The driver's own 10 would make logins queue while each waits for a majority.
const CONNECTIONS: u32 = 64;
/// How many requests have their attempts counted at once, by three to five commands each. A command is made when it
/// can be sent: those that wait for a connection would take most of the memory in a flood.
const COUNTING: usize = CONNECTIONS as usize / 3;

const DUPLICATE_KEY: i32 = 11000;
const INVALID_NAMESPACE: i32 = 73;

/// The store in the collections `users`, `outbox` and `attempts`.
pub struct MongoStore {
    users: Collection<Document>,
    outbox: Collection<Document>,
    /// Written without waiting for disk or majority: a crash may forget the attempts of its last moments.
    attempts: Collection<Document>,
    counting: Semaphore,
}

impl MongoStore {
    /// Connects, and makes the indexes.
    pub async fn open(uri: &str, database: &str) -> Result<Self, WrongSetting> {
        let options = client_options(uri).await?;
        let hosts = options.hosts.iter().map(ToString::to_string);
        let hosts = hosts.collect::<Vec<_>>().join(", ");
        let database = Client::with_options(options)
            .map_err(|error| WrongSetting::new(format!("MONGO_URI: {}", cause(&error))))?
            .database(database);
        greet(&database, &hosts).await?;
        let concern = WriteConcern::builder().w(Acknowledgment::Nodes(1)).build();
        let quick = CollectionOptions::builder().write_concern(concern).build();
        let store = Self {
            users: database.collection("users"),
            outbox: database.collection("outbox"),
            attempts: database.collection_with_options("attempts", quick),
            counting: Semaphore::new(COUNTING),
        };
        timeout(INDEXING, store.make_indexes())
            .await
            .map_err(|_| {
                WrongSetting::new("MONGO_URI: the server is still making the indexes".to_owned())
            })?
            .map_err(|error| cannot_index(database.name(), &error))?;
        Ok(store)
    }

    /// Makes the indexes. The others of `users` come last, and so tell later starts that no e-mail is left as it
    /// was typed: to look for one takes a second for a million users.
    async fn make_indexes(&self) -> Result<(), Error> {
        let unique = IndexOptions::builder().unique(true).build();
        let sparse = IndexOptions::builder().sparse(true).build();
        let expiring = IndexOptions::builder().expire_after(MAIL_LIFE).build();
        self.users
            .create_index(index("email", Some(unique)))
            .await?;
        let made = self.users.list_index_names().await?;
        if !made.iter().any(|name| name.starts_with("sessions.digest")) {
            self.lower_emails().await?;
        }
        self.users
            .create_indexes([
                index("sessions.digest", Some(sparse.clone())),
                index("reset.digest", Some(sparse.clone())),
                index("reset.expiresAt", Some(sparse.clone())),
                index("notices.queuedAt", Some(sparse)),
            ])
            .await?;
        self.outbox
            .create_indexes([index("dueAt", None), index("queuedAt", Some(expiring))])
            .await?;
        let at_once = IndexOptions::builder().expire_after(Duration::ZERO).build();
        self.attempts
            .create_index(index("expiresAt", Some(at_once)))
            .await?;
        Ok(())
    }

    /// Writes e-mails in lower case that an older backend stored as they were typed.
    async fn lower_emails(&self) -> Result<(), Error> {
        let typed = doc! { "email": { "$regex": "[A-Z]" } };
        let lower = doc! { "$set": { "email": { "$toLower": "$email" } } };
        self.users.update_many(typed, vec![lower]).await?;
        Ok(())
    }

    /// Ends a session, whoever's it is.
    async fn end_session(&self, digest: Option<Digest>) -> Result<(), StoreError> {
        let Some(digest) = digest else { return Ok(()) };
        let end = doc! { "$pull": { "sessions": { "digest": digest_binary(&digest) } } };
        run(self.users.update_one(session_of(&digest), end)).await?;
        Ok(())
    }

    /// Moves a user's notices into the outbox. A failure on the way leaves them to [`Self::move_stranded`],
    /// and at worst one is sent twice.
    async fn move_notices(&self, user: &Document) -> Result<(), StoreError> {
        let notices = user.get_array("notices").into_iter().flatten();
        for notice in notices.filter_map(Bson::as_document) {
            insert(&self.outbox, notice).await?;
            let moved = doc! { "$pull": { "notices": { "_id": notice.get("_id") } } };
            run(self
                .users
                .update_one(doc! { "_id": user.get("_id") }, moved))
            .await?;
        }
        Ok(())
    }

    async fn count_attempt(
        &self,
        key: &AttemptKey,
        limit: Limit,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        let count = self
            .attempts
            .find_one_and_update(attempts_of(key), count_pipeline(limit, now))
            .upsert(true)
            .return_document(ReturnDocument::After);
        let Some(attempts) = run(count).await? else {
            return Err(StoreError("MongoDB did not count an attempt".to_owned()));
        };
        let open_at = read_date(&attempts, "openAt");
        Ok(match attempts.get_bool("counted") {
            Ok(true) => Ok(Attempts {
                count: read_count(&attempts),
                open_at,
                expires_at: read_date(&attempts, "expiresAt"),
            }),
            _ => Err(open_at),
        })
    }

    /// Drops some of the attempts that have expired or are too many; whether that was all it may drop at once.
    async fn sweep_attempts(&self, now: Timestamp, most: u64) -> Result<bool, StoreError> {
        let expired = doc! { "expiresAt": { "$lte": date(now) } };
        let dropped = self.drop_attempts(expired, SWEPT_AT_ONCE).await?;
        let kept = run(self.attempts.estimated_document_count()).await?;
        let excess = usize::try_from(kept.saturating_sub(most)).unwrap_or(usize::MAX);
        let surplus = excess.min(SWEPT_AT_ONCE - dropped);
        let long_lived = doc! { "expiresAt": { "$gt": date(now.plus(SHORT_MEMORY)) } };
        let surplus = self.drop_attempts(long_lived, surplus).await?;
        Ok(dropped + surplus == SWEPT_AT_ONCE)
    }

    /// Drops the first of the attempts in the order they are forgotten; how many it found.
    async fn drop_attempts(&self, wanted: Document, most: usize) -> Result<usize, StoreError> {
        if most == 0 {
            return Ok(0);
        }
        let first = self.attempts.find(wanted).sort(doc! { "expiresAt": 1 });
        let first = first.projection(doc! { "_id": 1 });
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let first: Vec<Document> = run(run(first.limit(limit)).await?.try_collect()).await?;
        let found = first.len();
        let ids: Vec<Bson> = first
            .iter()
            .filter_map(|row| row.get("_id").cloned())
            .collect();
        if found > 0 {
            run(self.attempts.delete_many(doc! { "_id": { "$in": ids } })).await?;
        }
        Ok(found)
    }

    /// Moves the notices into the outbox that came until `last` and did not get there.
    async fn move_stranded(&self, last: Timestamp) -> Result<(), StoreError> {
        let stranded =
            doc! { "notices.queuedAt": { "$gt": date(Timestamp::PAST), "$lte": date(last) } };
        let mut users = run(self.users.find(stranded).projection(doc! { "notices": 1 })).await?;
        while within(users.advance()).await?.map_err(failure)? {
            let user = users.deserialize_current().map_err(failure)?;
            self.move_notices(&user).await?;
        }
        Ok(())
    }
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

fn cannot_index(database: &str, error: &Error) -> WrongSetting {
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

fn index(field: &str, options: Option<IndexOptions>) -> IndexModel {
    IndexModel::builder()
        .keys(doc! { field: 1 })
        .options(options)
        .build()
}

/// Runs an operation of the driver, in bounded time.
async fn run<T>(operation: impl IntoFuture<Output = Result<T, Error>>) -> Result<T, StoreError> {
    within(operation).await?.map_err(failure)
}

async fn within<T>(operation: impl IntoFuture<Output = T>) -> Result<T, StoreError> {
    in_time("MongoDB", operation.into_future()).await
}

/// Inserts a document; false where its `_id` or another unique field is taken.
async fn insert(
    collection: &Collection<Document>,
    document: &Document,
) -> Result<bool, StoreError> {
    match within(collection.insert_one(document)).await? {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(failure(error)),
    }
}

fn is_duplicate(error: &Error) -> bool {
    let code = match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code,
        ErrorKind::Command(error) => error.code,
        _ => return false,
    };
    code == DUPLICATE_KEY
}

fn failure(error: Error) -> StoreError {
    StoreError(format!("MongoDB: {}", cause(&error)))
}

/// What went wrong, without the server's own words, which quote e-mail addresses and hashes.
fn cause(error: &Error) -> String {
    match &*error.kind {
        ErrorKind::Command(error) => format!("{} ({})", error.code_name, error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => format!("write error {}", error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => {
            format!(
                "no majority has the write: {} ({})",
                error.code_name, error.code
            )
        }
        ErrorKind::Io(error) => format!("I/O error: {error}"),
        ErrorKind::ServerSelection { .. } => "no server answers".to_owned(),
        ErrorKind::ConnectionPoolCleared { .. } => "the connection was lost".to_owned(),
        ErrorKind::Authentication { .. } => "the user name or password is refused".to_owned(),
        ErrorKind::InvalidTlsConfig { .. } => "its TLS options cannot work".to_owned(),
        _ => "the driver failed".to_owned(),
    }
}

fn session_of(digest: &Digest) -> Document {
    doc! { "sessions.digest": digest_binary(digest) }
}

fn live_reset(digest: &Digest, now: Timestamp) -> Document {
    doc! { "reset.digest": digest_binary(digest), "reset.expiresAt": { "$gt": date(now) } }
}

/// The fields a [`User`] is read from.
fn user_fields() -> Document {
    doc! { "name": 1, "email": 1, "password": 1, "devices": 1 }
}

/// Reads a user, also one an older backend wrote; a password that is no text is a hash nobody can match.
fn read_user(document: &Document) -> Option<User> {
    let text = |field| document.get_str(field).unwrap_or_default();
    let id = document.get("_id")?;
    Some(User {
        id: id
            .as_object_id()
            .map_or_else(|| id.to_string(), |id| id.to_hex()),
        name: text("name").to_owned(),
        email: Email::parse(text("email")).ok()?,
        password: PasswordHash::from_stored(text("password").to_owned()),
        devices: read_devices(document),
    })
}

fn read_devices(document: &Document) -> Vec<Device> {
    let devices = document.get_array("devices").into_iter().flatten();
    devices
        .filter_map(Bson::as_document)
        .filter_map(|device| {
            let digest = device.get_binary_generic("digest").ok()?;
            Some(Device {
                digest: Digest::from_bytes(digest.as_slice().try_into().ok()?),
                created_at: read_date(device, "createdAt"),
            })
        })
        .collect()
}

fn device_document(device: &Device) -> Document {
    doc! { "digest": digest_binary(&device.digest), "createdAt": date(device.created_at) }
}

fn session_document(session: Session) -> Document {
    doc! {
        "digest": digest_binary(&session.digest),
        "createdAt": date(session.created_at),
        "usedAt": date(session.used_at),
        "expiresAt": date(session.expires_at),
        "userAgent": session.user_agent,
    }
}

fn read_session(digest: &Digest, document: &Document) -> Session {
    Session {
        digest: *digest,
        created_at: read_date(document, "createdAt"),
        used_at: read_date(document, "usedAt"),
        expires_at: read_date(document, "expiresAt"),
        user_agent: document.get_str("userAgent").unwrap_or_default().to_owned(),
    }
}

fn mail_document(mail: &QueuedMail) -> Document {
    let mut document = mail_of(&mail.id);
    document.extend(doc! {
        "kind": mail_word(mail.kind),
        "to": mail.to.as_str(),
        "queuedAt": date(mail.queued_at),
        "attempts": mail.attempts,
        "dueAt": date(mail.queued_at),
        "leased": false,
    });
    document
}

fn read_mail(document: &Document) -> Option<QueuedMail> {
    let Some(Bson::Binary(id)) = document.get("_id") else {
        return None;
    };
    Some(QueuedMail {
        id: MailId::from_bytes(id.bytes.as_slice().try_into().ok()?),
        kind: mail_kind(document.get_str("kind").ok()?)?,
        to: Email::parse(document.get_str("to").ok()?).ok()?,
        queued_at: read_date(document, "queuedAt"),
        attempts: document.get_i32("attempts").ok()?.try_into().ok()?,
    })
}

fn mail_of(id: &MailId) -> Document {
    let bytes = id.as_bytes().to_vec();
    doc! { "_id": Binary { subtype: BinarySubtype::Uuid, bytes } }
}

fn attempts_of(key: &AttemptKey) -> Document {
    doc! { "_id": key.as_str() }
}

fn digest_binary(digest: &Digest) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: digest.as_bytes().to_vec(),
    }
}

fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.millis())
}

/// The moment in a field, the distant past where it holds none.
fn read_date(document: &Document, field: &str) -> Timestamp {
    document
        .get_datetime(field)
        .map(|date| Timestamp::from_millis(date.timestamp_millis()))
        .unwrap_or_default()
}

/// The update that records a login, as a pipeline: it reads the sessions it writes. Text from outside
/// stands in `$literal`, or a `$` in it would be read as the name of a field.
fn login_pipeline(
    session: Session,
    device: Option<Device>,
    upgraded: Option<PasswordHash>,
    replaces: Option<Digest>,
) -> Vec<Document> {
    let now = date(session.created_at);
    let replaced = replaces.map_or(Bson::Null, |digest| digest_binary(&digest).into());
    let stays = doc! { "$and": [
        { "$gt": ["$$this.expiresAt", now] },
        { "$ne": ["$$this.digest", replaced] },
    ] };
    let kept = doc! { "$filter": { "input": array("$sessions"), "cond": stays } };
    let mut set = doc! {
        "loginAt": now,
        "sessions": newest(kept, session_document(session), MAX_SESSIONS),
    };
    if let Some(device) = device {
        let kept = array("$devices");
        set.insert(
            "devices",
            newest(kept, device_document(&device), MAX_DEVICES),
        );
    }
    if let Some(password) = upgraded {
        set.insert("password", doc! { "$literal": password.as_str() });
    }
    vec![doc! { "$set": set }]
}

/// An array field, empty where an older backend wrote something else or nothing.
fn array(field: &str) -> Document {
    doc! { "$cond": [{ "$isArray": field }, field, []] }
}

/// An array with one more item, without the oldest past `most`.
fn newest(kept: Document, item: Document, most: usize) -> Document {
    let most = i32::try_from(most).unwrap_or(i32::MAX);
    let one = doc! { "$literal": [item] };
    doc! { "$slice": [{ "$concatArrays": [kept, one] }, -most] }
}

/// The number of attempts in a document.
fn read_count(document: &Document) -> u32 {
    let count = document.get_i32("count").ok();
    count.and_then(|count| count.try_into().ok()).unwrap_or(0)
}

/// The update that counts an attempt as [`Limit::count`] does, and notes in `counted` whether it did.
fn count_pipeline(limit: Limit, now: Timestamp) -> Vec<Document> {
    let is_live = doc! { "$gt": ["$expiresAt", date(now)] };
    let is_open = doc! { "$or": [{ "$not": [&is_live] }, { "$lte": ["$openAt", date(now)] }] };
    let count = doc! { "$add": [{ "$cond": [&is_live, "$count", 0] }, 1] };
    let (expires_at, open_at) = match limit {
        Limit::Window { attempts, window } => {
            let end = doc! { "$cond": [is_live, "$expiresAt", date(now.plus(window))] };
            let open_at =
                doc! { "$cond": [{ "$gte": ["$count", attempts] }, &end, date(Timestamp::PAST)] };
            (end, open_at)
        }
        Limit::Backoff { memory, .. } => {
            let open_at = by_count(limit, |wait| now.plus(wait), Timestamp::PAST);
            let expires_at = by_count(limit, |wait| now.plus(wait.max(memory)), now.plus(memory));
            (expires_at, open_at)
        }
    };
    let if_counted = |field: &str, value: Document| {
        let kept = format!("${field}");
        doc! { "$cond": ["$counted", value, kept] }
    };
    vec![
        doc! { "$set": { "counted": is_open } },
        doc! { "$set": { "count": if_counted("count", count) } },
        doc! { "$set": {
            "expiresAt": if_counted("expiresAt", expires_at),
            "openAt": if_counted("openAt", open_at),
        } },
    ]
}

/// The moment that belongs to a count of attempts, by the wait that is due from there on; `none` before the first.
fn by_count(limit: Limit, moment: impl Fn(Duration) -> Timestamp, none: Timestamp) -> Document {
    let waits = limit.waits().into_iter().rev();
    let branches: Vec<Document> = waits
        .map(|(count, wait)| {
            doc! { "case": { "$gte": ["$count", count] }, "then": date(moment(wait)) }
        })
        .collect();
    doc! { "$switch": { "branches": branches, "default": date(none) } }
}

#[async_trait]
impl Store for MongoStore {
    async fn add_user(&self, user: NewUser) -> Result<(), AddUserError> {
        // Made here, so that an insert the driver sends twice is known for its own.
        let id = ObjectId::new();
        let now = date(user.session.created_at);
        let document = doc! {
            "_id": id,
            "name": user.name.as_str(),
            "email": user.email.as_str(),
            "password": user.password.as_str(),
            "createdAt": now,
            "loginAt": now,
            "sessions": [session_document(user.session)],
            "devices": [device_document(&user.device)],
        };
        if !insert(&self.users, &document).await? {
            let own = self.users.find_one(doc! { "_id": id });
            run(own).await?.ok_or(AddUserError::Taken)?;
        }
        Ok(self.end_session(user.replaces).await?)
    }

    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let user = self.users.find_one(doc! { "email": email.as_str() });
        let user = run(user.projection(user_fields())).await?;
        Ok(user.as_ref().and_then(read_user))
    }

    async fn user_by_device(
        &self,
        email: &Email,
        device: &Digest,
    ) -> Result<Option<User>, StoreError> {
        let owner = doc! { "email": email.as_str(), "devices.digest": digest_binary(device) };
        let user = self.users.find_one(owner).projection(user_fields());
        Ok(run(user).await?.as_ref().and_then(read_user))
    }

    async fn user_by_session(
        &self,
        digest: &Digest,
    ) -> Result<Option<(User, Session)>, StoreError> {
        let mut fields = user_fields();
        fields.insert("sessions.$", 1);
        let found = self.users.find_one(session_of(digest)).projection(fields);
        let Some(found) = run(found).await? else {
            return Ok(None);
        };
        let sessions = found.get_array("sessions").into_iter().flatten();
        let session = sessions.filter_map(Bson::as_document).next();
        let session = session.map(|session| read_session(digest, session));
        Ok(read_user(&found).zip(session))
    }

    async fn user_by_reset(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let user = self.users.find_one(live_reset(digest, now));
        let user = run(user.projection(user_fields())).await?;
        Ok(user.as_ref().and_then(read_user))
    }

    async fn add_session(&self, login: Login<'_>) -> Result<bool, StoreError> {
        let user = doc! { "email": login.email.as_str(), "password": login.verified.as_str() };
        let record = login_pipeline(login.session, login.device, login.upgraded, login.replaces);
        if run(self.users.update_one(user, record))
            .await?
            .matched_count
            == 0
        {
            return Ok(false);
        }
        self.end_session(login.replaces).await?;
        Ok(true)
    }

    async fn touch_session(
        &self,
        digest: &Digest,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let used = doc! { "$set": {
            "sessions.$.usedAt": date(used_at),
            "sessions.$.expiresAt": date(expires_at),
        } };
        run(self.users.update_one(session_of(digest), used)).await?;
        Ok(())
    }

    async fn remove_session(&self, digest: &Digest, now: Timestamp) -> Result<bool, StoreError> {
        let digest = digest_binary(digest);
        let live = doc! { "digest": &digest, "expiresAt": { "$gt": date(now) } };
        let user = doc! { "sessions": { "$elemMatch": live } };
        let end = doc! {
            "$pull": { "sessions": { "digest": digest } },
            "$set": { "lastLogout": date(now) },
        };
        Ok(run(self.users.update_one(user, end)).await?.matched_count == 1)
    }

    async fn set_reset(
        &self,
        email: &Email,
        digest: &Digest,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let reset = doc! { "digest": digest_binary(digest), "expiresAt": date(expires_at) };
        let user = doc! { "email": email.as_str() };
        let given = doc! { "$set": { "reset": reset } };
        run(self.users.update_one(user, given)).await?;
        Ok(())
    }

    async fn reset_password(
        &self,
        digest: &Digest,
        password: PasswordHash,
        device: Device,
        notice: QueuedMail,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // The notice first lies in the user's document, so that one update does it all.
        let used = doc! {
            "$set": {
                "password": password.as_str(),
                "sessions": [],
                "devices": [device_document(&device)],
            },
            "$unset": { "reset": 1 },
            "$push": { "notices": mail_document(&notice) },
        };
        let user = self
            .users
            .find_one_and_update(live_reset(digest, now), used)
            .projection(doc! { "notices": 1 })
            .return_document(ReturnDocument::After);
        let Some(user) = run(user).await? else {
            return Ok(false);
        };
        if let Err(error) = self.move_notices(&user).await {
            tracing::warn!(mail = %notice.id, %error, "the notice is late");
        }
        Ok(true)
    }

    async fn queue_mail(&self, mail: QueuedMail) -> Result<(), StoreError> {
        insert(&self.outbox, &mail_document(&mail)).await?;
        Ok(())
    }

    async fn claim_mail(
        &self,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<QueuedMail>, StoreError> {
        let due = doc! { "dueAt": { "$lte": date(now) } };
        let claim = doc! {
            "$set": { "dueAt": date(lease), "leased": true },
            "$inc": { "attempts": 1 },
        };
        let claimed = self
            .outbox
            .find_one_and_update(due, claim)
            .sort(doc! { "dueAt": 1 })
            .return_document(ReturnDocument::After);
        let Some(claimed) = run(claimed).await? else {
            self.move_stranded(now.minus(STRANDED)).await?;
            return Ok(None);
        };
        read_mail(&claimed)
            .map(Some)
            .ok_or_else(|| StoreError("a mail in the outbox cannot be read".to_owned()))
    }

    async fn retry_mail(&self, id: &MailId, due_at: Timestamp) -> Result<(), StoreError> {
        let mut claimed = mail_of(id);
        claimed.insert("leased", true);
        let waits = doc! { "$set": { "dueAt": date(due_at), "leased": false } };
        run(self.outbox.update_one(claimed, waits)).await?;
        Ok(())
    }

    async fn remove_mail(&self, id: &MailId) -> Result<(), StoreError> {
        run(self.outbox.delete_one(mail_of(id))).await?;
        Ok(())
    }

    async fn park_mail(&self, id: &MailId, reason: &str) -> Result<(), StoreError> {
        // What is never due is never claimed.
        let parked = doc! {
            "$set": { "parkedBecause": reason },
            "$unset": { "dueAt": 1, "leased": 1 },
        };
        run(self.outbox.update_one(mail_of(id), parked)).await?;
        Ok(())
    }

    async fn expedite_mail(&self, now: Timestamp) -> Result<(), StoreError> {
        self.move_stranded(now).await?;
        let waiting = doc! { "leased": false, "dueAt": { "$gt": date(now) } };
        let due = doc! { "$set": { "dueAt": date(now) } };
        run(self.outbox.update_many(waiting, due)).await?;
        Ok(())
    }

    async fn count_attempts(
        &self,
        attempts: &[(AttemptKey, Limit)],
        now: Timestamp,
    ) -> Result<Vec<Counted>, StoreError> {
        let turn = within(self.counting.acquire()).await?;
        let counts = attempts
            .iter()
            .map(|(key, limit)| self.count_attempt(key, *limit, now));
        let counted = try_join_all(counts).await;
        drop(turn);
        counted
    }

    async fn settle_attempts(
        &self,
        forgotten: &[AttemptKey],
        taken_back: &[AttemptKey],
    ) -> Result<(), StoreError> {
        let forgotten = forgotten.iter().map(|key| {
            let gone = self.attempts.delete_one(attempts_of(key)).into_future();
            run(gone.map_ok(drop)).boxed()
        });
        let taken_back = taken_back.iter().map(|key| {
            let is_last = doc! { "$lte": ["$count", 1] };
            let less = doc! { "$set": {
                "count": { "$subtract": ["$count", 1] },
                "openAt": date(Timestamp::PAST),
                "expiresAt": { "$cond": [is_last, date(Timestamp::PAST), "$expiresAt"] },
            } };
            let mut counted = attempts_of(key);
            counted.insert("count", doc! { "$gt": 0 });
            let less = self.attempts.update_one(counted, vec![less]).into_future();
            run(less.map_ok(drop)).boxed()
        });
        try_join_all(forgotten.chain(taken_back)).await?;
        Ok(())
    }

    /// What MongoDB has acknowledged no longer depends on this program.
    async fn keep_attempts(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn sweep(&self, now: Timestamp, most: u64) -> Result<bool, StoreError> {
        if self.sweep_attempts(now, most).await? {
            return Ok(true);
        }
        let old = doc! { "queuedAt": { "$lte": date(now.minus(MAIL_LIFE)) } };
        run(self.outbox.delete_many(old)).await?;
        let dead = doc! { "reset.expiresAt": { "$lte": date(now) } };
        run(self
            .users
            .update_many(dead, doc! { "$unset": { "reset": 1 } }))
        .await?;
        Ok(false)
    }
}
