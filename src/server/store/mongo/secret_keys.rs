//! Which keys have encrypted secrets in the database: their ids, in one document of the collection `meta`.

use mongodb::{
    Collection,
    bson::{Document, doc},
};

use super::{
    MongoStore,
    connect::{close, connect},
    driver::run,
    schema::COLLECTION,
};
use crate::{
    accounts::{error::StoreError, secret_keys::KeyId},
    server::settings::WrongSetting,
};

const ID: &str = "secretKeys";

impl MongoStore {
    /// Notes keys, and forgets others.
    pub(super) async fn change_secret_keys(
        &self,
        used: &[KeyId],
        unused: &[KeyId],
    ) -> Result<(), StoreError> {
        let ids = |keys: &[KeyId]| {
            let ids: Vec<_> = keys.iter().map(KeyId::to_string).collect();
            doc! { "$literal": ids }
        };
        let noted = doc! { "$ifNull": ["$ids", []] };
        let with_used = doc! { "$setUnion": [noted, ids(used)] };
        let changed = doc! { "$setDifference": [with_used, ids(unused)] };
        let change = vec![doc! { "$set": { "ids": changed } }];
        let keys = self.meta.update_one(doc! { "_id": ID }, change);
        run(keys.upsert(true)).await?;
        Ok(())
    }

    /// The keys that were noted.
    pub(super) async fn secret_keys(&self) -> Result<Vec<KeyId>, StoreError> {
        read(&self.meta).await
    }
}

/// The keys that were noted in a database, which is not changed. Fails within seconds if no server answers.
pub async fn noted(
    uri: &str,
    database: &str,
) -> Result<Result<Vec<KeyId>, StoreError>, WrongSetting> {
    let database = connect(uri, database).await?;
    let noted = read(&database.collection(COLLECTION)).await;
    close(database.client()).await;
    Ok(noted)
}

async fn read(meta: &Collection<Document>) -> Result<Vec<KeyId>, StoreError> {
    let noted = run(meta.find_one(doc! { "_id": ID })).await?;
    let ids = noted.as_ref().and_then(|noted| noted.get_array("ids").ok());
    let ids = ids.into_iter().flatten().filter_map(|id| id.as_str());
    let mut keys: Vec<_> = ids.map(|id| KeyId::from_stored(id.to_owned())).collect();
    keys.sort();
    Ok(keys)
}
