//! Backups: the users and the waiting mail of a store in one file, from which either store is filled again.
//!
//! A backup is read while others write. Each record in it is whole, and what was stored before the backup began is in
//! it. Mailed links, mail that was given up and counters of attempts are not.
//!
//! # Layout
//! - [`mod@format`]: the format; [`mod@file`]: the file while it is being written
//! - `write`: writes a backup; `read`: checks and reads one

pub mod file;
pub mod format;
mod read;
mod write;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use self::{
    format::{BATCH, BackupError, Contents, Entry},
    read::Backup,
    write::NewBackup,
};
use crate::accounts::{
    clock::Clock,
    mail::{MailState, OutboxMail, QueuedMail},
    secret_keys::KeyId,
    store::{Store, UserRecord},
    user::event::Origin,
};

/// What a restore has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// What the backup holds.
    pub contents: Contents,
    /// How many users were left out, since an address of theirs had gone from one user to another during the backup.
    pub left_out: u64,
}

/// What of the users ends with a restore: what was ended after the backup would live again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ended {
    /// All sessions.
    pub sessions: bool,
    /// All upload tokens.
    pub upload_tokens: bool,
}

/// Writes all users and waiting mails of a store.
pub async fn back_up(
    store: &Arc<dyn Store>,
    out: impl Write + Send + 'static,
) -> Result<Contents, BackupError> {
    let mut backup = blocking(move || NewBackup::begin(out)).await?;
    let mut last = None;
    loop {
        let scanned = store.scan(last.as_ref(), BATCH).await?;
        if scanned.last.is_none() {
            break;
        }
        last.clone_from(&scanned.last);
        backup = blocking(|| backup.with_users(scanned)).await?;
    }
    // After the users: of a mail that left a user's record meanwhile, one of the two is seen.
    let mails = store.mails(usize::MAX).await?;
    let mails = mails.into_iter().filter_map(waiting).collect();
    blocking(|| backup.with_mails(mails)?.finish()).await
}

/// Reads a whole backup and says what it holds, or why it cannot be restored.
pub async fn check(path: &Path) -> Result<Contents, BackupError> {
    let path = path.to_owned();
    blocking(move || Backup::open(&path)?.contents()).await
}

/// Fills an empty store from a backup. Checks the whole file before it writes. If it is interrupted, the store is no
/// longer empty, and has to be made anew.
pub async fn restore(
    store: &Arc<dyn Store>,
    path: &Path,
    ended: Ended,
) -> Result<Restored, BackupError> {
    let path = path.to_owned();
    let (contents, mut backup) = blocking(move || {
        let mut backup = Backup::open(&path)?;
        Ok((backup.contents()?, backup))
    })
    .await?;
    let has_users = store.scan(None, 1).await?.last.is_some();
    if has_users || !store.mails(1).await?.is_empty() {
        return Err(BackupError::NotEmpty);
    }
    let mut left_out = 0;
    loop {
        let entries;
        (entries, backup) = blocking(|| backup.into_next(BATCH)).await?;
        if entries.is_empty() {
            return Ok(Restored { contents, left_out });
        }
        let mut records = Vec::new();
        for entry in entries {
            match entry {
                Entry::Record(record) => records.push(record),
                Entry::Mail(mail) => store.queue_mail(*mail).await?,
                Entry::Unreadable(_) => {}
            }
        }
        ended.end(&mut records);
        // Before the users: a key that is noted too early is one warning too many, one too late a lost one.
        store
            .note_secret_keys(&secret_keys_of(&records), &[])
            .await?;
        for user in store.insert_all(records).await? {
            let user = user.as_str().escape_debug();
            tracing::warn!(%user, "not restored, another user has the address");
            left_out += 1;
        }
    }
}

/// The keys that have encrypted secrets of these users.
fn secret_keys_of(records: &[UserRecord]) -> Vec<KeyId> {
    let users = records.iter().filter_map(|record| match record {
        UserRecord::User(user) => Some(user),
        UserRecord::Deleted { .. } => None,
    });
    let ids: BTreeSet<KeyId> = users.flat_map(|user| user.secret_key_ids()).collect();
    ids.into_iter().collect()
}

/// A mail that is not given up.
fn waiting(listed: OutboxMail) -> Option<QueuedMail> {
    match listed.state {
        MailState::Waiting(_) | MailState::Sending(_) => Some(listed.mail),
        MailState::Parked(_) => None,
    }
}

impl Ended {
    fn end(self, records: &mut [UserRecord]) {
        let operator = Origin::of_operator(Clock::default().now());
        for record in records {
            let UserRecord::User(user) = record else {
                continue;
            };
            if self.sessions {
                user.end_all_sessions(&operator);
            }
            if self.upload_tokens {
                user.end_upload_tokens(&operator);
            }
        }
    }
}

/// Runs work that waits for the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| BackupError::File(io::Error::other("the work was interrupted")))?
}
