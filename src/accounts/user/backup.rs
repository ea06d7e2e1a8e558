//! What of a record goes into a backup.

use super::User;

impl User {
    /// Ends all mailed links. An address that is to be confirmed stays so, until its user asks for another link.
    pub fn end_links(&mut self) {
        self.reset = None;
        self.not_me.clear();
        if let Some(asked) = &mut self.confirmation {
            asked.digest = None;
            asked.expires_at = None;
        }
    }
}
