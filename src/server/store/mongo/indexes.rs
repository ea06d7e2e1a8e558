//! The indexes. Every query of a route uses one.

use std::time::Duration;

use mongodb::{IndexModel, bson::doc, error::Error, options::IndexOptions};

use super::MongoStore;
use crate::accounts::mail::MAIL_LIFE;

impl MongoStore {
    /// Creates the indexes. Those of `users` other than `email` are created after the e-mails are in lower case: if they
    /// exist, later starts skip that step, which takes a second for a million users.
    pub(super) async fn make_indexes(&self) -> Result<(), Error> {
        let unique = IndexOptions::builder().unique(true).build();
        let sparse = IndexOptions::builder().sparse(true).build();
        let expiring = IndexOptions::builder().expire_after(MAIL_LIFE).build();
        self.users
            .create_index(index("email", Some(unique)))
            .await?;
        let made = self.users.list_index_names().await?;
        if !made.iter().any(|name| name.starts_with("sessions.digest")) {
            self.lower_emails().await?;
        }
        self.users
            .create_indexes([
                index("sessions.digest", Some(sparse.clone())),
                index("reset.digest", Some(sparse.clone())),
                index("notices.queuedAt", Some(sparse)),
            ])
            .await?;
        self.outbox
            .create_indexes([index("dueAt", None), index("queuedAt", Some(expiring))])
            .await?;
        let at_once = IndexOptions::builder().expire_after(Duration::ZERO).build();
        self.attempts
            .create_index(index("expiresAt", Some(at_once)))
            .await?;
        Ok(())
    }

    /// Converts e-mails to lower case that an older backend stored as typed.
    async fn lower_emails(&self) -> Result<(), Error> {
        let typed = doc! { "email": { "$regex": "[A-Z]" } };
        let lower = doc! { "$set": { "email": { "$toLower": "$email" } } };
        self.users.update_many(typed, vec![lower]).await?;
        Ok(())
    }
}

fn index(field: &str, options: Option<IndexOptions>) -> IndexModel {
    IndexModel::builder()
        .keys(doc! { field: 1 })
        .options(options)
        .build()
}
