//! The store in a MongoDB database, for any number of processes.
//!
//! Each change of a user is one atomic update of one document, so no transaction is needed, and a single server is
//! enough.

mod attempts;
mod backup;
mod connect;
mod documents;
mod driver;
pub mod first_backend;
mod indexes;
pub mod inspect;
mod notices;
mod records;
mod schema;
pub mod secret_keys;

use std::time::Duration;

use async_trait::async_trait;
use mongodb::{
    Client, Collection,
    bson::{Document, RawDocumentBuf, doc},
    options::{Acknowledgment, CollectionOptions, ReturnDocument, WriteConcern},
};
use tokio::{sync::Semaphore, time::timeout};

use self::{
    connect::{CONNECTIONS, cannot_index, close, connect},
    documents::{
        date, digest_binary, document, id_bson, mail_document, mail_filter, read_challenge,
        read_id, read_mail, read_outbox_mail, read_user, tombstone, unchanged_filter,
        user_document, user_update, visitor_fields,
    },
    driver::{all, failure, insert, is_duplicate, limit, raw, run, within},
    schema::require_readable,
};
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

/// How long creating the indexes may take: it reads all users of an older backend.
const INDEX_TIMEOUT: Duration = Duration::from_secs(60);
/// How old a notice must be before the worker moves it to the outbox, because the request that should have did not.
/// Longer than a request lasts.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(5);
/// How many requests count attempts at once, by three to five commands each. Others wait before they create their
/// commands, because commands that wait for a connection take much memory under load.
const MAX_COUNTING: usize = CONNECTIONS as usize / 3;

/// The store in the collections `users`, `outbox`, `attempts`, `challenges` and `meta`.
pub struct MongoStore {
    client: Client,
    /// Read raw, since the driver's own way to a document is by far the longer one.
    users: Collection<RawDocumentBuf>,
    outbox: Collection<RawDocumentBuf>,
    /// Written without waiting for the disk or a majority: a crash may lose the last attempts.
    attempts: Collection<Document>,
    challenges: Collection<RawDocumentBuf>,
    /// What the database says of itself.
    meta: Collection<Document>,
    counting: Semaphore,
}

impl MongoStore {
    /// Connects, and creates the indexes.
    pub async fn open(uri: &str, database: &str) -> Result<Self, WrongSetting> {
        let database = connect(uri, database).await?;
        require_readable(&database).await?;
        let concern = WriteConcern::builder().w(Acknowledgment::Nodes(1)).build();
        let quick = CollectionOptions::builder().write_concern(concern).build();
        let store = Self {
            client: database.client().clone(),
            users: database.collection("users"),
            outbox: database.collection("outbox"),
            attempts: database.collection_with_options("attempts", quick),
            challenges: database.collection("challenges"),
            meta: database.collection(schema::COLLECTION),
            counting: Semaphore::new(MAX_COUNTING),
        };
        timeout(INDEX_TIMEOUT, store.make_indexes())
            .await
            .map_err(|_| WrongSetting::new("MONGO_URI: the server is still making the indexes"))?
            .map_err(|error| cannot_index(database.name(), &error))?;
        Ok(store)
    }
}

