//! Moves mail that lies with a user into the outbox.

use mongodb::bson::{Bson, doc};

use super::{
    MongoStore,
    documents::{date, id_bson, mail_document, mail_filter, read_notices},
    driver::{failure, insert, run, within},
};
use crate::accounts::{clock::Timestamp, error::StoreError, mail::QueuedMail, user::User};

impl MongoStore {
    /// Moves mails that lie with a user into the outbox. A failure on the way leaves them to [`Self::move_leftover_notices`],
    /// and at worst one is sent twice.
    async fn move_notices(&self, user: &Bson, notices: &[QueuedMail]) -> Result<(), StoreError> {
        for notice in notices {
            insert(&self.outbox, &mail_document(notice)?).await?;
            let moved = doc! { "$pull": { "notices": mail_filter(&notice.id) } };
            run(self.users.update_one(doc! { "_id": user }, moved)).await?;
        }
        Ok(())
    }

    /// The same for the last mail of a deleted user, of whom no empty list stays.
    pub(super) async fn move_last(
        &self,
        user: &Bson,
        last_mail: &QueuedMail,
    ) -> Result<(), StoreError> {
        insert(&self.outbox, &mail_document(last_mail)?).await?;
        let moved = doc! { "$unset": { "notices": 1 } };
        run(self.users.update_one(doc! { "_id": user }, moved)).await?;
        Ok(())
    }

    /// The same right after a write that left them there, which has succeeded by then.
    pub(super) async fn move_new(&self, user: &User) {
        let moved = self.move_notices(&id_bson(&user.id), &user.notices).await;
        if let Err(error) = moved {
            tracing::warn!(user = %user.id, %error, "cannot move a mail to the outbox, will retry");
        }
    }

    /// Moves notices to the outbox that are not younger than `last` and are still with their users.
    pub(super) async fn move_leftover_notices(&self, last: Timestamp) -> Result<(), StoreError> {
        let leftover =
            doc! { "notices.queuedAt": { "$gt": date(Timestamp::PAST), "$lte": date(last) } };
        let mut users = run(self.users.find(leftover)).await?;
        while within(users.advance()).await?.map_err(failure)? {
            let user = users.deserialize_current().map_err(failure)?;
            let notices = read_notices(&user);
            let Some(id) = user.get("_id").ok().flatten() else {
                continue;
            };
            let id = Bson::try_from(id).map_err(|_| StoreError("an id is damaged".to_owned()))?;
            match (user.get_datetime("deletedAt"), &notices[..]) {
                (Ok(_), [last_mail]) => self.move_last(&id, last_mail).await?,
                (_, notices) => self.move_notices(&id, notices).await?,
            }
        }
        Ok(())
    }
}
