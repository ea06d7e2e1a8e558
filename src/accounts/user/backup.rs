//! What of a record goes into a backup.

use super::User;

impl User {
    /// Ends what lives for minutes or by a mailed link, and so what one may object to by such a link: that second factors
    /// end. An address that is to be confirmed stays so, until its user asks for another link.
    pub fn end_links(&mut self) {
        self.pending_logins.clear();
        self.pending_totp = None;
        self.reset = None;
        self.not_me.clear();
        self.second_factors_end_at = None;
        if let Some(asked) = &mut self.confirmation {
            asked.digest = None;
            asked.expires_at = None;
        }
    }
}
