//! All users, for a backup and from one.

use mongodb::{
    bson::doc,
    error::{Error, ErrorKind, IndexedWriteError},
    options::Hint,
};

use super::{
    MongoStore,
    documents::{id_bson, read_id, read_record, record_document},
    driver::{DUPLICATE_KEY, all, failure, limit, raw, within},
};
use crate::accounts::{
    error::StoreError,
    id::UserId,
    store::{Scanned, UserRecord},
};

impl MongoStore {
    /// The records after an id, at most `most`.
    pub(super) async fn scan_users(
        &self,
        after: Option<&UserId>,
        most: usize,
    ) -> Result<Scanned, StoreError> {
        // One more, since the first is `after` itself.
        let limit = limit(most.saturating_add(1));
        let by_id = doc! { "_id": 1 };
        let mut found = self.users.find(doc! {}).sort(by_id.clone()).limit(limit);
        if let Some(after) = after {
            // A comparison in the filter would find only ids of the same type.
            found = found
                .hint(Hint::Keys(by_id))
                .min(doc! { "_id": id_bson(after) });
        }
        let found = all(found).await?;
        let found = found
            .iter()
            .filter_map(|document| Some((read_id(document)?, read_record(document))))
            .filter(|(id, _)| Some(id) != after)
            .take(most);
        Ok(Scanned::of(found.collect()))
    }

    /// Adds all records. Returns the ids of users who were not added, since another one has an address of theirs.
    pub(super) async fn insert_records(
        &self,
        records: &[UserRecord],
    ) -> Result<Vec<UserId>, StoreError> {
        let documents = records
            .iter()
            .map(|record| raw(&record_document(record)?))
            .collect::<Result<Vec<_>, _>>()?;
        if documents.is_empty() {
            return Ok(Vec::new());
        }
        let Err(error) = within(self.users.insert_many(documents).ordered(false)).await? else {
            return Ok(Vec::new());
        };
        let Some(duplicates) = duplicates(&error) else {
            return Err(failure(error));
        };
        let left_out = duplicates
            .iter()
            .filter_map(|error| records.get(error.index));
        Ok(left_out.map(|record| record.id().clone()).collect())
    }
}

/// The documents that were not inserted, if all others were.
fn duplicates(error: &Error) -> Option<&[IndexedWriteError]> {
    match &*error.kind {
        ErrorKind::InsertMany(error) if error.write_concern_error.is_none() => {
            let errors = error.write_errors.as_deref()?;
            let is_duplicate = |error: &IndexedWriteError| error.code == DUPLICATE_KEY;
            errors.iter().all(is_duplicate).then_some(errors)
        }
        _ => None,
    }
}
