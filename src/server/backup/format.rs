//! The file of a backup: a line with the version of the format, lines of JSON for users and mails, compressed by
//! gzip, their number in 8 bytes, and the SHA-256 of all bytes before it.

use std::io;

use serde::{Deserialize, Serialize};

use crate::accounts::{error::StoreError, id::UserId, mail::QueuedMail, store::UserRecord};
use crate::server::settings::WrongSetting;

/// What the first line begins with; the version follows.
pub(super) const MAGIC: &str = "fpm-registry backup ";
/// The version that this program writes.
pub(super) const VERSION: u64 = 1;
/// The size of the number of records.
pub(super) const COUNT_BYTES: u64 = 8;
/// The size of the checksum.
pub(super) const CHECKSUM_BYTES: u64 = 32;

/// How many lines are in memory at once.
pub(super) const BATCH: usize = 500;

/// A line of a backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Entry {
    /// A user, or a deleted one.
    Record(UserRecord),
    /// A mail that was waiting.
    Mail(Box<QueuedMail>),
    /// The id of a user whom the program could not read, since another one wrote the record.
    Unreadable(UserId),
}

/// What a backup holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// How many users.
    pub users: u64,
    /// How many users who were deleted, by their ids.
    pub deleted: u64,
    /// How many mails that were waiting.
    pub mails: u64,
    /// How many users are left out, since the program could not read what another one wrote.
    pub unreadable: u64,
}

impl Contents {
    /// Counts one more line.
    pub(super) fn count(&mut self, entry: &Entry) {
        match entry {
            Entry::Record(UserRecord::User(_)) => self.users += 1,
            Entry::Record(UserRecord::Deleted { .. }) => self.deleted += 1,
            Entry::Mail(_) => self.mails += 1,
            Entry::Unreadable(_) => self.unreadable += 1,
        }
    }

    /// How many lines.
    pub(super) fn entries(self) -> u64 {
        self.users + self.deleted + self.mails + self.unreadable
    }
}

/// Why there is no backup, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is something else.
    #[error("the file is not a backup of fpm-registry")]
    NotABackup,
    /// The file has a later version of the format.
    #[error("the backup was written by a later version of fpm-registry (format {0})")]
    Newer(u64),
    /// The file is not as it was written.
    #[error("the backup is damaged: it was cut or changed")]
    Damaged,
    /// There are users or mails in the store.
    #[error("the store is not empty, and a backup is restored into an empty one only")]
    NotEmpty,
    /// There is something else than a file at the path.
    #[error("there is something else than a file there")]
    NoFile,
    /// The store has no users, and there is a file already.
    #[error(
        "the store has no users, so the older file is kept; are DATA_DIR and MONGO_URI those of the server?"
    )]
    Empty,
    /// The server ended it before it was complete.
    #[error("the running server did not complete the backup, its log says why")]
    Incomplete,
    /// A signal ended it before it was complete.
    #[error("the backup was interrupted and not written")]
    Interrupted,
    /// There is no store to read.
    #[error(transparent)]
    NoStore(#[from] WrongSetting),
    /// The disk failed, or does not let us.
    #[error("the file of the backup cannot be read or written: {0}")]
    File(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
