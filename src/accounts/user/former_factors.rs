//! Second factors that their user replaced or removed: they are good for nothing, but come back where what took their
//! place goes. Else the link of an older mail would leave none, and whoever reads the mail would get in by it alone.

use super::{FormerFactors, User};
use crate::accounts::{clock::Timestamp, lifetimes::UNDO_LIFE, record::Unknown};

/// The most changes of which it is kept what they took away. Past it nothing is: the older factors are those that count
/// most.
const MAX_FORMER_FACTORS: usize = 20;

impl FormerFactors {
    /// Nothing yet that was taken away at this moment.
    pub(super) fn of(replaced_at: Timestamp) -> Self {
        Self {
            replaced_at,
            totp: None,
            passkey: None,
            recovery_codes: None,
            unknown: Unknown::new(),
        }
    }

    fn lives(&self, now: Timestamp) -> bool {
        self.replaced_at.plus(UNDO_LIFE) > now
    }
}

impl User {
    /// Keeps what a change took away, as long as a mail of before can undo the change.
    pub(super) fn keep_former_factors(&mut self, former: FormerFactors) {
        self.drop_expired_former_factors(former.replaced_at);
        let is_something = former != FormerFactors::of(former.replaced_at);
        let has_room = self.former_factors.len() < MAX_FORMER_FACTORS;
        self.former_factors
            .extend((is_something && has_room).then_some(former));
    }

    /// Drops those that nothing can bring back any more.
    pub(super) fn drop_expired_former_factors(&mut self, now: Timestamp) {
        self.former_factors.retain(|former| former.lives(now));
    }

    /// Removes the second factors that were added at this moment or later, and the recovery codes that were made then. Puts
    /// back those that were there before it and were replaced or removed since.
    pub(super) fn drop_second_factors_since(&mut self, at: Timestamp, now: Timestamp) {
        self.totp.take_if(|app| app.added_at >= at);
        self.passkeys.retain(|passkey| passkey.added_at < at);
        self.recovery_codes.take_if(|codes| codes.made_at >= at);
        self.drop_expired_former_factors(now);
        let since = self
            .former_factors
            .extract_if(.., |former| former.replaced_at >= at);
        for former in since.collect::<Vec<_>>() {
            // Of what there can be one of, only one was there at the moment.
            let app = former.totp.filter(|app| app.added_at < at);
            self.totp = self.totp.take().or(app);
            let codes = former.recovery_codes.filter(|codes| codes.made_at < at);
            self.recovery_codes = self.recovery_codes.take().or(codes);
            let passkey = former.passkey.filter(|passkey| passkey.added_at < at);
            self.passkeys.extend(passkey);
        }
        self.passkeys.sort_by_key(|passkey| passkey.added_at);
        self.pending_totp = None;
        self.drop_useless_codes();
    }
}

/// The rules are tested with apps, passkeys and recovery codes.
#[cfg(test)]
mod tests;
