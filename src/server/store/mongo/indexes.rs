//! The indexes. Every query of a route uses one.

use std::time::Duration;

use mongodb::{IndexModel, bson::doc, error::Error, options::IndexOptions};

use super::MongoStore;
use crate::accounts::mail::MAIL_LIFE;

const EMAIL_INDEX: &str = "email_of_one_user";
/// What an older version called its own, after the field.
const OLDER_EMAIL_INDEX: &str = "email_1";

impl MongoStore {
    /// Creates the indexes. Those of `users` other than `email` are created after the e-mails are in lower case: if they
    /// exist, later starts skip that step, which takes a second for a million users.
    pub(super) async fn make_indexes(&self) -> Result<(), Error> {
        let expiring = IndexOptions::builder().expire_after(MAIL_LIFE).build();
        self.index_emails().await?;
        let made = self.users.list_index_names().await?;
        if !made.iter().any(|name| name.starts_with("sessions.digest")) {
            self.lower_emails().await?;
        }
        let unique = IndexOptions::builder().unique(true).sparse(true).build();
        let sparse = || Some(IndexOptions::builder().sparse(true).build());
        self.users
            .create_indexes([
                index("addresses", Some(unique)),
                index("sessions.digest", sparse()),
                index("reset.digest", sparse()),
                index("confirmation.digest", sparse()),
                index("notMe.digest", sparse()),
                index("notices.queuedAt", sparse()),
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

    /// Keeps an e-mail to one user; users who were deleted have none. An index of an older version is dropped only when
    /// the new one is there.
    async fn index_emails(&self) -> Result<(), Error> {
        // A comparison with text finds text only. With `$type` the index would serve no query that does not say so too.
        let is_text = doc! { "email": { "$gte": "" } };
        let unique = IndexOptions::builder()
            .unique(true)
            .name(EMAIL_INDEX.to_owned())
            .partial_filter_expression(is_text)
            .build();
        self.users
            .create_index(index("email", Some(unique)))
            .await?;
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

fn index(field: &str, options: Option<IndexOptions>) -> IndexModel {
    IndexModel::builder()
        .keys(doc! { field: 1 })
        .options(options)
        .build()
}