fn user_filter(key: Key<'_>) -> Document {
    match key {
        Key::Id(id) => doc! { "_id": id_bson(id) },
        Key::Email(email) => doc! { "email": email.as_str() },
        Key::Device(email, device) => {
            doc! { "email": email.as_str(), "devices.digest": digest_binary(device) }
        }
        Key::Session(digest) => doc! { "sessions.digest": digest_binary(digest) },
        // A document of an older backend has no list of addresses.
        Key::Address(email) => {
            doc! { "$or": [{ "email": email.as_str() }, { "addresses": email.as_str() }] }
        }
        Key::ResetLink(digest) => doc! { "reset.digest": digest_binary(digest) },
        Key::Confirmation(digest) => doc! { "confirmation.digest": digest_binary(digest) },
        Key::NotMe(digest) => doc! { "notMe.digest": digest_binary(digest) },
        Key::UploadToken(digest) => doc! { "uploadTokens.digest": digest_binary(digest) },
        Key::PendingLogin(digest) => doc! { "pendingLogins.digest": digest_binary(digest) },
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn insert(&self, user: &User) -> Result<(), InsertError> {
        if !insert(&self.users, &user_document(user)?).await? {
            // The driver may retry an insert that had succeeded: then the duplicate is this very user.
            let own = self.users.find_one(user_filter(Key::Id(&user.id)));
            run(own).await?.ok_or(InsertError::Taken)?;
        }
        Ok(())
    }

    async fn find(&self, key: Key<'_>) -> Result<Option<User>, StoreError> {
        let user = run(self.users.find_one(user_filter(key))).await?;
        Ok(user.as_deref().and_then(read_user))
    }

    async fn replace(&self, before: &User, after: &User) -> Result<Replaced, StoreError> {
        let Some(change) = user_update(before, after)? else {
            return Ok(Replaced::Done);
        };
        let replaced = within(self.users.update_one(unchanged_filter(before), change)).await?;
        match replaced {
            Ok(replaced) if replaced.matched_count == 0 => return Ok(Replaced::Conflict),
            Ok(_) => {}
            Err(error) if is_duplicate(&error) => return Ok(Replaced::Taken),
            Err(error) => return Err(failure(error)),
        }
        // The notices are in the user's document first, so that the change is one update.
        self.move_new(after).await;
        Ok(Replaced::Done)
    }

    async fn delete(
        &self,
        user: &User,
        now: Timestamp,
        last_mail: Option<QueuedMail>,
    ) -> Result<Replaced, StoreError> {
        let tombstone = raw(&tombstone(user, now, last_mail.as_ref())?)?;
        let replaced = run(self.users.replace_one(unchanged_filter(user), tombstone)).await?;
        if replaced.matched_count == 0 {
            return Ok(Replaced::Conflict);
        }
        if let Some(last_mail) = last_mail
            && let Err(error) = self.move_last(&id_bson(&user.id), &last_mail).await
        {
            tracing::warn!(user = %user.id, %error, "cannot move the last mail to the outbox, will retry");
        }
        Ok(Replaced::Done)
    }

    async fn scan(&self, after: Option<&UserId>, most: usize) -> Result<Scanned, StoreError> {
        self.scan_users(after, most).await
    }

    async fn insert_all(&self, records: Vec<UserRecord>) -> Result<Vec<UserId>, StoreError> {
        self.insert_records(&records).await
    }

    async fn visitor(&self, session: &Digest) -> Result<Option<Visitor>, StoreError> {
        let found = self.users.find_one(user_filter(Key::Session(session)));
        let found = run(found.projection(visitor_fields("sessions.$"))).await?;
        let user = found.as_deref().and_then(read_user);
        Ok(user.and_then(|user| Visitor::of(user, |user| user.sessions.pop())))
    }

    async fn token_holder(
        &self,
        token: &Digest,
    ) -> Result<Option<Visitor<UploadToken>>, StoreError> {
        let found = self.users.find_one(user_filter(Key::UploadToken(token)));
        let found = run(found.projection(visitor_fields("uploadTokens.$"))).await?;
        let user = found.as_deref().and_then(read_user);
        Ok(user.and_then(|user| Visitor::of(user, |user| user.upload_tokens.pop())))
    }

    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<UserId>, StoreError> {
        let due = doc! { "dueAt": { "$gte": date(Timestamp::PAST), "$lte": date(now) } };
        let due = self.users.find(due).sort(doc! { "dueAt": 1 });
        let due = due.limit(limit(most)).projection(doc! { "_id": 1 });
        let due = all(due).await?;
        Ok(due.iter().filter_map(|user| read_id(user)).collect())
    }

    async fn queue_mail(&self, mail: QueuedMail) -> Result<(), StoreError> {
        insert(&self.outbox, &mail_document(&mail)?).await?;
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
            self.move_leftover_notices(now.minus(NOTICE_TIMEOUT))
                .await?;
            return Ok(None);
        };
        read_mail(&claimed)
            .map(Some)
            .ok_or_else(|| StoreError("a mail in the outbox cannot be parsed".to_owned()))
    }

    async fn retry_mail(
        &self,
        id: &MailId,
        due_at: Timestamp,
        reason: &str,
    ) -> Result<(), StoreError> {
        let mut claimed = mail_filter(id);
        claimed.insert("leased", true);
        let waits = doc! {
            "$set": { "dueAt": date(due_at), "leased": false, "lastFailure": reason },
        };
        run(self.outbox.update_one(claimed, waits)).await?;
        Ok(())
    }

    async fn remove_mail(&self, id: &MailId) -> Result<bool, StoreError> {
        let removed = run(self.outbox.delete_one(mail_filter(id))).await?;
        Ok(removed.deleted_count > 0)
    }

    async fn park_mail(&self, id: &MailId, reason: &str) -> Result<(), StoreError> {
        // A mail without `dueAt` is never claimed.
        let parked = doc! {
            "$set": { "parkedBecause": reason },
            "$unset": { "dueAt": 1, "leased": 1 },
        };
        run(self.outbox.update_one(mail_filter(id), parked)).await?;
        Ok(())
    }

    async fn expedite_mail(&self, now: Timestamp) -> Result<(), StoreError> {
        self.move_leftover_notices(now).await?;
        let waiting = doc! { "leased": false, "dueAt": { "$gt": date(now) } };
        let due = doc! { "$set": { "dueAt": date(now) } };
        run(self.outbox.update_many(waiting, due)).await?;
        Ok(())
    }

    async fn mails(&self, most: usize) -> Result<Vec<OutboxMail>, StoreError> {
        let first = self.outbox.find(doc! {}).sort(doc! { "queuedAt": 1 });
        let first = all(first.limit(limit(most))).await?;
        Ok(first
            .iter()
            .filter_map(|mail| read_outbox_mail(mail))
            .collect())
    }

    async fn outbox_size(&self) -> Result<OutboxSize, StoreError> {
        let waiting = doc! { "dueAt": { "$gte": date(Timestamp::PAST) } };
        let oldest = self.outbox.find_one(waiting.clone());
        let oldest = run(oldest.sort(doc! { "queuedAt": 1 })).await?;
        let oldest = oldest.and_then(|mail| read_mail(&mail));
        Ok(OutboxSize {
            waiting: run(self.outbox.count_documents(waiting)).await?,
            parked: run(self.outbox.count_documents(doc! { "dueAt": null })).await?,
            oldest: oldest.map(|mail| mail.queued_at),
        })
    }

    async fn requeue_mail(&self, id: &MailId, now: Timestamp) -> Result<bool, StoreError> {
        let mut unclaimed = mail_filter(id);
        unclaimed.insert("leased", doc! { "$ne": true });
        let due = doc! {
            "$set": { "dueAt": date(now), "leased": false },
            "$unset": { "parkedBecause": 1 },
        };
        let requeued = run(self.outbox.update_one(unclaimed, due)).await?;
        Ok(requeued.matched_count > 0)
    }

    async fn insert_challenge(&self, challenge: &Challenge) -> Result<(), StoreError> {
        let challenge = raw(&document(challenge)?)?;
        run(self.challenges.insert_one(challenge)).await?;
        Ok(())
    }

    async fn take_challenge(&self, digest: &Digest) -> Result<Option<Challenge>, StoreError> {
        let same = doc! { "digest": digest_binary(digest) };
        let taken = run(self.challenges.find_one_and_delete(same)).await?;
        Ok(taken.as_deref().and_then(read_challenge))
    }

    async fn count_attempts(
        &self,
        attempts: &[(AttemptKey, Limit)],
        now: Timestamp,
    ) -> Result<Vec<Counted>, StoreError> {
        self.count_all(attempts, now).await
    }

    async fn attempts(&self, keys: &[AttemptKey], now: Timestamp) -> Result<u64, StoreError> {
        self.sum_attempts(keys, now).await
    }

    async fn closed_attempts(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(AttemptKey, Attempts)>, StoreError> {
        self.all_closed(now, most).await
    }

    async fn settle_attempts(
        &self,
        forgotten: &[AttemptKey],
        taken_back: &[AttemptKey],
    ) -> Result<(), StoreError> {
        self.settle_all(forgotten, taken_back).await
    }

    /// Nothing to do: a crash of this program does not lose what MongoDB has acknowledged.
    async fn flush_attempts(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn note_secret_keys(&self, used: &[KeyId], unused: &[KeyId]) -> Result<(), StoreError> {
        self.change_secret_keys(used, unused).await
    }

    async fn noted_secret_keys(&self) -> Result<Vec<KeyId>, StoreError> {
        self.secret_keys().await
    }

    async fn try_write(&self) -> Result<(), StoreError> {
        let seen = doc! { "$currentDate": { "at": true } };
        let health = self.meta.update_one(doc! { "_id": "health" }, seen);
        run(health.upsert(true)).await?;
        Ok(())
    }

    async fn sweep(&self, now: Timestamp, most: u64) -> Result<bool, StoreError> {
        if self.sweep_attempts(now, most).await? {
            return Ok(true);
        }
        let old = doc! { "queuedAt": { "$lte": date(now.minus(MAIL_LIFE)) } };
        run(self.outbox.delete_many(old)).await?;
        Ok(false)
    }

    async fn close(&self) {
        close(&self.client).await;
    }
}
