//! The store in one file of this machine, for one process.
//!
//! One thread writes. It commits all writes that wait in one transaction, since the wait for the disk is
//! what a write costs; each is decided by what the ones before it left. Attempts wait for no disk: they get there
//! with the next write of anything else, at the latest after [`ATTEMPTS_DELAY`].

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, BufReader, Read},
    iter,
    ops::RangeBounds,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use redb::{
    Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, StorageError, Table, TableDefinition, WriteTransaction,
    backends::FileBackend,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::{RwLock, oneshot};
use uuid::Uuid;

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

type Result<T, E = redb::Error> = std::result::Result<T, E>;

type DigestKey = &'static [u8; 32];
type MailKey = &'static [u8; 16];
type Record = &'static [u8];

/// Users by e-mail.
const USERS: TableDefinition<&str, Record> = TableDefinition::new("users");
/// The e-mail of the user who has a session.
const SESSIONS: TableDefinition<DigestKey, &str> = TableDefinition::new("sessions");
/// The e-mail of the user who has a reset link.
const RESETS: TableDefinition<DigestKey, &str> = TableDefinition::new("resets");
/// Waiting mails.
const OUTBOX: TableDefinition<MailKey, Record> = TableDefinition::new("outbox");
/// Waiting mails in the order they are due.
const DUE: TableDefinition<(i64, MailKey), ()> = TableDefinition::new("due");
/// Mails set aside.
const PARKED: TableDefinition<MailKey, Record> = TableDefinition::new("parked");
/// Attempts by what they are counted under.
const ATTEMPTS: TableDefinition<&str, Record> = TableDefinition::new("attempts");
/// Attempts in the order they are forgotten.
const ATTEMPTS_END: TableDefinition<(i64, &str), ()> = TableDefinition::new("attempts_end");

const FILE_NAME: &str = "registry.redb";
/// Sorts behind every key of [`ATTEMPTS`].
const MAX_KEY: &str = "\u{10ffff}";
/// How much of a file its header takes.
const HEADER_BYTES: usize = 4096;
const CACHE_BYTES: usize = 64 << 20;
/// The most writes in one transaction, so that the first of them is not kept waiting.
const MAX_BATCH: usize = 128;
/// The most writes that wait: more than there are connections, so that only a disk that hangs is too slow.
const MAX_WAITING: usize = 8192;
/// How long attempts that nobody waits for may stand in memory alone.
const ATTEMPTS_DELAY: Duration = Duration::from_secs(1);

/// The store in a file `registry.redb`.
pub struct EmbeddedStore {
    file: Arc<RegistryFile>,
    queue: Option<mpsc::SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
}

/// A queued write. It gives back how to tell its caller once the transaction is on the disk; dropped
/// without that, it tells the caller that the write failed.
type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Answer> + Send>;
type Answer = Box<dyn FnOnce() + Send>;

impl EmbeddedStore {
    /// Opens the file in `dir`; both are made where they are missing, for this user alone.
    pub fn open(dir: &Path) -> Result<Self, WrongSetting> {
        let file = Arc::new(RegistryFile::open(dir)?);
        let (queue, jobs) = mpsc::sync_channel(MAX_WAITING);
        let writer = std::thread::spawn({
            let file = file.clone();
            move || write_all(&file, &jobs)
        });
        Ok(Self {
            file,
            queue: Some(queue),
            writer: Some(writer),
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = self.file.clone();
        let (answer, answered) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            if !answer.is_closed() {
                drop(answer.send(unless_damaged(|| file.read(look))));
            }
        });
        in_time("the disk", answered)
            .await?
            .map_err(|_| StoreError("the read was cut off".to_owned()))?
            .map_err(|error| StoreError(error.to_string()))
    }

    /// A write that is given up may be done all the same, but not where it still waited by then.
    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tables| {
            if answer.is_closed() {
                return Ok(Box::new(|| {}));
            }
            let outcome = change(tables)?;
            Ok(Box::new(move || drop(answer.send(outcome))))
        });
        self.queue
            .as_ref()
            .and_then(|queue| queue.try_send(job).ok())
            .ok_or_else(|| StoreError("too many writes wait for the disk".to_owned()))?;
        in_time("the disk", answered)
            .await?
            .map_err(|_| StoreError("the write did not reach the disk".to_owned()))
    }
}

