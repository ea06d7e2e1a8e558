//! Counters of attempts.

use std::ops::RangeBounds;

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::tables::{ATTEMPTS, Commit, Result, Tables, decode, encode, get};
use crate::accounts::{
    attempts::{AttemptKey, Attempts},
    clock::Timestamp,
    limit_table::SHORT_MEMORY,
    store::SWEPT_AT_ONCE,
};

/// Sorts after every key.
const MAX_KEY: &str = "\u{10ffff}";

impl Tables<'_> {
    pub(super) fn attempts(&self, key: &AttemptKey) -> Result<Option<Attempts>> {
        get(&self.attempts, key.as_str())
    }

    pub(super) fn put_attempts(&mut self, key: &AttemptKey, attempts: Attempts) -> Result<()> {
        self.drop_attempts(key)?;
        self.commit = self.commit.max(Commit::Delayed);
        let end = attempts.expires_at.millis();
        let record = encode(&attempts)?;
        self.attempts.insert(key.as_str(), record.as_slice())?;
        self.attempts_end.insert((end, key.as_str()), ())?;
        Ok(())
    }

    pub(super) fn drop_attempts(&mut self, key: &AttemptKey) -> Result<()> {
        if let Some(attempts) = self.attempts(key)? {
            self.commit = self.commit.max(Commit::Delayed);
            self.attempts.remove(key.as_str())?;
            self.attempts_end
                .remove((attempts.expires_at.millis(), key.as_str()))?;
        }
        Ok(())
    }

    /// Deletes counters that have expired or are over the limit of `most`. True if it deleted as many as it may at once.
    pub(super) fn sweep_attempts(&mut self, now: Timestamp, most: u64) -> Result<bool> {
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

    /// The first keys, at most `most`, of the counters that expire within a range.
    fn attempts_until<'r>(
        &self,
        range: impl RangeBounds<(i64, &'r str)> + 'r,
        most: usize,
    ) -> Result<Vec<AttemptKey>> {
        let rows = self.attempts_end.range(range)?.take(most);
        rows.map(|row| Ok(AttemptKey::from(row?.0.value().1)))
            .collect()
    }
}

/// How many attempts these keys have together.
pub(super) fn sum_attempts(
    transaction: &ReadTransaction,
    keys: &[AttemptKey],
    now: Timestamp,
) -> Result<u64> {
    let table = transaction.open_table(ATTEMPTS)?;
    let mut sum = 0;
    for key in keys {
        let attempts: Option<Attempts> = get(&table, key.as_str())?;
        let live = attempts.filter(|attempts| attempts.expires_at > now);
        sum += live.map_or(0, |attempts| u64::from(attempts.count));
    }
    Ok(sum)
}

/// The counters that refuse attempts at a moment.
pub(super) fn closed_attempts(
    transaction: &ReadTransaction,
    now: Timestamp,
    most: usize,
) -> Result<Vec<(AttemptKey, Attempts)>> {
    let table = transaction.open_table(ATTEMPTS)?;
    let mut closed = Vec::new();
    for row in table.iter()? {
        let (key, attempts) = row?;
        let attempts: Attempts = decode(attempts.value())?;
        if attempts.open_at > now && attempts.expires_at > now {
            closed.push((AttemptKey::from(key.value()), attempts));
        }
        if closed.len() == most {
            break;
        }
    }
    Ok(closed)
}
