//! Counters of attempts, each changed by one atomic update.

use std::{future::IntoFuture, time::Duration};

use futures_util::{FutureExt, TryFutureExt, future::try_join_all};
use mongodb::{
    bson::{Bson, Document, doc},
    options::ReturnDocument,
};

use super::{
    MongoStore,
    documents::{date, read_date},
    driver::{all, limit, run, within},
};
use crate::accounts::{
    attempts::{AttemptKey, Attempts, Counted, Limit},
    clock::Timestamp,
    error::StoreError,
    limit_table::SHORT_MEMORY,
    store::SWEPT_AT_ONCE,
};

impl MongoStore {
    async fn count_attempt(
        &self,
        key: &AttemptKey,
        limit: Limit,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        let count = self
            .attempts
            .find_one_and_update(attempts_filter(key), count_pipeline(limit, now))
            .upsert(true)
            .return_document(ReturnDocument::After);
        let Some(attempts) = run(count).await? else {
            return Err(StoreError("MongoDB did not count an attempt".to_owned()));
        };
        let is_counted = attempts.get_bool("counted").unwrap_or_default();
        let attempts = read_attempts(&attempts);
        Ok(match is_counted {
            true => Ok(attempts),
            false => Err(attempts.open_at),
        })
    }

    /// Deletes counters that have expired or are over the limit of `most`. True if it deleted as many as it may at once.
    pub(super) async fn sweep_attempts(
        &self,
        now: Timestamp,
        most: u64,
    ) -> Result<bool, StoreError> {
        let expired = doc! { "expiresAt": { "$lte": date(now) } };
        let dropped = self.drop_attempts(expired, SWEPT_AT_ONCE).await?;
        let kept = run(self.attempts.estimated_document_count()).await?;
        let excess = usize::try_from(kept.saturating_sub(most)).unwrap_or(usize::MAX);
        let surplus = excess.min(SWEPT_AT_ONCE - dropped);
        let long_lived = doc! { "expiresAt": { "$gt": date(now.plus(SHORT_MEMORY)) } };
        let surplus = self.drop_attempts(long_lived, surplus).await?;
        Ok(dropped + surplus == SWEPT_AT_ONCE)
    }

    /// Deletes the counters that expire soonest, at most `most`. Returns how many.
    async fn drop_attempts(&self, wanted: Document, most: usize) -> Result<usize, StoreError> {
        if most == 0 {
            return Ok(0);
        }
        let first = self.attempts.find(wanted).sort(doc! { "expiresAt": 1 });
        let first = first.projection(doc! { "_id": 1 });
        let first = all(first.limit(limit(most))).await?;
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

    pub(super) async fn count_all(
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

    pub(super) async fn sum_attempts(
        &self,
        keys: &[AttemptKey],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let keys: Vec<&str> = keys.iter().map(AttemptKey::as_str).collect();
        let live = doc! { "_id": { "$in": keys }, "expiresAt": { "$gt": date(now) } };
        let live = all(self.attempts.find(live)).await?;
        Ok(live
            .iter()
            .map(|attempts| u64::from(read_count(attempts)))
            .sum())
    }

    pub(super) async fn all_closed(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(AttemptKey, Attempts)>, StoreError> {
        let closed = doc! { "openAt": { "$gt": date(now) }, "expiresAt": { "$gt": date(now) } };
        let closed = all(self.attempts.find(closed).limit(limit(most))).await?;
        let counters = closed.iter().filter_map(|attempts| {
            let key = attempts.get_str("_id").ok()?;
            Some((AttemptKey::from(key), read_attempts(attempts)))
        });
        Ok(counters.collect())
    }

    pub(super) async fn settle_all(
        &self,
        forgotten: &[AttemptKey],
        taken_back: &[AttemptKey],
    ) -> Result<(), StoreError> {
        let forgotten = forgotten.iter().map(|key| {
            let gone = self.attempts.delete_one(attempts_filter(key)).into_future();
            run(gone.map_ok(drop)).boxed()
        });
        let taken_back = taken_back.iter().map(|key| {
            let is_last = doc! { "$lte": ["$count", 1] };
            let less = doc! { "$set": {
                "count": { "$subtract": ["$count", 1] },
                "openAt": date(Timestamp::PAST),
                "expiresAt": { "$cond": [is_last, date(Timestamp::PAST), "$expiresAt"] },
            } };
            let mut counted = attempts_filter(key);
            counted.insert("count", doc! { "$gt": 0 });
            let less = self.attempts.update_one(counted, vec![less]).into_future();
            run(less.map_ok(drop)).boxed()
        });
        try_join_all(forgotten.chain(taken_back)).await?;
        Ok(())
    }
}

fn attempts_filter(key: &AttemptKey) -> Document {
    doc! { "_id": key.as_str() }
}

fn read_attempts(document: &Document) -> Attempts {
    Attempts {
        count: read_count(document),
        open_at: read_date(document, "openAt"),
        expires_at: read_date(document, "expiresAt"),
    }
}

/// The number of attempts in a document.
fn read_count(document: &Document) -> u32 {
    let count = document.get_i32("count").ok();
    count.and_then(|count| count.try_into().ok()).unwrap_or(0)
}

/// The update pipeline that counts an attempt as [`Limit::count`] does. Sets `counted` to whether it was allowed.
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

/// An expression for the time that a count of attempts leads to, by the wait that applies from that count; `none`
/// before the first.
fn by_count(limit: Limit, moment: impl Fn(Duration) -> Timestamp, none: Timestamp) -> Document {
    let waits = limit.waits().into_iter().rev();
    let branches: Vec<Document> = waits
        .map(|(count, wait)| {
            doc! { "case": { "$gte": ["$count", count] }, "then": date(moment(wait)) }
        })
        .collect();
    doc! { "$switch": { "branches": branches, "default": date(none) } }
}
