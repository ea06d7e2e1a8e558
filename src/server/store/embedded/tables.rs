//! The tables of the file, and users in them.

use std::{mem, time::Duration};

use redb::{
    ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition, WriteTransaction,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::accounts::{
    clock::Timestamp,
    email::Email,
    id::UserId,
    mail::QueuedMail,
    secret_keys::KeyId,
    store::{Key, Replaced},
    token::Digest,
    user::User,
};

pub(super) type Result<T, E = redb::Error> = std::result::Result<T, E>;

pub(super) type MailKey = &'static [u8; 16];
pub(super) type Record = &'static [u8];

/// Properties of the file: its version, and the keys that have encrypted secrets in it.
const FILE: TableDefinition<&str, u64> = TableDefinition::new("file");
/// Users by id.
pub(super) const USERS: TableDefinition<&str, Record> = TableDefinition::new("users");
/// When users were deleted, by id.
pub(super) const DELETED: TableDefinition<&str, i64> = TableDefinition::new("deleted");
/// User ids by index key: e-mail, session, link, upload token, or when something is due.
const INDEX: TableDefinition<&[u8], &str> = TableDefinition::new("index");
/// Waiting mails.
pub(super) const OUTBOX: TableDefinition<MailKey, Record> = TableDefinition::new("outbox");
/// Waiting mails by the time they are due.
const DUE: TableDefinition<(i64, MailKey), ()> = TableDefinition::new("due");
/// Parked mails, which are never sent.
pub(super) const PARKED: TableDefinition<MailKey, Record> = TableDefinition::new("parked");
/// Attempts by what they are counted under.
pub(super) const ATTEMPTS: TableDefinition<&str, Record> = TableDefinition::new("attempts");
/// Attempts in the order they are forgotten.
const ATTEMPTS_END: TableDefinition<(i64, &str), ()> = TableDefinition::new("attempts_end");

/// Challenges of passkeys by the digest of their token.
const CHALLENGES: TableDefinition<&[u8; 32], Record> = TableDefinition::new("challenges");
/// Challenges in the order they expire.
const CHALLENGES_END: TableDefinition<(i64, &[u8; 32]), ()> =
    TableDefinition::new("challenges_end");

/// The version of the tables and records that this program writes.
const VERSION: u64 = 1;
const VERSION_KEY: &str = "version";
/// What the name of a property begins with that is a key; the id follows.
const SECRET_KEY: &str = "secret-key ";
const MILLISECOND: Duration = Duration::from_millis(1);

/// How a user is looked up: by the id, or by one of its index keys.
pub(super) enum Lookup {
    Id(String),
    Index(Vec<u8>),
}

impl From<Key<'_>> for Lookup {
    fn from(key: Key<'_>) -> Self {
        match key {
            Key::Id(id) => Self::Id(id.as_str().to_owned()),
            Key::Email(email) | Key::Device(email, _) | Key::Address(email) => {
                Self::Index(email_key(email))
            }
            Key::Session(digest) => Self::Index(digest_key(b's', digest)),
            Key::ResetLink(digest) => Self::Index(digest_key(b'r', digest)),
            Key::Confirmation(digest) => Self::Index(digest_key(b'c', digest)),
            Key::NotMe(digest) => Self::Index(digest_key(b'n', digest)),
            Key::UploadToken(digest) => Self::Index(digest_key(b't', digest)),
            Key::PendingLogin(digest) => Self::Index(digest_key(b'p', digest)),
        }
    }
}

/// The index keys of a user.
fn index_keys(user: &User) -> Vec<Vec<u8>> {
    let addresses = user.addresses().map(email_key);
    let sessions = user.sessions.iter().map(|session| (b's', &session.digest));
    let reset = user.reset.iter().map(|reset| (b'r', &reset.digest));
    let asked = user.confirmation.iter();
    let asked = asked.filter_map(|asked| Some((b'c', asked.digest.as_ref()?)));
    let not_me = user.not_me.iter().map(|link| (b'n', &link.digest));
    let tokens = user.upload_tokens.iter();
    let tokens = tokens.map(|token| (b't', &token.digest));
    let digests = sessions.chain(reset).chain(asked);
    let pending = user.pending_logins.iter();
    let pending = pending.map(|login| (b'p', &login.digest));
    let digests = digests.chain(not_me).chain(tokens).chain(pending);
    let digests = digests.map(|(kind, digest)| digest_key(kind, digest));
    let due = user.due_at.map(|at| due_key(at, user.id.as_str()));
    addresses.chain(digests).chain(due).collect()
}

