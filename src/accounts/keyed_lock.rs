//! Locks by key.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as Lock, OwnedMutexGuard},
    time::timeout,
};

use super::error::Error;

/// A lock for each key, for as long as somebody holds it or waits for it. Keys share none: whoever holds many would
/// keep others waiting by chance.
#[derive(Default)]
pub struct KeyedLock {
    held: Arc<Held>,
    hasher: RandomState,
}

/// The locks, by a hash of the key that nobody outside can foresee.
#[derive(Default)]
struct Held(Mutex<HashMap<u64, Arc<Lock<()>>>>);

/// Holds a lock until it is dropped.
pub struct Guard {
    // Dropped before the use ends, so that the lock is free by then.
    lock: Option<OwnedMutexGuard<()>>,
    _use: Use,
}

/// One who holds the lock of a key or waits for it.
struct Use {
    held: Arc<Held>,
    key: u64,
}

impl KeyedLock {
    /// Waits for the lock of `key`. [`Error::Busy`] after `longest`.
    pub async fn lock(&self, key: &impl Hash, longest: Duration) -> Result<Guard, Error> {
        let key = self.hasher.hash_one(key);
        let lock = self.held.locks().entry(key).or_default().clone();
        let held = self.held.clone();
        let waiting = Use { held, key };
        let lock = timeout(longest, lock.lock_owned()).await;
        Ok(Guard {
            lock: Some(lock.map_err(|_| Error::Busy)?),
            _use: waiting,
        })
    }
}

impl Held {
    fn locks(&self) -> MutexGuard<'_, HashMap<u64, Arc<Lock<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.lock = None;
    }
}

impl Drop for Use {
    /// Forgets the lock if nobody else has it.
    fn drop(&mut self) {
        let mut locks = self.held.locks();
        if locks
            .get(&self.key)
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            locks.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn keys_do_not_wait_for_each_other_and_nothing_stays() {
        let locks = KeyedLock::default();
        let mut guards = Vec::new();
        for key in 0..5000 {
            guards.push(locks.lock(&key, SOON).await.unwrap());
        }
        assert!(matches!(locks.lock(&7, SOON).await, Err(Error::Busy)));
        assert_eq!(locks.held.locks().len(), 5000);
        guards.truncate(7);
        drop(locks.lock(&7, SOON).await.unwrap());
        guards.clear();
        assert!(locks.held.locks().is_empty());
    }

    #[tokio::test]
    async fn who_waits_has_the_lock_next() {
        let locks = KeyedLock::default();
        let first = locks.lock(&"ada", SOON).await.unwrap();
        let (second, ()) = tokio::join!(locks.lock(&"ada", SOON * 50), async {
            tokio::time::sleep(SOON).await;
            drop(first);
        });
        assert!(matches!(locks.lock(&"ada", SOON).await, Err(Error::Busy)));
        drop(second);
        assert!(locks.held.locks().is_empty());
    }
}
