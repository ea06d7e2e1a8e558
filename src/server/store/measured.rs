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

/// Passes the operations on, and measures each under its name.
macro_rules! measure {
    ($($operation:ident($($argument:ident: $type:ty),*) -> $outcome:ty;)*) => {
        #[async_trait]
        impl Store for MeasuredStore {
            $(
                async fn $operation(&self, $($argument: $type),*) -> $outcome {
                    let done = self.store.$operation($($argument),*);
                    self.metrics.measure(stringify!($operation), done).await
                }
            )*

            async fn close(&self) {
                self.store.close().await;
            }
        }
    };
}

measure! {
    insert(user: &User) -> Result<(), InsertError>;
    find(key: Key<'_>) -> Result<Option<User>, StoreError>;
    replace(before: &User, after: &User) -> Result<Replaced, StoreError>;
    delete(user: &User, now: Timestamp, last_mail: Option<QueuedMail>)
        -> Result<Replaced, StoreError>;
    scan(after: Option<&UserId>, most: usize) -> Result<Scanned, StoreError>;
    insert_all(records: Vec<UserRecord>) -> Result<Vec<UserId>, StoreError>;
    visitor(session: &Digest) -> Result<Option<Visitor>, StoreError>;
    token_holder(token: &Digest) -> Result<Option<Visitor<UploadToken>>, StoreError>;
    due(now: Timestamp, most: usize) -> Result<Vec<UserId>, StoreError>;
    queue_mail(mail: QueuedMail) -> Result<(), StoreError>;
    claim_mail(now: Timestamp, lease: Timestamp) -> Result<Option<QueuedMail>, StoreError>;
    retry_mail(id: &MailId, due_at: Timestamp, reason: &str) -> Result<(), StoreError>;
    remove_mail(id: &MailId) -> Result<bool, StoreError>;
    park_mail(id: &MailId, reason: &str) -> Result<(), StoreError>;
    expedite_mail(now: Timestamp) -> Result<(), StoreError>;
    mails(most: usize) -> Result<Vec<OutboxMail>, StoreError>;
    outbox_size() -> Result<OutboxSize, StoreError>;
    requeue_mail(id: &MailId, now: Timestamp) -> Result<bool, StoreError>;
    insert_challenge(challenge: &Challenge) -> Result<(), StoreError>;
    take_challenge(digest: &Digest) -> Result<Option<Challenge>, StoreError>;
    count_attempts(attempts: &[(AttemptKey, Limit)], now: Timestamp)
        -> Result<Vec<Counted>, StoreError>;
    attempts(keys: &[AttemptKey], now: Timestamp) -> Result<u64, StoreError>;
    closed_attempts(now: Timestamp, most: usize) -> Result<Vec<(AttemptKey, Attempts)>, StoreError>;
    settle_attempts(forgotten: &[AttemptKey], taken_back: &[AttemptKey]) -> Result<(), StoreError>;
    flush_attempts() -> Result<(), StoreError>;
    sweep(now: Timestamp, most: u64) -> Result<bool, StoreError>;
    note_secret_keys(used: &[KeyId], unused: &[KeyId]) -> Result<(), StoreError>;
    noted_secret_keys() -> Result<Vec<KeyId>, StoreError>;
    try_write() -> Result<(), StoreError>;
}
