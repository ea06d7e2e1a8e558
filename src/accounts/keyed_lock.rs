//! Locks by key.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
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
struct Held(Mutex<HashMap<u64, Arc<Semaphore>>>);

/// Holds a lock until it is dropped.
pub struct Guard {
    // Dropped before the use ends, so that the lock is free by then.
    lock: Option<OwnedSemaphorePermit>,
    held_by: Use,
}

/// One who holds the lock of a key or waits for it.
struct Use {
    held: Arc<Held>,
    key: u64,
}

impl KeyedLock {
    /// Waits for the lock of `key`. [`Error::Busy`] after `longest`, or if who has it closes it.
    pub async fn lock(&self, key: &impl Hash, longest: Duration) -> Result<Guard, Error> {
        let key = self.hasher.hash_one(key);
        let unused = || Arc::new(Semaphore::new(1));
        let lock = self.held.locks().entry(key).or_insert_with(unused).clone();
        let held = self.held.clone();
        let held_by = Use { held, key };
        match timeout(longest, lock.acquire_owned()).await {
            Ok(Ok(lock)) => Ok(Guard {
                lock: Some(lock),
                held_by,
            }),
            Ok(Err(_)) | Err(_) => Err(Error::Busy),
        }
    }
}

impl Held {
    fn locks(&self) -> MutexGuard<'_, HashMap<u64, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard {
    /// Refuses all who wait for this lock. Who comes later finds a new one.
    pub fn close(&self) {
        if let Some(lock) = &self.lock {
            let Use { held, key } = &self.held_by;
            held.locks().remove(key);
            lock.semaphore().close();
        }
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

    #[tokio::test]
    async fn who_waits_for_a_closed_lock_is_refused_and_who_comes_later_is_not() {
        let locks = KeyedLock::default();
        let first = locks.lock(&"ada", SOON).await.unwrap();
        let (second, third) = tokio::join!(locks.lock(&"ada", SOON * 50), async {
            tokio::time::sleep(SOON).await;
            first.close();
            locks.lock(&"ada", SOON).await
        });
        assert!(matches!(second, Err(Error::Busy)));
        drop(first);
        assert!(matches!(locks.lock(&"ada", SOON).await, Err(Error::Busy)));
        drop(third.unwrap());
        assert!(locks.held.locks().is_empty());
    }
}
