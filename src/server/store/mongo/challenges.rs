//! Challenges of passkeys.

use mongodb::bson::doc;

use super::{
    MongoStore,
    documents::{digest_binary, document, read_challenge},
    driver::{raw, run},
};
use crate::accounts::{challenge::Challenge, error::StoreError, token::Digest};

impl MongoStore {
    pub(super) async fn put_challenge(&self, challenge: &Challenge) -> Result<(), StoreError> {
        let challenge = raw(&document(challenge)?)?;
        run(self.challenges.insert_one(challenge)).await.map(drop)
    }

    pub(super) async fn remove_challenge(
        &self,
        digest: &Digest,
    ) -> Result<Option<Challenge>, StoreError> {
        let same = doc! { "digest": digest_binary(digest) };
        let taken = run(self.challenges.find_one_and_delete(same)).await?;
        Ok(taken.as_deref().and_then(read_challenge))
    }
}
