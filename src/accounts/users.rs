//! Reads and changes users: a change is a rule of [`User`], applied to what was read, and kept if nothing else has
//! changed the user meanwhile; else it is applied anew.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    error::{Error, StoreError},
    store::{Key, Replaced, Store},
    striped_lock::StripedLock,
    user::User,
};

/// How long a change is tried anew.
const CHANGE_TIME: Duration = Duration::from_secs(2);

/// The users of a store.
pub struct Users {
    store: Arc<dyn Store>,
    /// Whoever met another change takes the user's lock, so that the changes of one process to one user then come
    /// one after the other.
    locks: StripedLock,
}

impl Users {
    /// The users of `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            locks: StripedLock::new(),
        }
    }

    /// The user with this key.
    pub async fn find(&self, key: Key<'_>) -> Result<Option<User>, StoreError> {
        self.store.find(key).await
    }

    /// Finds a user and applies `rule`; what it gives back. None if there is no such user, or the rule gives none,
    /// and then nothing is changed. [`Error::Busy`] if others change the user all the time, [`Error::EmailTaken`] if
    /// another user has the new e-mail.
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
                Replaced::Taken => return Err(Error::EmailTaken),
                Replaced::Conflict if began.elapsed() > CHANGE_TIME => return Err(Error::Busy),
                Replaced::Conflict => {}
            }
            if lock.is_none() {
                lock = Some(self.locks.lock(&user.id, CHANGE_TIME).await?);
            }
            user = match self.store.find(Key::Id(&user.id)).await? {
                Some(user) => user,
                None => return Ok(None),
            };
        }
    }
}
