//! Challenges of passkeys.

use redb::ReadableTable;

use super::tables::{Commit, Result, Tables, decode, encode};
use crate::accounts::{
    challenge::Challenge, clock::Timestamp, store::SWEPT_AT_ONCE, token::Digest,
};

/// Sorts after every digest.
const MAX_DIGEST: &[u8; 32] = &[u8::MAX; 32];

impl Tables<'_> {
    /// A crash may lose it: then its user begins again.
    pub(super) fn put_challenge(&mut self, challenge: &Challenge) -> Result<()> {
        self.commit = self.commit.max(Commit::Delayed);
        let (digest, end) = (challenge.digest.as_bytes(), challenge.expires_at.millis());
        self.challenges
            .insert(digest, encode(challenge)?.as_slice())?;
        self.challenges_end.insert((end, digest), ())?;
        Ok(())
    }

    /// No crash brings it back.
    pub(super) fn take_challenge(&mut self, digest: &Digest) -> Result<Option<Challenge>> {
        let digest = digest.as_bytes();
        let Some(record) = self.challenges.remove(digest)? else {
            return Ok(None);
        };
        let challenge: Challenge = decode(record.value())?;
        self.commit = Commit::AtOnce;
        self.challenges_end
            .remove((challenge.expires_at.millis(), digest))?;
        Ok(Some(challenge))
    }

    /// Deletes those that have expired; true if it deleted as many as it may at once.
    pub(super) fn drop_old_challenges(&mut self, now: Timestamp) -> Result<bool> {
        let expired = self.challenges_end.range(..=(now.millis(), MAX_DIGEST))?;
        let expired: Result<Vec<_>> = expired
            .take(SWEPT_AT_ONCE)
            .map(|row| {
                let key = row?.0;
                let (end, digest) = key.value();
                Ok((end, *digest))
            })
            .collect();
        let expired = expired?;
        for (end, digest) in &expired {
            self.commit = self.commit.max(Commit::Delayed);
            self.challenges.remove(digest)?;
            self.challenges_end.remove((*end, digest))?;
        }
        Ok(expired.len() == SWEPT_AT_ONCE)
    }
}