impl Drop for EmbeddedStore {
    /// Waits for the writer, so that the file is free when the store is gone.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

/// Writes until the store is dropped, which closes the file with all that was written.
fn write_all(file: &RegistryFile, jobs: &mpsc::Receiver<Job>) {
    let mut delayed_since = None;
    while let Some(batch) = next_batch(jobs, delayed_since) {
        let is_due = delayed_since.is_some_and(|since: Instant| since.elapsed() >= ATTEMPTS_DELAY);
        match unless_damaged(|| file.write(batch, is_due)) {
            Ok((answers, commit)) => {
                delayed_since = match commit {
                    Commit::Nothing => delayed_since,
                    Commit::Delayed => delayed_since.or_else(|| Some(Instant::now())),
                    Commit::AtOnce => None,
                };
                answers.into_iter().for_each(|answer| answer());
            }
            Err(error) => {
                tracing::error!(%error, "writes did not reach the disk");
                delayed_since = None;
                file.reopen();
            }
        }
    }
}

/// The writes that wait, at least one until it is time for what was delayed; none when the store is dropped.
fn next_batch(jobs: &mpsc::Receiver<Job>, delayed_since: Option<Instant>) -> Option<Vec<Job>> {
    let first = match delayed_since {
        None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(since) => jobs.recv_timeout(ATTEMPTS_DELAY.saturating_sub(since.elapsed())),
    };
    match first {
        Ok(first) => Some(
            iter::once(first)
                .chain(jobs.try_iter())
                .take(MAX_BATCH)
                .collect(),
        ),
        Err(RecvTimeoutError::Timeout) => Some(Vec::new()),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}

/// The open file.
struct RegistryFile {
    path: PathBuf,
    /// None while it could not be opened anew.
    database: RwLock<Option<Database>>,
}

impl RegistryFile {
    fn open(dir: &Path) -> Result<Self, WrongSetting> {
        let path = dir.join(FILE_NAME);
        let database = make_dir(dir)
            .and_then(|()| make_file(&path))
            .map_err(|error| cannot_write(dir, &error))
            .and_then(|file| open_database(file).map_err(|error| cannot_open(&path, error)))?;
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|error| cannot_write(dir, &error))?;
        let database = unless_damaged(|| {
            release_leases(begin(&database)?)?;
            Ok(database)
        })
        .map_err(|error: redb::Error| {
            WrongSetting::new(format!("DATA_DIR: `{}`: {error}", path.display()))
        })?;
        Ok(Self {
            path,
            database: RwLock::new(Some(database)),
        })
    }

    /// Opens the file anew, since redb refuses a file one of whose writes or reads has failed.
    fn reopen(&self) {
        let mut database = self.database.blocking_write();
        let opened = unless_damaged(|| {
            *database = None;
            open_database(make_file(&self.path)?)
        });
        match opened {
            Ok(opened) => *database = Some(opened),
            Err(error) => tracing::error!(%error, "the store cannot be opened again"),
        }
    }

    fn read<T>(&self, look: impl FnOnce(&ReadTransaction) -> Result<T>) -> Result<T> {
        let database = self.database.blocking_read();
        let database = database.as_ref().ok_or(redb::Error::DatabaseClosed)?;
        look(&database.begin_read()?)
    }

    /// Does all of a batch in one transaction, or nothing of it; where it `is_due`, with all that was delayed.
    fn write(&self, batch: Vec<Job>, is_due: bool) -> Result<(Vec<Answer>, Commit)> {
        let database = self.database.blocking_read();
        let mut transaction = begin(database.as_ref().ok_or(redb::Error::DatabaseClosed)?)?;
        let mut tables = Tables::open(&transaction)?;
        let answers = batch
            .into_iter()
            .map(|job| job(&mut tables))
            .collect::<Result<Vec<_>>>()?;
        let commit = if is_due {
            Commit::AtOnce
        } else {
            tables.commit
        };
        drop(tables);
        match commit {
            Commit::Nothing => transaction.abort()?,
            Commit::Delayed => {
                transaction.set_durability(Durability::None)?;
                transaction.commit()?;
            }
            Commit::AtOnce => transaction.commit()?,
        }
        Ok((answers, commit))
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn make_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn open_database(file: File) -> Result<Database, DatabaseError> {
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(DatabaseError::DatabaseAlreadyOpen),
        Err(std::fs::TryLockError::Error(error)) => return Err(io_failure(error)),
    }
    if is_unfinished(&file).map_err(io_failure)? {
        file.set_len(0).map_err(io_failure)?;
    }
    let file = FileBackend::new(file)?;
    unless_damaged(|| {
        Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(file)
    })
}

/// Does `work`, and turns a panic into an error: redb panics at some files that are damaged.
fn unless_damaged<T, E: From<StorageError>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let reason = "it is damaged".to_owned();
        Err(StorageError::Corrupted(reason).into())
    })
}