fn email_key(email: &Email) -> Vec<u8> {
    [b"e", email.as_str().as_bytes()].concat()
}

fn digest_key(kind: u8, digest: &Digest) -> Vec<u8> {
    [&[kind], digest.as_bytes().as_slice()].concat()
}

/// Sorts by the moment.
fn due_key(at: Timestamp, id: &str) -> Vec<u8> {
    let millis = u64::try_from(at.millis()).unwrap_or_default();
    [b"d", &millis.to_be_bytes()[..], id.as_bytes()].concat()
}

/// The users to whom something is due, those who are due longest first.
pub(super) fn due(
    transaction: &ReadTransaction,
    now: Timestamp,
    most: usize,
) -> Result<Vec<UserId>> {
    let index = transaction.open_table(INDEX)?;
    let (first, after) = (
        due_key(Timestamp::PAST, ""),
        due_key(now.plus(MILLISECOND), ""),
    );
    let due = index.range(&first[..]..&after[..])?.take(most);
    due.map(|entry| Ok(UserId::from_stored(entry?.1.value().to_owned())))
        .collect()
}

/// The user that is looked up, in a read transaction.
pub(super) fn find(transaction: &ReadTransaction, lookup: &Lookup) -> Result<Option<User>> {
    let users = transaction.open_table(USERS)?;
    match lookup {
        Lookup::Id(id) => get(&users, id.as_str()),
        Lookup::Index(key) => match transaction.open_table(INDEX)?.get(key.as_slice())? {
            Some(id) => get(&users, id.value()),
            None => Ok(None),
        },
    }
}

/// The keys that were noted.
pub(super) fn noted_secret_keys(transaction: &ReadTransaction) -> Result<Vec<KeyId>> {
    let mut keys = Vec::new();
    for property in transaction.open_table(FILE)?.range(SECRET_KEY..)? {
        let (name, _) = property?;
        let id = name.value().strip_prefix(SECRET_KEY);
        keys.extend(id.map(|id| KeyId::from_stored(id.to_owned())));
    }
    Ok(keys)
}

/// All tables in one write transaction.
pub(super) struct Tables<'t> {
    file: Table<'t, &'static str, u64>,
    users: Table<'t, &'static str, Record>,
    pub deleted: Table<'t, &'static str, i64>,
    index: Table<'t, &'static [u8], &'static str>,
    pub outbox: Table<'t, MailKey, Record>,
    pub due: Table<'t, (i64, MailKey), ()>,
    pub parked: Table<'t, MailKey, Record>,
    pub attempts: Table<'t, &'static str, Record>,
    pub attempts_end: Table<'t, (i64, &'static str), ()>,
    pub challenges: Table<'t, &'static [u8; 32], Record>,
    pub challenges_end: Table<'t, (i64, &'static [u8; 32]), ()>,
    /// When the changes so far have to be on the disk.
    pub commit: Commit,
}

