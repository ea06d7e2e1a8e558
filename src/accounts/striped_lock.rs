//! Locks for many things at the price of a few.

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

/// Enough that two things seldom share one.
const LOCKS: usize = 1024;

/// A fixed number of locks, each of them for some of the things that are locked.
pub struct StripedLock {
    locks: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

/// Holds what was locked.
pub type Guard = OwnedMutexGuard<()>;

impl StripedLock {
    /// Locks that nobody holds.
    pub fn new() -> Self {
        Self {
            locks: (0..LOCKS).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Waits for the lock of `what`; [`Error::Busy`] after `longest`.
    pub async fn lock(&self, what: &impl Hash, longest: Duration) -> Result<Guard, Error> {
        let position = self.hasher.hash_one(what) as usize % LOCKS;
        let lock = self.locks[position].clone().lock_owned();
        timeout(longest, lock).await.map_err(|_| Error::Busy)
    }
}

impl Default for StripedLock {
    fn default() -> Self {
        Self::new()
    }
}
