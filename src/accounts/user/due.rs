//! What is done to a user by the clock, and when next.

use super::{PendingLogin, UploadToken, User, event::Origin};
use crate::accounts::clock::Timestamp;

impl User {
    /// Does what is due to the user by the clock.
    pub fn do_due(&mut self, origin: &Origin) {
        self.remind_of_upload_tokens(origin);
        self.end_due_second_factors(origin.at);
        self.end_expired_logins(origin.at);
        self.set_due(origin.at);
    }

    /// Notes when something is next due. Whatever is due earlier than before has to have it noted.
    pub(super) fn set_due(&mut self, now: Timestamp) {
        let live = self.live_upload_tokens(now);
        let reminders = live.filter_map(UploadToken::remind_at);
        let logins = self.pending_logins.iter().filter_map(PendingLogin::told_at);
        let moments = reminders.chain(self.second_factors_end_at).chain(logins);
        self.due_at = moments.min();
    }
}
