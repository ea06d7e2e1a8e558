//! Which version of the schema the database has, and whether this program can work with it.
//!
//! Versions of the program may run side by side: a later one that only adds fields leaves `readableFrom` as it is, and
//! this one keeps what it does not know. One that changes what is there raises it, and an earlier one does not start.

use mongodb::{
    Database,
    bson::{Document, doc},
    error::Error,
};

use super::connect::cannot_index;
use crate::{accounts::user::SCHEMA, server::settings::WrongSetting};

pub(super) const COLLECTION: &str = "meta";
const ID: &str = "schema";
/// The first version of the schema whose programs can work with what this one writes.
const READABLE_FROM: u32 = 1;

/// Notes that this program works with the database, unless a later one has changed it so that this one cannot.
pub(super) async fn require_readable(database: &Database) -> Result<(), WrongSetting> {
    let readable_from = note(database).await;
    let readable_from = readable_from.map_err(|error| cannot_index(database.name(), &error))?;
    match readable_from > i64::from(SCHEMA) {
        false => Ok(()),
        true => Err(WrongSetting::new(format!(
            "MONGO_DB_NAME: `{}` was changed by a later version of fpm-registry (schema {readable_from})",
            database.name()
        ))),
    }
}

async fn note(database: &Database) -> Result<i64, Error> {
    let meta = database.collection::<Document>(COLLECTION);
    let schema = doc! { "_id": ID };
    if let Some(noted) = meta.find_one(schema.clone()).await? {
        let number = |name| noted.get_i64(name).unwrap_or_default();
        let readable_from = number("readableFrom");
        if readable_from > SCHEMA.into() || number("version") >= SCHEMA.into() {
            return Ok(readable_from);
        }
    }
    let versions = doc! { "$max": {
        "version": i64::from(SCHEMA),
        "readableFrom": i64::from(READABLE_FROM),
    } };
    meta.update_one(schema, versions).upsert(true).await?;
    Ok(READABLE_FROM.into())
}
