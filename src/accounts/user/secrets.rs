//! The encrypted secrets of a user: by which keys, and encrypted anew by the first one.

use super::User;
use crate::accounts::secret_keys::{KeyId, Sealed, SecretKeys};

impl User {
    /// The keys that have encrypted secrets of the user.
    pub fn secret_key_ids(&self) -> impl Iterator<Item = KeyId> {
        let app = self.totp.iter().map(|app| &app.secret);
        let pending = self.pending_totp.iter().map(|pending| &pending.secret);
        let former = self.former_factors.iter();
        let former = former.filter_map(|former| Some(&former.totp.as_ref()?.secret));
        app.chain(pending).chain(former).map(Sealed::key_id)
    }

    /// Whether another key than the first, but one of these, has encrypted secrets of the user.
    pub fn is_to_be_sealed_anew(&self, keys: &SecretKeys) -> bool {
        let mut used = self.secret_key_ids();
        used.any(|used| keys.ids().skip(1).any(|id| *id == used))
    }

    /// Encrypts by the first key what another one has encrypted; false, with nothing changed, if there is nothing.
    pub fn seal_anew(&mut self, keys: &SecretKeys) -> bool {
        let app = self.totp.iter_mut().map(|app| &mut app.secret);
        let pending = self.pending_totp.iter_mut();
        let pending = pending.map(|pending| &mut pending.secret);
        let former = self.former_factors.iter_mut();
        let former = former.filter_map(|former| Some(&mut former.totp.as_mut()?.secret));
        let mut is_changed = false;
        for sealed in app.chain(pending).chain(former) {
            let opened = keys.open(&self.id, sealed);
            if let Some(old) = opened.filter(|opened| !opened.is_current) {
                *sealed = keys.seal(&self.id, &old.secret);
                is_changed = true;
            }
        }
        is_changed
    }
}
