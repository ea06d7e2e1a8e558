//! The indexes. Every query of a route uses one.

use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::{
    Database, IndexModel,
    bson::{Document, doc},
    error::{Error, ErrorKind},
    options::IndexOptions,
};

use super::MongoStore;
use crate::accounts::mail::MAIL_LIFE;

const EMAIL_INDEX: &str = "email_of_one_user";
/// What an older version called its own, after the field.
const OLDER_EMAIL_INDEX: &str = "email_1";
/// The code of an error about a collection that is not there.
const NAMESPACE_NOT_FOUND: i32 = 26;

impl MongoStore {
    /// Creates the indexes. Those of `users` other than `email` are created after the e-mails are in lower case: if they
    /// exist, later starts skip that step, which takes a second for a million users.
    pub(super) async fn make_indexes(&self) -> Result<(), Error> {
        self.index_emails().await?;
        let made = self.users.list_index_names().await?;
        if !made.iter().any(|name| name.starts_with("sessions.digest")) {
            self.lower_emails().await?;
        }
        self.users.create_indexes(of_users()).await?;
        self.outbox.create_indexes(of_outbox()).await?;
        self.attempts.create_index(at_expiry()).await?;
        self.challenges.create_indexes(of_challenges()).await?;
        Ok(())
    }

    /// Keeps an e-mail to one user; users who were deleted have none. An index of an older version is dropped only when
    /// the new one is there.
    async fn index_emails(&self) -> Result<(), Error> {
        self.users.create_index(of_emails()).await?;
        let made = self.users.list_index_names().await?;
        if made.iter().any(|name| name == OLDER_EMAIL_INDEX) {
            self.users.drop_index(OLDER_EMAIL_INDEX).await?;
        }
        Ok(())
    }

    /// Converts e-mails to lower case that an older backend stored as typed.
    async fn lower_emails(&self) -> Result<(), Error> {
        let typed = doc! { "email": { "$gte": "", "$regex": "[A-Z]" } };
        let lower = doc! { "$set": { "email": { "$toLower": "$email" } } };
        self.users.update_many(typed, vec![lower]).await?;
        Ok(())
    }
}

/// The fields of which a database has no index, or not one that keeps them unique, as `collection.field`.
pub(super) async fn missing_indexes(database: &Database) -> Result<Vec<String>, Error> {
    let wanted = [
        ("users", [&[of_emails()][..], &of_users()].concat()),
        ("outbox", of_outbox().to_vec()),
        ("attempts", vec![at_expiry()]),
        ("challenges", of_challenges().to_vec()),
    ];
    let mut missing = Vec::new();
    for (collection, wanted) in wanted {
        let made = made_indexes(database, collection).await?;
        let wanted = wanted
            .iter()
            .filter(|wanted| !made.iter().any(|made| is_same(made, wanted)));
        let fields = wanted.flat_map(|index| index.keys.keys());
        missing.extend(fields.map(|field| format!("{collection}.{field}")));
    }
    Ok(missing)
}

async fn made_indexes(database: &Database, collection: &str) -> Result<Vec<IndexModel>, Error> {
    let collection = database.collection::<Document>(collection);
    match collection.list_indexes().await {
        Ok(indexes) => indexes.try_collect().await,
        Err(error) if is_not_found(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_not_found(error: &Error) -> bool {
    matches!(&*error.kind, ErrorKind::Command(error) if error.code == NAMESPACE_NOT_FOUND)
}

fn is_same(one: &IndexModel, other: &IndexModel) -> bool {
    let is_unique = |index: &IndexModel| {
        let options = index.options.as_ref();
        options.and_then(|options| options.unique) == Some(true)
    };
    one.keys.keys().eq(other.keys.keys()) && is_unique(one) == is_unique(other)
}

fn of_emails() -> IndexModel {
    // A comparison with text finds text only. With `$type` the index would serve no query that does not say so too.
    let is_text = doc! { "email": { "$gte": "" } };
    let unique = IndexOptions::builder()
        .unique(true)
        .name(EMAIL_INDEX.to_owned())
        .partial_filter_expression(is_text)
        .build();
    index("email", Some(unique))
}

/// But for that of the e-mails.
fn of_users() -> [IndexModel; 9] {
    let unique = IndexOptions::builder().unique(true).sparse(true).build();
    let sparse = || Some(IndexOptions::builder().sparse(true).build());
    [
        index("addresses", Some(unique)),
        index("sessions.digest", sparse()),
        index("reset.digest", sparse()),
        index("confirmation.digest", sparse()),
        index("notMe.digest", sparse()),
        index("uploadTokens.digest", sparse()),
        index("pendingLogins.digest", sparse()),
        index("dueAt", sparse()),
        index("notices.queuedAt", sparse()),
    ]
}

fn of_outbox() -> [IndexModel; 2] {
    let expiring = IndexOptions::builder().expire_after(MAIL_LIFE).build();
    [index("dueAt", None), index("queuedAt", Some(expiring))]
}

fn of_challenges() -> [IndexModel; 2] {
    let unique = IndexOptions::builder().unique(true).build();
    [index("digest", Some(unique)), at_expiry()]
}

/// Has the database delete what has expired.
fn at_expiry() -> IndexModel {
    let at_once = IndexOptions::builder().expire_after(Duration::ZERO).build();
    index("expiresAt", Some(at_once))
}

fn index(field: &str, options: Option<IndexOptions>) -> IndexModel {
    IndexModel::builder()
        .keys(doc! { field: 1 })
        .options(options)
        .build()
}
