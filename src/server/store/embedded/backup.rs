//! All users, for a backup and from one.

use std::ops::Bound;

use redb::ReadTransaction;

use super::tables::{Commit, DELETED, Result, Tables, USERS, decode};
use crate::accounts::{
    clock::Timestamp,
    id::UserId,
    store::{Scanned, UserRecord},
};

/// The records after an id, at most `most`.
pub(super) fn scan(
    transaction: &ReadTransaction,
    after: Option<&UserId>,
    most: usize,
) -> Result<Scanned> {
    let start = after.map_or(Bound::Unbounded, |id| Bound::Excluded(id.as_str()));
    let rest = (start, Bound::Unbounded);
    let mut found = Vec::new();
    let users = transaction.open_table(USERS)?;
    for row in users.range::<&str>(rest)?.take(most) {
        let (id, user) = row?;
        let id = UserId::from_stored(id.value().to_owned());
        found.push((id, decode(user.value()).ok().map(UserRecord::User)));
    }
    let deleted = transaction.open_table(DELETED)?;
    for row in deleted.range::<&str>(rest)?.take(most) {
        let (id, at) = row?;
        let id = UserId::from_stored(id.value().to_owned());
        let at = Timestamp::from_millis(at.value());
        found.push((id.clone(), Some(UserRecord::Deleted { id, at })));
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found.truncate(most);
    let last = found.last().map(|(id, _)| id.clone());
    let (mut records, mut unreadable) = (Vec::new(), Vec::new());
    for (id, record) in found {
        match record {
            Some(record) => records.push(record),
            None => unreadable.push(id),
        }
    }
    Ok(Scanned {
        records,
        unreadable,
        last,
    })
}

impl Tables<'_> {
    /// Adds all records. Returns the ids of users who were not added, since another one has an address of theirs.
    pub(super) fn insert_all(&mut self, records: Vec<UserRecord>) -> Result<Vec<UserId>> {
        let mut left_out = Vec::new();
        for record in records {
            let id = record.id().clone();
            let is_added = match record {
                UserRecord::User(user) => self.insert_user(*user)?,
                UserRecord::Deleted { id, at } => self.insert_deleted(&id, at)?,
            };
            if !is_added {
                left_out.push(id);
            }
        }
        Ok(left_out)
    }

    fn insert_deleted(&mut self, id: &UserId, at: Timestamp) -> Result<bool> {
        self.commit = Commit::AtOnce;
        self.deleted.insert(id.as_str(), at.millis())?;
        Ok(true)
    }
}
