//! A striped lock: locks by key, with a fixed number of mutexes.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

use super::error::Error;

/// Enough that two keys seldom share one.
const LOCKS: usize = 1024;

/// A fixed number of locks. Each key belongs to one of them.
pub struct StripedLock {
    locks: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

/// Holds a lock until it is dropped.
pub type Guard = OwnedMutexGuard<()>;

impl StripedLock {
    /// Unlocked.
    pub fn new() -> Self {
        Self {
            locks: (0..LOCKS).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits for the lock of `key`. [`Error::Busy`] after `longest`.
    pub async fn lock(&self, key: &impl Hash, longest: Duration) -> Result<Guard, Error> {
        let position = self.hasher.hash_one(key) as usize % LOCKS;
        let lock = self.locks[position].clone().lock_owned();
        timeout(longest, lock).await.map_err(|_| Error::Busy)
    }
}

impl Default for StripedLock {
    fn default() -> Self {
        Self::new()
    }
}
