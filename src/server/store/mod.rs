//! Where the accounts are kept: the two implementations of [`Store`].

mod embedded;
mod mongo;

use std::{path::Path, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};

use super::settings::{Settings, WrongSetting};
use crate::accounts::store::{Store, StoreError};

use self::{embedded::EmbeddedStore, mongo::MongoStore};

/// How long all operations of one request may take together.
const REQUEST: Duration = Duration::from_secs(2);
/// How long the next one may take though the request's time is over, which hashing may have taken.
const GRACE: Duration = Duration::from_millis(500);
/// How long one operation may take that belongs to no request.
const OPERATION: Duration = Duration::from_secs(3);

tokio::task_local! {
    /// When the time of the request being answered is over.
    static DEADLINE: Instant;
}

/// Does what belongs to one request, whose waits for a store that does not answer end together, be it a
/// database or a disk.
pub async fn for_one_request<T>(work: impl Future<Output = T>) -> T {
    DEADLINE.scope(Instant::now() + REQUEST, work).await
}

/// Waits for one operation of `who`, in bounded time.
async fn in_time<T>(who: &str, operation: impl Future<Output = T>) -> Result<T, StoreError> {
    let patience = DEADLINE
        .try_with(|deadline| deadline.duration_since(Instant::now()).max(GRACE))
        .unwrap_or(OPERATION);
    timeout(patience, operation)
        .await
        .map_err(|_| StoreError(format!("{who} did not answer in {patience:.1?}")))
}

/// Opens the store the settings ask for, and names it for the log at start.
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

/// Opens the store in a MongoDB database and makes its indexes.
///
/// Fails within seconds where no server answers, and where two users have one e-mail.
pub async fn open_mongo(uri: &str, database: &str) -> Result<Arc<dyn Store>, WrongSetting> {
    Ok(Arc::new(MongoStore::open(uri, database).await?))
}

/// Opens the store in the file `registry.redb` of a directory, both made where they are missing.
///
/// Fails where the directory cannot be written or another process uses the file.
pub fn open_embedded(dir: &Path) -> Result<Arc<dyn Store>, WrongSetting> {
    Ok(Arc::new(EmbeddedStore::open(dir)?))
}
