//! Second factors that their user replaced or removed: they are good for nothing, but come back if what took their place
//! goes. Else the link of an older mail would leave none, and whoever reads the mail would get in by it alone.

use super::{FormerFactors, User};
use crate::accounts::{clock::Timestamp, lifetimes::UNDO_LIFE, record::Unknown};

/// The most of each kind that are kept.
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
    pub(super) fn keep_former_factors(&mut self, former: FormerFactors) {
        self.drop_expired_former_factors(former.replaced_at);
        self.former_factors.push(former);
        self.drop_surplus(|former| &mut former.totp, |app| app.added_at);
        self.drop_surplus(|former| &mut former.passkey, |passkey| passkey.added_at);
        self.drop_surplus(|former| &mut former.recovery_codes, |codes| codes.made_at);
        self.former_factors.retain(|former| !former.is_empty());
    }

    /// Drops the newest of a kind past the most that are kept: the older ones are those that count most.
    fn drop_surplus<T>(
        &mut self,
        part: fn(&mut FormerFactors) -> &mut Option<T>,
        made_at: fn(&T) -> Timestamp,
    ) {
        let kept: Vec<_> = self.former_factors.iter_mut().map(part).collect();
        let mut kept: Vec<_> = kept.into_iter().filter(|part| part.is_some()).collect();
        kept.sort_by_key(|part| part.as_ref().map(made_at));
        kept.into_iter()
            .skip(MAX_FORMER_FACTORS)
            .for_each(|part| *part = None);
    }

    /// Drops those that nothing can bring back any more.
    pub(super) fn drop_expired_former_factors(&mut self, now: Timestamp) {
        self.former_factors.retain(|former| former.lives(now));
    }

    /// Removes the second factors that were added at this moment or later, and the recovery codes that were made then. Puts
    /// in their place the app and the codes that were there before. If else no second factor were left, the app comes back
    /// that was removed, or, where there was none, the passkeys. What else was removed stays so: it may have been a thief's.
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
        }
        let former = self.former_factors.iter_mut();
        let former = former.filter(|former| former.replaced_at >= at);
        let mut former: Vec<_> = former.collect();
        // Of what there can be one of, only one was there at the moment.
        if app_goes || none_is_left {
            let mut apps = former.iter_mut().filter_map(|former| former.totp.take());
            self.totp = self.totp.take().or_else(|| apps.next());
        }
        if codes_go || none_is_left {
            let mut codes = former
                .iter_mut()
                .filter_map(|former| former.recovery_codes.take());
            self.recovery_codes = self.recovery_codes.take().or_else(|| codes.next());
        }
        if none_is_left && self.totp.is_none() {
            let passkeys = former.iter_mut().filter_map(|former| former.passkey.take());
            self.passkeys.extend(passkeys);
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
