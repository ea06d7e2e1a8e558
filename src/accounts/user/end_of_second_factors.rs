//! How an operator helps a user who has lost all second factors: they end a day later, unless their owner objects.

use super::{
    User,
    event::{EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp, lifetimes::END_OF_SECOND_FACTORS_DELAY, security_event::SecurityEvent,
};

/// Why an operator cannot have second factors end. The text is what the operator reads.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum CannotEnd {
    /// There are none.
    #[error("this user has no second factor")]
    NoSecondFactor,
    /// The links of mails to a disabled user do not work.
    #[error("this user is disabled, enable the account first")]
    Disabled,
    /// Nobody would be told, and could object.
    #[error("the email of this user is not confirmed, so the owner could not be told and object")]
    EmailNotConfirmed,
    /// They end already.
    #[error("the second factors of this user end on {} already", .0.in_words())]
    EndsAlready(Timestamp),
}

impl User {
    /// Has all second factors end a day later; when. The owner is told, and can object until then.
    pub fn ask_for_end_of_second_factors(
        &mut self,
        origin: &Origin,
    ) -> Result<Timestamp, CannotEnd> {
        if let Some(at) = self.second_factors_end_at {
            return Err(CannotEnd::EndsAlready(at));
        }
        if !self.has_second_factor() {
            return Err(CannotEnd::NoSecondFactor);
        }
        if self.disabled_at.is_some() {
            return Err(CannotEnd::Disabled);
        }
        if self.confirmed_at.is_none() {
            return Err(CannotEnd::EmailNotConfirmed);
        }
        let end = origin.at.plus(END_OF_SECOND_FACTORS_DELAY);
        self.second_factors_end_at = Some(end);
        self.set_due(origin.at);
        self.tell(SecurityEvent::EndOfSecondFactorsAsked, origin);
        Ok(end)
    }

    /// Stops the end that an operator asked for; false, with nothing changed, if none was.
    pub fn keep_second_factors(&mut self, origin: &Origin) -> bool {
        let is_stopped = self.second_factors_end_at.take().is_some();
        if is_stopped {
            self.note(EventKind::EndOfSecondFactorsStopped, origin);
        }
        is_stopped
    }

    /// Removes all second factors if their time has come. Sessions stay, which were begun with more than a password.
    pub(super) fn end_due_second_factors(&mut self, now: Timestamp) {
        let is_due = self.second_factors_end_at.is_some_and(|at| at <= now);
        if !is_due {
            return;
        }
        let origin = Origin::of_operator(now);
        // It may have become so meanwhile, by hand or by an earlier version.
        let can_object = self.disabled_at.is_none() && self.confirmed_at.is_some();
        if can_object {
            self.end_second_factors(&origin);
        } else {
            self.keep_second_factors(&origin);
        }
    }

    fn end_second_factors(&mut self, origin: &Origin) {
        self.drop_second_factors_since(Timestamp::PAST, origin.at);
        self.pending_logins.clear();
        self.tell(SecurityEvent::SecondFactorsEnded, origin);
    }
}

/// The rules are tested with passkeys, which need no secret key.
#[cfg(test)]
mod tests;
