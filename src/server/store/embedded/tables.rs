//! The tables of the file, and the records in them.

use redb::{
    ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition,
    WriteTransaction,
};
use serde::{Serialize, de::DeserializeOwned};

use super::Result;
use crate::accounts::{store::Replaced, token::Digest, user::User};

type DigestKey = &'static [u8; 32];
type MailKey = &'static [u8; 16];
type Record = &'static [u8];

/// What the file says of itself.
const FILE: TableDefinition<&str, u64> = TableDefinition::new("file");
/// Users by id.
const USERS: TableDefinition<&str, Record> = TableDefinition::new("users");
/// The id of the user who has an e-mail.
const EMAILS: TableDefinition<&str, &str> = TableDefinition::new("emails");
/// The id of the user who has a session.
const SESSIONS: TableDefinition<DigestKey, &str> = TableDefinition::new("sessions");
/// The id of the user who has a reset link.
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

/// The version of the tables and records that this program writes.
const VERSION: u64 = 1;
const VERSION_KEY: &str = "version";

/// What an opened file is.
pub(super) enum Opened {
    /// One that this program can use.
    Usable,
    /// One without a version, but with users.
    Unversioned,
    /// One of a later version.
    Newer(u64),
}

/// What users are found by, in one read transaction.
pub(super) struct Reader {
    users: ReadOnlyTable<&'static str, Record>,
    emails: ReadOnlyTable<&'static str, &'static str>,
    sessions: ReadOnlyTable<DigestKey, &'static str>,
    resets: ReadOnlyTable<DigestKey, &'static str>,
}

impl Reader {
    pub(super) fn open(transaction: &ReadTransaction) -> Result<Self> {
        Ok(Self {
            users: transaction.open_table(USERS)?,
            emails: transaction.open_table(EMAILS)?,
            sessions: transaction.open_table(SESSIONS)?,
            resets: transaction.open_table(RESETS)?,
        })
    }

    pub(super) fn user(&self, id: &str) -> Result<Option<User>> {
        get(&self.users, id)
    }

    pub(super) fn by_email(&self, email: &str) -> Result<Option<User>> {
        match self.emails.get(email)? {
            Some(id) => self.user(id.value()),
            None => Ok(None),
        }
    }

    pub(super) fn by_session(&self, digest: &Digest) -> Result<Option<User>> {
        self.by_digest(&self.sessions, digest)
    }

    pub(super) fn by_link(&self, digest: &Digest) -> Result<Option<User>> {
        self.by_digest(&self.resets, digest)
    }

    fn by_digest(
        &self,
        index: &ReadOnlyTable<DigestKey, &'static str>,
        digest: &Digest,
    ) -> Result<Option<User>> {
        match index.get(digest.as_bytes())? {
            Some(id) => self.user(id.value()),
            None => Ok(None),
        }
    }
}

/// All tables in one write transaction.
pub(super) struct Tables<'t> {
    file: Table<'t, &'static str, u64>,
    users: Table<'t, &'static str, Record>,
    emails: Table<'t, &'static str, &'static str>,
    sessions: Table<'t, DigestKey, &'static str>,
    resets: Table<'t, DigestKey, &'static str>,
    pub outbox: Table<'t, MailKey, Record>,
    pub due: Table<'t, (i64, MailKey), ()>,
    pub parked: Table<'t, MailKey, Record>,
    pub attempts: Table<'t, &'static str, Record>,
    pub attempts_end: Table<'t, (i64, &'static str), ()>,
    /// What its changes ask for.
    pub commit: Commit,
}

/// When changes go to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Commit {
    /// There are none.
    Nothing,
    /// Within a second.
    Delayed,
    /// Before their callers are answered.
    AtOnce,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            file: transaction.open_table(FILE)?,
            users: transaction.open_table(USERS)?,
            emails: transaction.open_table(EMAILS)?,
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

    /// Sees whether this program can use the file, and gives a new one its version. Frees the mails that a process
    /// that is gone had claimed.
    pub(super) fn begin_use(&mut self) -> Result<Opened> {
        let version = self.file.get(VERSION_KEY)?.map(|version| version.value());
        match version {
            Some(newer) if newer > VERSION => return Ok(Opened::Newer(newer)),
            None if !self.users.is_empty()? => return Ok(Opened::Unversioned),
            _ => self.file.insert(VERSION_KEY, VERSION)?,
        };
        for id in self.mails(|mail| mail.leased)? {
            self.change_mail(&id, |mail| mail.leased = false)?;
        }
        Ok(Opened::Usable)
    }

    /// Adds a user; false if the e-mail has an account.
    pub(super) fn insert_user(&mut self, mut user: User) -> Result<bool> {
        if self.emails.get(user.email.as_str())?.is_some() {
            return Ok(false);
        }
        user.rev = Some(1);
        self.put_user(None, user)?;
        Ok(true)
    }

    /// Keeps a user in the place of one that has still this `rev`.
    pub(super) fn replace_user(&mut self, rev: Option<i64>, mut after: User) -> Result<Replaced> {
        let before: Option<User> = get(&self.users, after.id.as_str())?;
        let Some(before) = before.filter(|before| before.rev == rev) else {
            return Ok(Replaced::Conflict);
        };
        after.rev = Some(rev.unwrap_or_default() + 1);
        self.put_user(Some(before), after)?;
        Ok(Replaced::Done)
    }

    /// Writes a user, the keys that changed, and the mail that goes with it.
    fn put_user(&mut self, before: Option<User>, mut after: User) -> Result<()> {
        self.commit = Commit::AtOnce;
        for notice in std::mem::take(&mut after.notices) {
            self.queue_mail(notice)?;
        }
        let id = after.id.as_str();
        let old = before.as_ref().map(Keys::of).unwrap_or_default();
        let new = Keys::of(&after);
        for digest in old
            .sessions
            .iter()
            .filter(|key| !new.sessions.contains(key))
        {
            self.sessions.remove(digest.as_bytes())?;
        }
        for digest in new
            .sessions
            .iter()
            .filter(|key| !old.sessions.contains(key))
        {
            self.sessions.insert(digest.as_bytes(), id)?;
        }
        if old.reset != new.reset {
            if let Some(digest) = old.reset {
                self.resets.remove(digest.as_bytes())?;
            }
            if let Some(digest) = new.reset {
                self.resets.insert(digest.as_bytes(), id)?;
            }
        }
        if old.email != new.email {
            if let Some(email) = old.email {
                self.emails.remove(email)?;
            }
            if let Some(email) = new.email {
                self.emails.insert(email, id)?;
            }
        }
        self.users.insert(id, encode(&after)?.as_slice())?;
        Ok(())
    }
}

/// What a user is found by, beside the id.
#[derive(Default)]
struct Keys<'u> {
    email: Option<&'u str>,
    sessions: Vec<&'u Digest>,
    reset: Option<&'u Digest>,
}

impl<'u> Keys<'u> {
    fn of(user: &'u User) -> Self {
        Self {
            email: Some(user.email.as_str()),
            sessions: user
                .sessions
                .iter()
                .map(|session| &session.digest)
                .collect(),
            reset: user.reset.as_ref().map(|reset| &reset.digest),
        }
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
    serde_json::from_slice(record).map_err(|_| corrupted())
}

/// Without what serde says, which quotes the record.
fn corrupted() -> redb::Error {
    redb::Error::Corrupted("a record is not what this program writes".to_owned())
}
