//! The embedded store: one redb file, for one process.
//!
//! A single thread writes. It commits all waiting writes in one transaction (group commit), since most of the time of a
//! write is the wait for the disk. Each write of a batch sees the ones before it. Counters of attempts do not wait for
//! the disk: they are committed with the next other write, at the latest after a second.

mod attempts;
mod backup;
mod challenges;
pub mod file;
mod outbox;
mod readers;
mod tables;
mod worker;
mod writer;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use redb::ReadTransaction;
use tokio::sync::oneshot;

use self::{
    attempts::{closed_attempts, sum_attempts},
    backup::scan,
    file::{Job, RegistryFile},
    outbox::{list_mails, outbox_size},
    readers::{Readers, answer, answering},
    tables::{Commit, Lookup, Result, Tables, due, find, noted_secret_keys},
    worker::Worker,
    writer::write_all,
};
use super::deadline::within_deadline;
use crate::accounts::{
    attempts::{AttemptKey, Attempts, Counted, Limit},
    challenge::Challenge,
    clock::Timestamp,
    error::StoreError,
    id::UserId,
    mail::{MAIL_LIFE, MailId, OutboxMail, OutboxSize, QueuedMail},
    secret_keys::KeyId,
    store::{InsertError, Key, Replaced, Scanned, Store, UserRecord, Visitor},
    token::Digest,
    user::{UploadToken, User},
};
use crate::server::settings::WrongSetting;

/// The store in a file `registry.redb`.
pub struct EmbeddedStore {
    file: Arc<RegistryFile>,
    writer: Worker<Job>,
    readers: Readers,
}

impl EmbeddedStore {
    /// Opens the file in `dir`. Creates both if they are missing, readable by this user only.
    pub fn open(dir: &Path) -> Result<Self, WrongSetting> {
        let file = Arc::new(RegistryFile::open(dir)?);
        let writer = {
            let file = file.clone();
            Worker::start(move |jobs| write_all(&file, &jobs))
        };
        Ok(Self {
            readers: Readers::start(&file),
            file,
            writer,
        })
    }

