//! A store that counts and times the operations of another one.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    accounts::{
        attempts::{AttemptKey, Attempts, Counted, Limit},
        challenge::Challenge,
        clock::Timestamp,
        error::StoreError,
        id::UserId,
        mail::{MailId, OutboxMail, OutboxSize, QueuedMail},
        secret_keys::KeyId,
        store::{InsertError, Key, Replaced, Scanned, Store, UserRecord, Visitor},
        token::Digest,
        user::{UploadToken, User},
    },
    server::metrics::store::StoreMetrics,
};

/// This store, with its operations counted and timed.
pub fn measured(store: Arc<dyn Store>, metrics: &StoreMetrics) -> Arc<dyn Store> {
    let metrics = metrics.clone();
    Arc::new(MeasuredStore { store, metrics })
}

struct MeasuredStore {
    store: Arc<dyn Store>,
    metrics: StoreMetrics,
}

#[async_trait]
impl Store for MeasuredStore {
    async fn insert(&self, user: &User) -> Result<(), InsertError> {
        let done = self.store.insert(user);
        self.metrics.measure("insert", done).await
    }

    async fn find(&self, key: Key<'_>) -> Result<Option<User>, StoreError> {
        let done = self.store.find(key);
        self.metrics.measure("find", done).await
    }

    async fn replace(&self, before: &User, after: &User) -> Result<Replaced, StoreError> {
        let done = self.store.replace(before, after);
        self.metrics.measure("replace", done).await
    }

    async fn delete(
        &self,
        user: &User,
        now: Timestamp,
        last_mail: Option<QueuedMail>,
    ) -> Result<Replaced, StoreError> {
        let done = self.store.delete(user, now, last_mail);
        self.metrics.measure("delete", done).await
    }

    async fn scan(&self, after: Option<&UserId>, most: usize) -> Result<Scanned, StoreError> {
        let done = self.store.scan(after, most);
        self.metrics.measure("scan", done).await
    }

    async fn insert_all(&self, records: Vec<UserRecord>) -> Result<Vec<UserId>, StoreError> {
        let done = self.store.insert_all(records);
        self.metrics.measure("insert_all", done).await
    }

    async fn visitor(&self, session: &Digest) -> Result<Option<Visitor>, StoreError> {
        let done = self.store.visitor(session);
        self.metrics.measure("visitor", done).await
    }

    async fn token_holder(
        &self,
        token: &Digest,
    ) -> Result<Option<Visitor<UploadToken>>, StoreError> {
        let done = self.store.token_holder(token);
        self.metrics.measure("token_holder", done).await
    }

    async fn due(&self, now: Timestamp, most: usize) -> Result<Vec<UserId>, StoreError> {
        let done = self.store.due(now, most);
        self.metrics.measure("due", done).await
    }

    async fn queue_mail(&self, mail: QueuedMail) -> Result<(), StoreError> {
        let done = self.store.queue_mail(mail);
        self.metrics.measure("queue_mail", done).await
    }

    async fn claim_mail(
        &self,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<QueuedMail>, StoreError> {
        let done = self.store.claim_mail(now, lease);
        self.metrics.measure("claim_mail", done).await
    }

    async fn retry_mail(&self, id: &MailId, due_at: Timestamp) -> Result<(), StoreError> {
        let done = self.store.retry_mail(id, due_at);
        self.metrics.measure("retry_mail", done).await
    }

    async fn remove_mail(&self, id: &MailId) -> Result<bool, StoreError> {
        let done = self.store.remove_mail(id);
        self.metrics.measure("remove_mail", done).await
    }

    async fn park_mail(&self, id: &MailId, reason: &str) -> Result<(), StoreError> {
        let done = self.store.park_mail(id, reason);
        self.metrics.measure("park_mail", done).await
    }

    async fn expedite_mail(&self, now: Timestamp) -> Result<(), StoreError> {
        let done = self.store.expedite_mail(now);
        self.metrics.measure("expedite_mail", done).await
    }

    async fn mails(&self, most: usize) -> Result<Vec<OutboxMail>, StoreError> {
        let done = self.store.mails(most);
        self.metrics.measure("mails", done).await
    }

    async fn outbox_size(&self) -> Result<OutboxSize, StoreError> {
        let done = self.store.outbox_size();
        self.metrics.measure("outbox_size", done).await
    }

    async fn requeue_mail(&self, id: &MailId, now: Timestamp) -> Result<bool, StoreError> {
        let done = self.store.requeue_mail(id, now);
        self.metrics.measure("requeue_mail", done).await
    }

    async fn insert_challenge(&self, challenge: &Challenge) -> Result<(), StoreError> {
        let done = self.store.insert_challenge(challenge);
        self.metrics.measure("insert_challenge", done).await
    }

    async fn take_challenge(&self, digest: &Digest) -> Result<Option<Challenge>, StoreError> {
        let done = self.store.take_challenge(digest);
        self.metrics.measure("take_challenge", done).await
    }

    async fn count_attempts(
        &self,
        attempts: &[(AttemptKey, Limit)],
        now: Timestamp,
    ) -> Result<Vec<Counted>, StoreError> {
        let done = self.store.count_attempts(attempts, now);
        self.metrics.measure("count_attempts", done).await
    }

    async fn attempts(&self, keys: &[AttemptKey], now: Timestamp) -> Result<u64, StoreError> {
        let done = self.store.attempts(keys, now);
        self.metrics.measure("attempts", done).await
    }

    async fn closed_attempts(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(AttemptKey, Attempts)>, StoreError> {
        let done = self.store.closed_attempts(now, most);
        self.metrics.measure("closed_attempts", done).await
    }

    async fn settle_attempts(
        &self,
        forgotten: &[AttemptKey],
        taken_back: &[AttemptKey],
    ) -> Result<(), StoreError> {
        let done = self.store.settle_attempts(forgotten, taken_back);
        self.metrics.measure("settle_attempts", done).await
    }

    async fn flush_attempts(&self) -> Result<(), StoreError> {
        let done = self.store.flush_attempts();
        self.metrics.measure("flush_attempts", done).await
    }

    async fn sweep(&self, now: Timestamp, most: u64) -> Result<bool, StoreError> {
        let done = self.store.sweep(now, most);
        self.metrics.measure("sweep", done).await
    }

    async fn note_secret_keys(&self, used: &[KeyId], unused: &[KeyId]) -> Result<(), StoreError> {
        let done = self.store.note_secret_keys(used, unused);
        self.metrics.measure("note_secret_keys", done).await
    }

    async fn noted_secret_keys(&self) -> Result<Vec<KeyId>, StoreError> {
        let done = self.store.noted_secret_keys();
        self.metrics.measure("noted_secret_keys", done).await
    }

    async fn try_write(&self) -> Result<(), StoreError> {
        let done = self.store.try_write();
        self.metrics.measure("try_write", done).await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
