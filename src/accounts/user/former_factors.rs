//! Second factors that their user replaced or removed: they are good for nothing, but come back if what took their place
//! goes. Else the link of an older mail would leave none, and whoever reads the mail would get in by it alone.

use super::{FormerFactors, User};
use crate::accounts::{clock::Timestamp, lifetimes::UNDO_LIFE, record::Unknown};

/// The most of each kind that are kept. Past it none is: the older ones are those that count most.
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

    fn is_empty(&self) -> bool {
        *self == Self::of(self.replaced_at)
    }

    fn lives(&self, now: Timestamp) -> bool {
        self.replaced_at.plus(UNDO_LIFE) > now
    }
}

impl User {
    /// Keeps what a change took away, as long as a mail of before can undo the change.
    pub(super) fn keep_former_factors(&mut self, mut former: FormerFactors) {
        self.drop_expired_former_factors(former.replaced_at);
        let has_room = |is_alike: fn(&FormerFactors) -> bool| {
            let kept = self.former_factors.iter();
            kept.filter(|former| is_alike(former)).count() < MAX_FORMER_FACTORS
        };
        former
            .totp
            .take_if(|_| !has_room(|kept| kept.totp.is_some()));
        former
            .passkey
            .take_if(|_| !has_room(|kept| kept.passkey.is_some()));
        former
            .recovery_codes
            .take_if(|_| !has_room(|kept| kept.recovery_codes.is_some()));
        self.former_factors
            .extend((!former.is_empty()).then_some(former));
    }

    /// Drops those that nothing can bring back any more.
    pub(super) fn drop_expired_former_factors(&mut self, now: Timestamp) {
        self.former_factors.retain(|former| former.lives(now));
    }

    /// Removes the second factors that were added at this moment or later, and the recovery codes that were made then. Puts
    /// in their place the app and the codes that were there before, and everything that was if else no second factor were
    /// left. What was removed, and nothing goes that took its place, stays removed: it may have been a thief's.
    pub(super) fn drop_second_factors_since(&mut self, at: Timestamp, now: Timestamp) {
        self.drop_expired_former_factors(now);
        let had_any = self.has_second_factor();
        let app_goes = self.totp.take_if(|app| app.added_at >= at).is_some();
        let codes = &mut self.recovery_codes;
        let codes_go = codes.take_if(|codes| codes.made_at >= at).is_some();
        self.passkeys.retain(|passkey| passkey.added_at < at);
        let none_is_left = had_any && !self.has_second_factor();
        for former in &mut self.former_factors {
            former.totp.take_if(|app| app.added_at >= at);
            former.recovery_codes.take_if(|codes| codes.made_at >= at);
            former.passkey.take_if(|passkey| passkey.added_at >= at);
            if former.replaced_at < at {
                continue;
            }
            // Of what there can be one of, only one was there at the moment.
            let app = &mut former.totp;
            let app = app.take_if(|_| app_goes || none_is_left);
            self.totp = self.totp.take().or(app);
            let codes = &mut former.recovery_codes;
            let codes = codes.take_if(|_| codes_go || none_is_left);
            self.recovery_codes = self.recovery_codes.take().or(codes);
            let passkey = &mut former.passkey;
            let passkey = passkey.take_if(|_| none_is_left);
            self.passkeys.extend(passkey);
        }
        self.former_factors.retain(|former| !former.is_empty());
        self.passkeys.sort_by_key(|passkey| passkey.added_at);
        self.pending_totp = None;
        self.drop_useless_codes();
    }
}

/// The rules are tested with apps, passkeys and recovery codes.
#[cfg(test)]
mod tests;