    /// Reads a record or two.
    async fn look_up<T: Send + 'static>(
        &self,
        look: impl Fn(&ReadTransaction) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (look, answered) = answering(look);
        match self.readers.push(look) {
            true => answer(answered).await,
            false => Err(StoreError("too many reads wait for the disk".to_owned())),
        }
    }

    /// Reads more than that.
    async fn read<T: Send + 'static>(
        &self,
        look: impl Fn(&ReadTransaction) -> Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (look, answered) = answering(look);
        let file = self.file.clone();
        tokio::task::spawn_blocking(move || look(&file));
        answer(answered).await
    }

    /// Queues a write and waits for it. If the wait times out, a write that has not started yet is dropped; one that has
    /// may still be committed.
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
        if !self.writer.push(job) {
            return Err(StoreError("too many writes wait for the disk".to_owned()));
        }
        within_deadline("the disk", answered)
            .await?
            .map_err(|_| StoreError("the write did not reach the disk".to_owned()))
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn insert(&self, user: &User) -> Result<(), InsertError> {
        let user = user.clone();
        match self.write(move |tables| tables.insert_user(user)).await? {
            true => Ok(()),
            false => Err(InsertError::Taken),
        }
    }

    async fn find(&self, key: Key<'_>) -> Result<Option<User>, StoreError> {
        let lookup = Lookup::from(key);
        let user = self
            .look_up(move |transaction| find(transaction, &lookup))
            .await?;
        Ok(user.filter(|user| match key {
            Key::Device(email, device) => user.email == *email && user.device(device).is_some(),
            // The index leads to former addresses too.
            Key::Email(email) => user.email == *email,
            _ => true,
        }))
    }

    async fn replace(&self, before: &User, after: &User) -> Result<Replaced, StoreError> {
        if before == after {
            return Ok(Replaced::Done);
        }
        let (before, after) = (before.rev, after.clone());
        self.write(move |tables| tables.replace_user(before, after))
            .await
    }

    async fn delete(
        &self,
        user: &User,
        now: Timestamp,
        last_mail: Option<QueuedMail>,
    ) -> Result<Replaced, StoreError> {
        let (id, rev) = (user.id.clone(), user.rev);
        self.write(move |tables| tables.delete_user(&id, rev, now, last_mail))
            .await
    }

    async fn scan(&self, after: Option<&UserId>, most: usize) -> Result<Scanned, StoreError> {
        let after = after.cloned();
        self.read(move |transaction| scan(transaction, after.as_ref(), most))
            .await
    }

    async fn insert_all(&self, records: Vec<UserRecord>) -> Result<Vec<UserId>, StoreError> {
        self.write(move |tables| tables.insert_all(records)).await
    }

    async fn visitor(&self, session: &Digest) -> Result<Option<Visitor>, StoreError> {
        let user = self.find(Key::Session(session)).await?;
        Ok(user.and_then(|user| Visitor::of(user, |user| user.end_session(session))))
    }

    async fn token_holder(
        &self,
        token: &Digest,
    ) -> Result<Option<Visitor<UploadToken>>, StoreError> {
        let user = self.find(Key::UploadToken(token)).await?;
        Ok(user.and_then(|user| Visitor::of(user, |user| user.upload_token(token).cloned())))
    }

    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<UserId>, StoreError> {
        self.read(move |transaction| due(transaction, now, most))
            .await
    }

    async fn queue_mail(&self, mail: QueuedMail) -> Result<(), StoreError> {
        self.write(move |tables| tables.queue_mail(mail)).await
    }

    async fn claim_mail(
        &self,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<QueuedMail>, StoreError> {
        self.write(move |tables| tables.claim_mail(now, lease))
            .await
    }

    async fn retry_mail(
        &self,
        id: &MailId,
        due_at: Timestamp,
        reason: &str,
    ) -> Result<(), StoreError> {
        let id = *id;
        let reason = reason.to_owned();
        self.write(move |tables| {
            if tables.mail(&id)?.is_none_or(|mail| !mail.leased) {
                return Ok(());
            }
            tables.change_mail(&id, |mail| {
                mail.due_at = due_at;
                mail.leased = false;
                mail.mail.last_failure = reason;
            })
        })
        .await
    }

    async fn remove_mail(&self, id: &MailId) -> Result<bool, StoreError> {
        let id = *id;
        self.write(move |tables| tables.drop_mail(&id)).await
    }

    async fn park_mail(&self, id: &MailId, reason: &str) -> Result<(), StoreError> {
        let id = *id;
        let reason = reason.to_owned();
        self.write(move |tables| tables.park_mail(&id, reason))
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

    async fn mails(&self, most: usize) -> Result<Vec<OutboxMail>, StoreError> {
        self.read(move |transaction| list_mails(transaction, most))
            .await
    }

    async fn outbox_size(&self) -> Result<OutboxSize, StoreError> {
        self.read(outbox_size).await
    }

    async fn requeue_mail(&self, id: &MailId, now: Timestamp) -> Result<bool, StoreError> {
        let id = *id;
        self.write(move |tables| tables.requeue_mail(&id, now))
            .await
    }

    async fn insert_challenge(&self, challenge: &Challenge) -> Result<(), StoreError> {
        let challenge = challenge.clone();
        self.write(move |tables| tables.put_challenge(&challenge))
            .await
    }

    async fn take_challenge(&self, digest: &Digest) -> Result<Option<Challenge>, StoreError> {
        let digest = *digest;
        self.write(move |tables| tables.take_challenge(&digest))
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

    async fn attempts(&self, keys: &[AttemptKey], now: Timestamp) -> Result<u64, StoreError> {
        let keys = keys.to_vec();
        self.look_up(move |transaction| sum_attempts(transaction, &keys, now))
            .await
    }

    async fn closed_attempts(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(AttemptKey, Attempts)>, StoreError> {
        self.read(move |transaction| closed_attempts(transaction, now, most))
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

    async fn flush_attempts(&self) -> Result<(), StoreError> {
        self.write(|tables| {
            tables.commit = Commit::AtOnce;
            Ok(())
        })
        .await
    }

    async fn note_secret_keys(&self, used: &[KeyId], unused: &[KeyId]) -> Result<(), StoreError> {
        let (used, unused) = (used.to_vec(), unused.to_vec());
        self.write(move |tables| tables.note_secret_keys(&used, &unused))
            .await
    }

    async fn noted_secret_keys(&self) -> Result<Vec<KeyId>, StoreError> {
        self.read(noted_secret_keys).await
    }

    async fn try_write(&self) -> Result<(), StoreError> {
        self.flush_attempts().await
    }

    async fn sweep(&self, now: Timestamp, most: u64) -> Result<bool, StoreError> {
        self.write(move |tables| {
            let has_more = tables.sweep_attempts(now, most)? || tables.drop_old_challenges(now)?;
            if !has_more {
                tables.drop_old_mail(now.minus(MAIL_LIFE))?;
            }
            Ok(has_more)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
