//! Which keys have encrypted secrets in the database: their ids, in one document of the collection `meta`.

use mongodb::bson::doc;

use super::{MongoStore, driver::run};
use crate::accounts::{error::StoreError, secret_keys::KeyId};

const ID: &str = "secretKeys";

impl MongoStore {
    /// Notes a key, unless it was noted before.
    pub(super) async fn add_secret_key(&self, key: &KeyId) -> Result<(), StoreError> {
        let noted = doc! { "$addToSet": { "ids": key.to_string() } };
        let keys = self.meta.update_one(doc! { "_id": ID }, noted);
        run(keys.upsert(true)).await?;
        Ok(())
    }

    /// The keys that were noted.
    pub(super) async fn secret_keys(&self) -> Result<Vec<KeyId>, StoreError> {
        let noted = run(self.meta.find_one(doc! { "_id": ID })).await?;
        let ids = noted.as_ref().and_then(|noted| noted.get_array("ids").ok());
        let ids = ids.into_iter().flatten().filter_map(|id| id.as_str());
        let mut keys: Vec<_> = ids.map(|id| KeyId::from_stored(id.to_owned())).collect();
        keys.sort();
        Ok(keys)
    }
}