/// Whether redb was killed while it made the file, which it then takes for another program's: it writes
/// the first byte last, and nothing behind the header before that.
fn is_unfinished(file: &File) -> io::Result<bool> {
    let mut bytes = BufReader::new(file).bytes();
    if bytes.next().transpose()? != Some(0) {
        return Ok(false);
    }
    for byte in bytes.skip(HEADER_BYTES - 1) {
        if byte? != 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn begin(database: &Database) -> Result<WriteTransaction> {
    let mut transaction = database.begin_write()?;
    // A start after a crash then does not read the whole file.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// Frees the mails that a process that is gone had claimed. Makes the tables where they are missing.
fn release_leases(transaction: WriteTransaction) -> Result<()> {
    let mut tables = Tables::open(&transaction)?;
    for id in tables.mails(|mail| mail.leased)? {
        tables.change_mail(&id, |mail| mail.leased = false)?;
    }
    drop(tables);
    Ok(transaction.commit()?)
}

fn cannot_write(dir: &Path, error: &io::Error) -> WrongSetting {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    WrongSetting::new(format!(
        "DATA_DIR: `{}` cannot be written: {reason}",
        dir.display()
    ))
}

fn cannot_open(path: &Path, error: DatabaseError) -> WrongSetting {
    let path = path.display();
    WrongSetting::new(match error {
        DatabaseError::DatabaseAlreadyOpen => {
            format!("DATA_DIR: `{path}` is in use by another process")
        }
        error => format!("DATA_DIR: `{path}` cannot be opened: {error}"),
    })
}

fn io_failure(error: io::Error) -> DatabaseError {
    DatabaseError::Storage(error.into())
}

/// A user as the file holds one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserRecord {
    id: String,
    name: String,
    email: Email,
    password: String,
    created_at: Timestamp,
    login_at: Timestamp,
    last_logout: Option<Timestamp>,
    sessions: Vec<SessionRecord>,
    reset: Option<ResetRecord>,
    #[serde(default)]
    devices: Vec<DeviceRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionRecord {
    digest: [u8; 32],
    created_at: Timestamp,
    used_at: Timestamp,
    expires_at: Timestamp,
    user_agent: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResetRecord {
    digest: [u8; 32],
    expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeviceRecord {
    digest: [u8; 32],
    created_at: Timestamp,
}

/// Attempts as the file holds them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttemptsRecord {
    count: u32,
    open_at: Timestamp,
    expires_at: Timestamp,
}

/// A mail as the file holds one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MailRecord {
    kind: String,
    to: Email,
    queued_at: Timestamp,
    attempts: u32,
    due_at: Timestamp,
    leased: bool,
    parked_because: Option<String>,
}

impl UserRecord {
    fn new(user: NewUser) -> Self {
        let now = user.session.created_at;
        Self {
            id: Uuid::new_v4().simple().to_string(),
            name: user.name.as_str().to_owned(),
            email: user.email,
            password: user.password.as_str().to_owned(),
            created_at: now,
            login_at: now,
            last_logout: None,
            sessions: vec![SessionRecord::new(user.session)],
            reset: None,
            devices: vec![DeviceRecord::new(&user.device)],
        }
    }

    fn log_in(&mut self, session: Session, device: Option<Device>, replaces: Option<Digest>) {
        let now = session.created_at;
        self.login_at = now;
        self.sessions.retain(|old| {
            old.expires_at > now && replaces.is_none_or(|gone| old.digest != *gone.as_bytes())
        });
        self.sessions.push(SessionRecord::new(session));
        drop_first(&mut self.sessions, MAX_SESSIONS);
        self.devices.extend(device.iter().map(DeviceRecord::new));
        drop_first(&mut self.devices, MAX_DEVICES);
    }

    fn session(&mut self, digest: &Digest) -> Option<&mut SessionRecord> {
        self.sessions
            .iter_mut()
            .find(|session| session.digest == *digest.as_bytes())
    }

    fn end_session(&mut self, digest: &Digest) {
        self.sessions
            .retain(|session| session.digest != *digest.as_bytes());
    }

    fn has_reset(&self, now: Timestamp) -> bool {
        self.reset
            .as_ref()
            .is_some_and(|reset| reset.expires_at > now)
    }

    fn into_user(self) -> User {
        User {
            id: self.id,
            name: self.name,
            email: self.email,
            password: PasswordHash::from_stored(self.password),
            devices: self.devices.iter().map(DeviceRecord::to_device).collect(),
        }
    }
}

/// Drops the oldest items past `most`.
fn drop_first<T>(items: &mut Vec<T>, most: usize) {
    items.drain(..items.len().saturating_sub(most));
}

impl DeviceRecord {
    fn new(device: &Device) -> Self {
        Self {
            digest: *device.digest.as_bytes(),
            created_at: device.created_at,
        }
    }

    fn to_device(&self) -> Device {
        Device {
            digest: Digest::from_bytes(self.digest),
            created_at: self.created_at,
        }
    }
}

impl AttemptsRecord {
    fn new(attempts: Attempts) -> Self {
        Self {
            count: attempts.count,
            open_at: attempts.open_at,
            expires_at: attempts.expires_at,
        }
    }

    fn to_attempts(&self) -> Attempts {
        Attempts {
            count: self.count,
            open_at: self.open_at,
            expires_at: self.expires_at,
        }
    }
}

impl SessionRecord {
    fn new(session: Session) -> Self {
        Self {
            digest: *session.digest.as_bytes(),
            created_at: session.created_at,
            used_at: session.used_at,
            expires_at: session.expires_at,
            user_agent: session.user_agent,
        }
    }

    fn to_session(&self) -> Session {
        Session {
            digest: Digest::from_bytes(self.digest),
            created_at: self.created_at,
            used_at: self.used_at,
            expires_at: self.expires_at,
            user_agent: self.user_agent.clone(),
        }
    }
}

impl MailRecord {
    fn new(mail: &QueuedMail) -> Self {
        Self {
            kind: mail_word(mail.kind).to_owned(),
            to: mail.to.clone(),
            queued_at: mail.queued_at,
            attempts: mail.attempts,
            due_at: mail.queued_at,
            leased: false,
            parked_because: None,
        }
    }

    fn into_mail(self, id: MailId) -> Option<QueuedMail> {
        Some(QueuedMail {
            id,
            kind: mail_kind(&self.kind)?,
            to: self.to,
            queued_at: self.queued_at,
            attempts: self.attempts,
        })
    }
}

/// All tables in one write transaction.
struct Tables<'t> {
    users: Table<'t, &'static str, Record>,
    sessions: Table<'t, DigestKey, &'static str>,
    resets: Table<'t, DigestKey, &'static str>,
    outbox: Table<'t, MailKey, Record>,
    due: Table<'t, (i64, MailKey), ()>,
    parked: Table<'t, MailKey, Record>,
    attempts: Table<'t, &'static str, Record>,
    attempts_end: Table<'t, (i64, &'static str), ()>,
    /// What its changes ask for.
    commit: Commit,
}

/// When changes go to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Commit {
    /// There are none.
    Nothing,
    /// After [`ATTEMPTS_DELAY`] at the latest.
    Delayed,
    /// Before their callers are answered.
    AtOnce,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            users: transaction.open_table(USERS)?,
            sessions: transaction.open_table(SESSIONS)?,
            resets: transaction.open_table(RESETS)?,
            outbox: transaction.open_table(OUTBOX)?,
            due: transaction.open_table(DUE)?,
            parked: transaction.open_table(PARKED)?,
            attempts: transaction.open_table(ATTEMPTS)?,
            attempts_end: transaction.open_table(ATTEMPTS_END)?,
            commit: Commit::Nothing,
        })
    }

    /// Writes a user, and the indexes as the record has them.
    fn put_user(&mut self, user: &UserRecord) -> Result<()> {
        self.commit = Commit::AtOnce;
        let email = user.email.as_str();
        let before: Option<UserRecord> = self
            .users
            .insert(email, encode(user)?.as_slice())?
            .map(|record| decode(record.value()))
            .transpose()?;
        if let Some(before) = before {
            for session in &before.sessions {
                self.sessions.remove(&session.digest)?;
            }
            if let Some(reset) = &before.reset {
                self.resets.remove(&reset.digest)?;
            }
        }
        for session in &user.sessions {
            self.sessions.insert(&session.digest, email)?;
        }
        if let Some(reset) = &user.reset {
            self.resets.insert(&reset.digest, email)?;
        }
        Ok(())
    }

    /// Ends a session, whoever's it is.
    fn end_session(&mut self, digest: Option<Digest>) -> Result<()> {
        let Some(digest) = digest else { return Ok(()) };
        if let Some(mut user) = owner(&self.sessions, &self.users, &digest)? {
            user.end_session(&digest);
            self.put_user(&user)?;
        }
        Ok(())
    }

    fn mail(&self, id: &MailId) -> Result<Option<MailRecord>> {
        get(&self.outbox, id.as_bytes())
    }

    /// The waiting mails that are wanted.
    fn mails(&self, wanted: impl Fn(&MailRecord) -> bool) -> Result<Vec<MailId>> {
        let mut ids = Vec::new();
        for row in self.outbox.iter()? {
            let (id, mail) = row?;
            if wanted(&decode(mail.value())?) {
                ids.push(MailId::from_bytes(*id.value()));
            }
        }
        Ok(ids)
    }

    fn put_mail(&mut self, id: &MailId, mail: &MailRecord) -> Result<()> {
        self.commit = Commit::AtOnce;
        self.outbox
            .insert(id.as_bytes(), encode(mail)?.as_slice())?;
        self.due.insert((mail.due_at.millis(), id.as_bytes()), ())?;
        Ok(())
    }

    fn take_mail(&mut self, id: &MailId) -> Result<Option<MailRecord>> {
        let Some(mail) = self.mail(id)? else {
            return Ok(None);
        };
        self.commit = Commit::AtOnce;
        self.outbox.remove(id.as_bytes())?;
        self.due.remove((mail.due_at.millis(), id.as_bytes()))?;
        Ok(Some(mail))
    }

    fn change_mail(&mut self, id: &MailId, change: impl FnOnce(&mut MailRecord)) -> Result<()> {
        if let Some(mut mail) = self.take_mail(id)? {
            change(&mut mail);
            self.put_mail(id, &mail)?;
        }
        Ok(())
    }

    fn first_due(&self, now: Timestamp) -> Result<Option<MailId>> {
        let Some((key, _)) = self.due.first()? else {
            return Ok(None);
        };
        let (due_at, id) = key.value();
        Ok((due_at <= now.millis()).then(|| MailId::from_bytes(*id)))
    }

    fn drop_old_mail(&mut self, oldest: Timestamp) -> Result<()> {
        for id in self.mails(|mail| mail.queued_at <= oldest)? {
            self.take_mail(&id)?;
        }
        let mut parked = Vec::new();
        for row in self.parked.iter()? {
            let (id, mail) = row?;
            if decode::<MailRecord>(mail.value())?.queued_at <= oldest {
                parked.push(*id.value());
            }
        }
        for id in &parked {
            self.commit = Commit::AtOnce;
            self.parked.remove(id)?;
        }
        Ok(())
    }

    fn attempts(&self, key: &AttemptKey) -> Result<Option<Attempts>> {
        let record: Option<AttemptsRecord> = get(&self.attempts, key.as_str())?;
        Ok(record.map(|record| record.to_attempts()))
    }

    fn put_attempts(&mut self, key: &AttemptKey, attempts: Attempts) -> Result<()> {
        self.drop_attempts(key)?;
        self.commit = self.commit.max(Commit::Delayed);
        let end = attempts.expires_at.millis();
        let record = encode(&AttemptsRecord::new(attempts))?;
        self.attempts.insert(key.as_str(), record.as_slice())?;
        self.attempts_end.insert((end, key.as_str()), ())?;
        Ok(())
    }

    fn drop_attempts(&mut self, key: &AttemptKey) -> Result<()> {
        if let Some(attempts) = self.attempts(key)? {
            self.commit = self.commit.max(Commit::Delayed);
            self.attempts.remove(key.as_str())?;
            self.attempts_end
                .remove((attempts.expires_at.millis(), key.as_str()))?;
        }
        Ok(())
    }

    /// Drops some of the attempts that have expired or are too many; whether that was all it may drop at once.
    fn sweep_attempts(&mut self, now: Timestamp, most: u64) -> Result<bool> {
        let expired = self.attempts_until(..=(now.millis(), MAX_KEY), SWEPT_AT_ONCE)?;
        let left = self.attempts.len()?.saturating_sub(expired.len() as u64);
        let excess = usize::try_from(left.saturating_sub(most)).unwrap_or(usize::MAX);
        let surplus = excess.min(SWEPT_AT_ONCE - expired.len());
        let long_lived = now.plus(SHORT_MEMORY).millis() + 1;
        let surplus = self.attempts_until((long_lived, "").., surplus)?;
        let dropped = [expired, surplus].concat();
        dropped.iter().try_for_each(|key| self.drop_attempts(key))?;
        Ok(dropped.len() == SWEPT_AT_ONCE)
    }

    /// The first keys, as far as `most`, of the attempts that are forgotten within a range.
    fn attempts_until<'r>(
        &self,
        range: impl RangeBounds<(i64, &'r str)> + 'r,
        most: usize,
    ) -> Result<Vec<AttemptKey>> {
        let rows = self.attempts_end.range(range)?.take(most);
        rows.map(|row| Ok(AttemptKey::from(row?.0.value().1)))
            .collect()
    }

    fn drop_old_resets(&mut self, now: Timestamp) -> Result<()> {
        let digests: Vec<_> = self
            .resets
            .iter()?
            .map(|row| Ok(Digest::from_bytes(*row?.0.value())))
            .collect::<Result<_>>()?;
        for digest in digests {
            let user = owner(&self.resets, &self.users, &digest)?;
            if let Some(mut user) = user.filter(|user| !user.has_reset(now)) {
                user.reset = None;
                self.put_user(&user)?;
            }
        }
        Ok(())
    }
}

