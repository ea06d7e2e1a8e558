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
    Ok(Scanned::of(found))
}

impl Tables<'_> {
    /// Adds all records. Returns the ids of users who were not added, since another one has an address of theirs.
    pub(super) fn insert_all(&mut self, records: Vec<UserRecord>) -> Result<Vec<UserId>> {
        let mut left_out = Vec::new();
        for record in records {
            let id = record.id().clone();
            let is_added = match record {
                UserRecord::User(user) => self.insert_user(*user)?,
                UserRecord::Deleted { id, at } => {
                    self.commit = Commit::AtOnce;
                    self.deleted.insert(id.as_str(), at.millis())?;
                    true
                }
            };
            if !is_added {
                left_out.push(id);
            }
        }
        Ok(left_out)
    }
}
