//! Secrets of users, encrypted anew by the first key, so that older keys can be taken away.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::request::{NotDone, Report};
use crate::accounts::{
    Accounts,
    error::Error,
    secret_keys::{KeyId, SecretKeys},
    user::User,
};

/// How many users are changed at once.
const AT_ONCE: usize = 32;

impl Accounts {
    /// Encrypts all secrets by the first key, and says which other keys are still used: those that are not here.
    pub(super) async fn seal_anew(&self) -> Result<Report, NotDone> {
        let keys = self.secret_keys().ok_or(NotDone::NoSecretKeys)?;
        let (mut changed, mut unreadable) = (0, 0);
        let mut used: BTreeSet<KeyId> = [keys.encrypting().clone()].into();
        // Before the users are read: a key that is noted meanwhile may be used.
        let noted = self.store.noted_secret_keys().await?;
        let mut after = None;
        loop {
            let page = self.page(after.as_ref()).await?;
            unreadable += page.unreadable;
            let with_secrets = page.users.into_iter();
            let with_secrets = with_secrets.filter(|user| user.secret_key_ids().next().is_some());
            let sealing = with_secrets.map(|user| self.seal_anew_of(user, keys));
            let sealing = stream::iter(sealing).buffer_unordered(AT_ONCE);
            for (is_changed, ids) in sealing.try_collect::<Vec<_>>().await? {
                changed += u64::from(is_changed);
                used.extend(ids);
            }
            match page.last {
                None => break,
                next => after = next,
            }
        }
        // Those who cannot be read may need any of them.
        if unreadable == 0 {
            let unused: Vec<_> = noted.into_iter().filter(|id| !used.contains(id)).collect();
            self.store.note_secret_keys(&[], &unused).await?;
        }
        self.audit_operator("encrypted secrets anew", None);
        let key = keys.encrypting();
        let others: Vec<_> = used.iter().filter(|id| *id != key).collect();
        Ok(Report {
            sentence: format!("Encrypted the secrets of {changed} users anew"),
            facts: json!({ "key": key, "other_keys_in_use": others, "unreadable": unreadable }),
        })
    }

    /// Whether secrets of a user were encrypted anew, and the keys that are used now.
    async fn seal_anew_of(
        &self,
        user: User,
        keys: &SecretKeys,
    ) -> Result<(bool, Vec<KeyId>), Error> {
        let mut used = Vec::new();
        if user.is_to_be_sealed_anew(keys) {
            self.note_encrypting_key(keys).await?;
        }
        let changed = self.users.change_from(user, |user| {
            let is_changed = user.seal_anew(keys);
            used = user.secret_key_ids().collect();
            is_changed.then_some(())
        });
        let is_changed = changed.await?.is_some();
        Ok((is_changed, used))
    }
}