fn owner(
    index: &impl ReadableTable<DigestKey, &'static str>,
    users: &impl ReadableTable<&'static str, Record>,
    digest: &Digest,
) -> Result<Option<UserRecord>> {
    match index.get(digest.as_bytes())? {
        Some(email) => get(users, email.value()),
        None => Ok(None),
    }
}

fn get<'k, K: redb::Key + 'static, T: DeserializeOwned>(
    table: &impl ReadableTable<K, Record>,
    key: K::SelfType<'k>,
) -> Result<Option<T>> {
    table
        .get(key)?
        .map(|record| decode(record.value()))
        .transpose()
}

fn encode(record: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(|_| corrupted())
}

fn decode<T: DeserializeOwned>(record: &[u8]) -> Result<T> {
    serde_json::from_slice(record).map_err(|_| corrupted())
}

/// Without what serde says, which quotes the record.
fn corrupted() -> redb::Error {
    redb::Error::Corrupted("a record is not what this program writes".to_owned())
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn add_user(&self, user: NewUser) -> Result<(), AddUserError> {
        let added = self.write(move |tables| {
            if tables.users.get(user.email.as_str())?.is_some() {
                return Ok(false);
            }
            tables.end_session(user.replaces)?;
            tables.put_user(&UserRecord::new(user))?;
            Ok(true)
        });
        match added.await? {
            true => Ok(()),
            false => Err(AddUserError::Taken),
        }
    }

    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let email = email.as_str().to_owned();
        self.read(move |transaction| {
            let users = transaction.open_table(USERS)?;
            Ok(get(&users, &*email)?.map(UserRecord::into_user))
        })
        .await
    }

    async fn user_by_device(
        &self,
        email: &Email,
        device: &Digest,
    ) -> Result<Option<User>, StoreError> {
        let user = self.user_by_email(email).await?;
        let is_theirs = |user: &User| user.devices.iter().any(|known| known.digest == *device);
        Ok(user.filter(is_theirs))
    }

    async fn user_by_session(
        &self,
        digest: &Digest,
    ) -> Result<Option<(User, Session)>, StoreError> {
        let digest = *digest;
        self.read(move |transaction| {
            let sessions = transaction.open_table(SESSIONS)?;
            let users = transaction.open_table(USERS)?;
            let Some(mut user) = owner(&sessions, &users, &digest)? else {
                return Ok(None);
            };
            let session = user.session(&digest).map(|session| session.to_session());
            Ok(session.map(|session| (user.into_user(), session)))
        })
        .await
    }

    async fn user_by_reset(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let digest = *digest;
        self.read(move |transaction| {
            let resets = transaction.open_table(RESETS)?;
            let users = transaction.open_table(USERS)?;
            let user = owner(&resets, &users, &digest)?;
            Ok(user
                .filter(|user| user.has_reset(now))
                .map(UserRecord::into_user))
        })
        .await
    }

    async fn add_session(&self, login: Login<'_>) -> Result<bool, StoreError> {
        let email = login.email.as_str().to_owned();
        let verified = login.verified.as_str().to_owned();
        let Login {
            upgraded,
            session,
            device,
            replaces,
            ..
        } = login;
        self.write(move |tables| {
            let user: Option<UserRecord> = get(&tables.users, &*email)?;
            let Some(mut user) = user.filter(|user| user.password == verified) else {
                return Ok(false);
            };
            user.log_in(session, device, replaces);
            if let Some(password) = upgraded {
                user.password = password.as_str().to_owned();
            }
            tables.put_user(&user)?;
            tables.end_session(replaces)?;
            Ok(true)
        })
        .await
    }

    async fn touch_session(
        &self,
        digest: &Digest,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let digest = *digest;
        self.write(move |tables| {
            let Some(mut user) = owner(&tables.sessions, &tables.users, &digest)? else {
                return Ok(());
            };
            if let Some(session) = user.session(&digest) {
                session.used_at = used_at;
                session.expires_at = expires_at;
            }
            tables.put_user(&user)
        })
        .await
    }

    async fn remove_session(&self, digest: &Digest, now: Timestamp) -> Result<bool, StoreError> {
        let digest = *digest;
        self.write(move |tables| {
            let Some(mut user) = owner(&tables.sessions, &tables.users, &digest)? else {
                return Ok(false);
            };
            let session = user.session(&digest);
            if session.is_none_or(|session| session.expires_at <= now) {
                return Ok(false);
            }
            user.end_session(&digest);
            user.last_logout = Some(now);
            tables.put_user(&user)?;
            Ok(true)
        })
        .await
    }

    async fn set_reset(
        &self,
        email: &Email,
        digest: &Digest,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let email = email.as_str().to_owned();
        let digest = *digest.as_bytes();
        self.write(move |tables| {
            let user: Option<UserRecord> = get(&tables.users, &*email)?;
            let Some(mut user) = user else {
                return Ok(());
            };
            user.reset = Some(ResetRecord { digest, expires_at });
            tables.put_user(&user)
        })
        .await
    }

    async fn reset_password(
        &self,
        digest: &Digest,
        password: PasswordHash,
        device: Device,
        notice: QueuedMail,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let digest = *digest;
        self.write(move |tables| {
            let user = owner(&tables.resets, &tables.users, &digest)?;
            let Some(mut user) = user.filter(|user| user.has_reset(now)) else {
                return Ok(false);
            };
            user.password = password.as_str().to_owned();
            user.sessions.clear();
            user.devices = vec![DeviceRecord::new(&device)];
            user.reset = None;
            tables.put_user(&user)?;
            tables.put_mail(&notice.id, &MailRecord::new(&notice))?;
            Ok(true)
        })
        .await
    }

    async fn queue_mail(&self, mail: QueuedMail) -> Result<(), StoreError> {
        self.write(move |tables| tables.put_mail(&mail.id, &MailRecord::new(&mail)))
            .await
    }

    async fn claim_mail(
        &self,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<QueuedMail>, StoreError> {
        let claimed = self.write(move |tables| {
            let Some(id) = tables.first_due(now)? else {
                return Ok(None);
            };
            tables.change_mail(&id, |mail| {
                mail.attempts = mail.attempts.saturating_add(1);
                mail.due_at = lease;
                mail.leased = true;
            })?;
            Ok(tables.mail(&id)?.map(|mail| (id, mail)))
        });
        let Some((id, mail)) = claimed.await? else {
            return Ok(None);
        };
        mail.into_mail(id)
            .map(Some)
            .ok_or_else(|| StoreError("a mail in the outbox cannot be read".to_owned()))
    }

    async fn retry_mail(&self, id: &MailId, due_at: Timestamp) -> Result<(), StoreError> {
        let id = *id;
        self.write(move |tables| {
            if tables.mail(&id)?.is_none_or(|mail| !mail.leased) {
                return Ok(());
            }
            tables.change_mail(&id, |mail| {
                mail.due_at = due_at;
                mail.leased = false;
            })
        })
        .await
    }

    async fn remove_mail(&self, id: &MailId) -> Result<(), StoreError> {
        let id = *id;
        self.write(move |tables| tables.take_mail(&id).map(drop))
            .await
    }

    async fn park_mail(&self, id: &MailId, reason: &str) -> Result<(), StoreError> {
        let id = *id;
        let reason = reason.to_owned();
        self.write(move |tables| {
            if let Some(mut mail) = tables.take_mail(&id)? {
                mail.parked_because = Some(reason);
                tables
                    .parked
                    .insert(id.as_bytes(), encode(&mail)?.as_slice())?;
            }
            Ok(())
        })
        .await
    }

    async fn expedite_mail(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |tables| {
            for id in tables.mails(|mail| !mail.leased && mail.due_at > now)? {
                tables.change_mail(&id, |mail| mail.due_at = now)?;
            }
            Ok(())
        })
        .await
    }

    async fn count_attempts(
        &self,
        attempts: &[(AttemptKey, Limit)],
        now: Timestamp,
    ) -> Result<Vec<Counted>, StoreError> {
        let attempts = attempts.to_vec();
        self.write(move |tables| {
            let count = |(key, limit): (AttemptKey, Limit)| {
                let counted = limit.count(tables.attempts(&key)?, now);
                if let Ok(attempts) = counted {
                    tables.put_attempts(&key, attempts)?;
                }
                Ok(counted)
            };
            attempts.into_iter().map(count).collect()
        })
        .await
    }

    async fn settle_attempts(
        &self,
        forgotten: &[AttemptKey],
        taken_back: &[AttemptKey],
    ) -> Result<(), StoreError> {
        let (forgotten, taken_back) = (forgotten.to_vec(), taken_back.to_vec());
        self.write(move |tables| {
            for key in &forgotten {
                tables.drop_attempts(key)?;
            }
            for key in &taken_back {
                match tables.attempts(key)?.and_then(Attempts::take_back) {
                    Some(attempts) => tables.put_attempts(key, attempts)?,
                    None => tables.drop_attempts(key)?,
                }
            }
            Ok(())
        })
        .await
    }

    async fn keep_attempts(&self) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.commit = Commit::AtOnce;
            Ok(())
        })
        .await
    }

    async fn sweep(&self, now: Timestamp, most: u64) -> Result<bool, StoreError> {
        self.write(move |tables| {
            let has_more = tables.sweep_attempts(now, most)?;
            if !has_more {
                tables.drop_old_mail(now.minus(MAIL_LIFE))?;
                tables.drop_old_resets(now)?;
            }
            Ok(has_more)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;

    use super::{super::for_one_request, *};

    #[tokio::test]
    async fn a_disk_that_hangs_is_given_up_on_and_piles_nothing_up() {
        let dir = std::env::temp_dir().join(format!("fpm-registry-hang-{}", Uuid::new_v4()));
        let store = EmbeddedStore::open(&dir).unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        let write = || {
            let done = done.clone();
            store.write(move |_| Ok(done.fetch_add(1, Ordering::Relaxed)))
        };
        let (go_on, told) = mpsc::channel::<()>();
        let (has_begun, begun) = oneshot::channel();
        let hanging = store.write(move |_| {
            let _ = has_begun.send(());
            let _ = told.recv();
            Ok(())
        });
        let given_up = for_one_request(async {
            let behind = async {
                begun.await.unwrap();
                write().await.unwrap_err()
            };
            tokio::join!(hanging, behind)
        });
        let began = Instant::now();
        let (hanging, behind) = given_up.await;
        assert!(began.elapsed() < Duration::from_secs(3));
        for error in [hanging.unwrap_err(), behind] {
            assert!(
                error.0.starts_with("the disk did not answer in "),
                "{error}"
            );
        }

        let full = (0..=MAX_WAITING).find_map(|_| write().now_or_never());
        assert_eq!(
            full.unwrap().unwrap_err().0,
            "too many writes wait for the disk"
        );
        drop(go_on);
        while write().await.is_err() {}
        assert_eq!(done.load(Ordering::Relaxed), 1);
        drop(store);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