/// When changes go to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Commit {
    /// There are no changes.
    Nothing,
    /// Within a second.
    Delayed,
    /// Before their callers get an answer.
    AtOnce,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            file: transaction.open_table(FILE)?,
            users: transaction.open_table(USERS)?,
            deleted: transaction.open_table(DELETED)?,
            index: transaction.open_table(INDEX)?,
            outbox: transaction.open_table(OUTBOX)?,
            due: transaction.open_table(DUE)?,
            parked: transaction.open_table(PARKED)?,
            attempts: transaction.open_table(ATTEMPTS)?,
            attempts_end: transaction.open_table(ATTEMPTS_END)?,
            challenges: transaction.open_table(CHALLENGES)?,
            challenges_end: transaction.open_table(CHALLENGES_END)?,
            commit: Commit::Nothing,
        })
    }

    /// Prepares a file for use: sets the version of a new one, and releases the mails that an earlier process had
    /// claimed. If this program cannot use the file, returns why.
    pub(super) fn prepare(&mut self) -> Result<Option<String>> {
        let version = self.file.get(VERSION_KEY)?.map(|version| version.value());
        match version {
            Some(newer) if newer > VERSION => {
                let why =
                    format!("was written by a later version of fpm-registry (format {newer})");
                return Ok(Some(why));
            }
            None if !self.users.is_empty()? => {
                let why = "was written before the first release and cannot be read any more";
                return Ok(Some(why.to_owned()));
            }
            _ => self.file.insert(VERSION_KEY, VERSION)?,
        };
        for id in self.mails(|mail| mail.leased)? {
            self.change_mail(&id, |mail| mail.leased = false)?;
        }
        Ok(None)
    }

    /// Notes which keys encrypt, and which no more.
    pub(super) fn note_secret_keys(&mut self, used: &[KeyId], unused: &[KeyId]) -> Result<()> {
        let name = |key: &KeyId| format!("{SECRET_KEY}{key}");
        for key in used {
            self.file.insert(&*name(key), 1)?;
        }
        for key in unused {
            self.file.remove(&*name(key))?;
        }
        self.commit = Commit::AtOnce;
        Ok(())
    }

    /// Adds a user; false if the e-mail has an account, or if the id is that of a user, even of a deleted one.
    pub(super) fn insert_user(&mut self, mut user: User) -> Result<bool> {
        let id = user.id.as_str();
        let is_known = self.users.get(id)?.is_some() || self.deleted.get(id)?.is_some();
        if is_known || self.is_taken(&user)? {
            return Ok(false);
        }
        user.rev = Some(1);
        self.put_user(&[], user)?;
        Ok(true)
    }

    /// Replaces a user, if the stored one still has this `rev`.
    pub(super) fn replace_user(&mut self, rev: Option<i64>, mut after: User) -> Result<Replaced> {
        let before: Option<User> = get(&self.users, after.id.as_str())?;
        let Some(before) = before.filter(|before| before.rev == rev) else {
            return Ok(Replaced::Conflict);
        };
        if self.is_taken(&after)? {
            return Ok(Replaced::Taken);
        }
        after.rev = Some(rev.unwrap_or_default() + 1);
        self.put_user(&index_keys(&before), after)?;
        Ok(Replaced::Done)
    }

    /// Removes a user who has still this `rev`.
    pub(super) fn delete_user(
        &mut self,
        id: &UserId,
        rev: Option<i64>,
        now: Timestamp,
        last_mail: Option<QueuedMail>,
    ) -> Result<Replaced> {
        let user: Option<User> = get(&self.users, id.as_str())?;
        let Some(user) = user.filter(|user| user.rev == rev) else {
            return Ok(Replaced::Conflict);
        };
        self.commit = Commit::AtOnce;
        for key in index_keys(&user) {
            self.index.remove(&*key)?;
        }
        self.users.remove(id.as_str())?;
        self.deleted.insert(id.as_str(), now.millis())?;
        last_mail
            .into_iter()
            .try_for_each(|mail| self.queue_mail(mail))?;
        Ok(Replaced::Done)
    }

    /// Whether another user has one of the addresses.
    fn is_taken(&self, user: &User) -> Result<bool> {
        for email in user.addresses() {
            let owner = self.index.get(&*email_key(email))?;
            if owner.is_some_and(|id| id.value() != user.id.as_str()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes a user, the index keys that differ from the `old` ones, and the mail in its notices.
    fn put_user(&mut self, old: &[Vec<u8>], mut user: User) -> Result<()> {
        self.commit = Commit::AtOnce;
        for notice in mem::take(&mut user.notices) {
            self.queue_mail(notice)?;
        }
        let (id, new) = (user.id.as_str(), index_keys(&user));
        for key in old.iter().filter(|key| !new.contains(key)) {
            self.index.remove(&**key)?;
        }
        for key in new.iter().filter(|key| !old.contains(key)) {
            self.index.insert(&**key, id)?;
        }
        self.users.insert(id, encode(&user)?.as_slice())?;
        Ok(())
    }
}

pub(super) fn get<'k, K: redb::Key + 'static, T: DeserializeOwned>(
    table: &impl ReadableTable<K, Record>,
    key: K::SelfType<'k>,
) -> Result<Option<T>> {
    table
        .get(key)?
        .map(|record| decode(record.value()))
        .transpose()
}

pub(super) fn encode(record: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(|_| corrupted())
}

pub(super) fn decode<T: DeserializeOwned>(record: &[u8]) -> Result<T> {
    // Its text is looked at once here, by `from_slice` at each of its strings.
    let text = str::from_utf8(record).map_err(|_| corrupted())?;
    serde_json::from_str(text).map_err(|_| corrupted())
}

/// Without the error of serde, which quotes the record.
fn corrupted() -> redb::Error {
    redb::Error::Corrupted("a record is not what this program writes".to_owned())
}
