//! Reads and changes users: a change is a rule of [`User`], applied to what was read, and kept if nothing else has
//! changed the user meanwhile; else it is applied anew.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

use super::{
    Error,
    store::{Key, Replaced, Store, StoreError},
    user::{User, UserId},
};

/// How long a change is tried anew.
const CHANGE_TIME: Duration = Duration::from_secs(2);
/// Enough that two users seldom share one.
const LOCKS: usize = 256;

/// The users of a store.
pub struct Users {
    store: Arc<dyn Store>,
    /// One for some of the users each. Whoever met another change takes it, so that the changes of one process to
    /// one user then come one after the other.
    locks: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

impl Users {
    /// The users of `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            locks: (0..LOCKS).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The user with this key.
    pub async fn find(&self, key: Key<'_>) -> Result<Option<User>, StoreError> {
        self.store.find(key).await
    }

    /// Finds a user and applies `rule`; what it gives back. None if there is no such user, or the rule gives none,
    /// and then nothing is changed. [`Error::Busy`] if others change the user all the time.
    pub async fn change<T>(
        &self,
        key: Key<'_>,
        rule: impl FnMut(&mut User) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.store.find(key).await? {
            Some(user) => self.change_from(user, rule).await,
            None => Ok(None),
        }
    }

    /// The same for a user who has just been read.
    pub async fn change_from<T>(
        &self,
        mut user: User,
        mut rule: impl FnMut(&mut User) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let began = Instant::now();
        let mut lock = None;
        loop {
            let mut after = user.clone();
            let Some(outcome) = rule(&mut after) else {
                return Ok(None);
            };
            match self.store.replace(&user, &after).await? {
                Replaced::Done => return Ok(Some(outcome)),
                Replaced::Conflict if began.elapsed() > CHANGE_TIME => return Err(Error::Busy),
                Replaced::Conflict => {}
            }
            if lock.is_none() {
                lock = Some(self.lock(&user.id).await?);
            }
            user = match self.store.find(Key::Id(&user.id)).await? {
                Some(user) => user,
                None => return Ok(None),
            };
        }
    }

    async fn lock(&self, id: &UserId) -> Result<OwnedMutexGuard<()>, Error> {
        let place = self.hasher.hash_one(id) as usize % LOCKS;
        let lock = self.locks[place].clone().lock_owned();
        timeout(CHANGE_TIME, lock).await.map_err(|_| Error::Busy)
    }
}
