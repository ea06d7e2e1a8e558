//! The two implementations of [`Store`]: MongoDB, and a file of this machine; and what measures either.

pub mod deadline;
mod embedded;
pub mod measured;
mod mongo;

use std::{path::Path, sync::Arc};

use super::settings::{Settings, WrongSetting};
use crate::accounts::{secret_keys::KeyId, store::Store};

pub use self::mongo::first_backend;
use self::{embedded::EmbeddedStore, mongo::MongoStore};
pub use self::{
    embedded::file::path as embedded_file,
    mongo::inspect::{MongoInspection, inspect_mongo},
};

/// Opens the store that the settings choose. Also returns a description for the log at start.
pub async fn open(settings: &Settings) -> Result<(Arc<dyn Store>, String), WrongSetting> {
    match &settings.mongo_uri {
        Some(uri) => {
            let database = &settings.mongo_db_name;
            let store = open_mongo(uri, database).await?;
            Ok((store, format!("MongoDB, database {database}")))
        }
        None => {
            let folder = &settings.data_dir;
            let store = open_embedded(folder)?;
            Ok((store, format!("embedded, in {}", folder.display())))
        }
    }
}

/// The same, unless the embedded store is not there yet: a command would make one where nobody looks for it.
pub async fn open_existing(settings: &Settings) -> Result<(Arc<dyn Store>, String), WrongSetting> {
    if !exists(settings)? {
        let folder = &settings.data_dir;
        return Err(WrongSetting::new(format!(
            "DATA_DIR: there is no store in `{}`; set DATA_DIR or MONGO_URI as for the server",
            folder.display()
        )));
    }
    open(settings).await
}

/// Whether there is a store to open. A database of MongoDB is there as soon as somebody asks for it.
/// An error if this user may not know.
pub fn exists(settings: &Settings) -> Result<bool, WrongSetting> {
    if settings.mongo_uri.is_some() {
        return Ok(true);
    }
    let file = embedded_file(&settings.data_dir);
    file.try_exists().map_err(|error| {
        let file = file.display();
        WrongSetting::new(format!(
            "DATA_DIR: `{file}` cannot be looked at: {error}; run this as the user of the server, or as root"
        ))
    })
}

/// The keys that have encrypted secrets in the store that the settings choose, which is not made or changed.
pub async fn noted_secret_keys(settings: &Settings) -> Result<Vec<KeyId>, WrongSetting> {
    let noted = match &settings.mongo_uri {
        Some(uri) => mongo::secret_keys::noted(uri, &settings.mongo_db_name).await?,
        None => {
            let (store, _) = open_existing(settings).await?;
            let noted = store.noted_secret_keys().await;
            store.close().await;
            noted
        }
    };
    noted.map_err(|error| WrongSetting::new(error.to_string()))
}

/// Opens the store in a MongoDB database and creates its indexes.
///
/// Fails within seconds if no server answers, and fails if two users have the same e-mail.
pub async fn open_mongo(uri: &str, database: &str) -> Result<Arc<dyn Store>, WrongSetting> {
    Ok(Arc::new(MongoStore::open(uri, database).await?))
}

/// Opens the store in the file `registry.redb` of a directory. Creates both if they are missing.
///
/// Fails if the directory cannot be written or if another process uses the file.
pub fn open_embedded(dir: &Path) -> Result<Arc<dyn Store>, WrongSetting> {
    Ok(Arc::new(EmbeddedStore::open(dir)?))
}
