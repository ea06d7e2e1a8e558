//! Reads and changes users by optimistic concurrency: a rule of [`User`] is applied to the record that was read, and
//! the result is stored only if no other change came between; if one did, the rule is applied again to what is there.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    clock::Timestamp,
    error::{Error, StoreError},
    keyed_lock::KeyedLock,
    mail::QueuedMail,
    store::{Key, Replaced, Store},
    user::User,
};

/// How long a change is retried after conflicts: long enough for a hundred at once to one user on a slow disk. A store
/// that does not answer ends it sooner, since each wait for it has a deadline of its own.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(5);

/// The users of a store.
pub struct Users {
    store: Arc<dyn Store>,
    /// Taken after a first conflict, so that the retries of one process for one user run one after the other.
    locks: KeyedLock,
}

impl Users {
    /// The users of `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            locks: KeyedLock::default(),
        }
    }

    /// The user with this key.
    pub async fn find(&self, key: Key<'_>) -> Result<Option<User>, StoreError> {
        self.store.find(key).await
    }

    /// Looks a user up, applies `rule`, and stores the result. Returns what the rule returns; None, with nothing
    /// changed, if it returns None or if there is no such user. The rule may run several times. [`Error::Busy`] if
    /// conflicts go on for too long, [`Error::EmailTaken`] if another user has the new e-mail.
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

    /// The same for a user who has been read already, however long ago: if the record is outdated, the first write is a
    /// conflict. So a login is based on the very record whose password it compared.
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
                Replaced::Conflict if began.elapsed() > CHANGE_TIMEOUT => return Err(Error::Busy),
                Replaced::Conflict => {}
            }
            // Without contention nobody waits for a lock; other processes are not held by it anyway.
            if lock.is_none() {
                lock = Some(self.locks.lock(&user.id, CHANGE_TIMEOUT).await?);
            }
            user = match self.store.find(Key::Id(&user.id)).await? {
                Some(user) => user,
                None => return Ok(None),
            };
        }
    }

    /// Like [`Self::change`], for a rule that says why it refuses.
    pub async fn try_change<T>(
        &self,
        key: Key<'_>,
        rule: impl FnMut(&mut User) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self.store.find(key).await? {
            Some(user) => self.try_change_from(user, rule).await,
            None => Ok(None),
        }
    }

    /// Like [`Self::change_from`], for a rule that says why it refuses.
    pub async fn try_change_from<T>(
        &self,
        user: User,
        mut rule: impl FnMut(&mut User) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut refused = None;
        let done = self.change_from(user, |user| {
            let outcome = rule(user);
            outcome.map_err(|error| refused = Some(error)).ok()
        });
        let done = done.await?;
        refused.map_or(Ok(done), Err)
    }

    /// Removes a user, unless `check` refuses, and sends the mail that it gives. False if there is no such user.
    pub async fn delete(
        &self,
        key: Key<'_>,
        now: Timestamp,
        check: impl Fn(&User) -> Result<Option<QueuedMail>, Error>,
    ) -> Result<bool, Error> {
        let began = Instant::now();
        while let Some(user) = self.store.find(key).await? {
            let last_mail = check(&user)?;
            match self.store.delete(&user, now, last_mail).await? {
                Replaced::Done => return Ok(true),
                _ if began.elapsed() > CHANGE_TIMEOUT => return Err(Error::Busy),
                _ => {}
            }
        }
        Ok(false)
    }
}
