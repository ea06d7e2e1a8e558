//! How long to wait before another attempt, as clients are told.

use std::{fmt, time::Duration};

use super::clock::Timestamp;

/// A longer wait counts as for ever.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// The `Retry-After` of a wait for ever, which only a password reset ends: how often it is worth checking.
const RETRY_IF_FOR_EVER: Duration = Duration::from_secs(15 * 60);

/// How long to wait before another attempt, in the words a client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(Duration);

impl Wait {
    /// A wait of this long.
    pub const fn of(time: Duration) -> Self {
        Self(time)
    }

    /// The wait from `now` until it is open again.
    pub fn until(open_at: Timestamp, now: Timestamp) -> Self {
        let millis = open_at.millis().saturating_sub(now.millis());
        Self(Duration::from_millis(millis.max(1).unsigned_abs()))
    }

    /// Whole seconds, rounded up, for `Retry-After`.
    pub fn seconds(self) -> u64 {
        match self.is_for_ever() {
            true => RETRY_IF_FOR_EVER.as_secs(),
            false => self.0.as_millis().div_ceil(1000) as u64,
        }
    }

    fn is_for_ever(self) -> bool {
        self.0 > YEAR
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        match seconds.div_ceil(60) {
            _ if self.is_for_ever() => f.write_str("reset your password to log in"),
            _ if seconds == 1 => f.write_str("try again in a second"),
            _ if seconds <= 90 => write!(f, "try again in {seconds} seconds"),
            minutes if minutes <= 90 => write!(f, "try again in {minutes} minutes"),
            minutes if minutes <= 48 * 60 => {
                write!(f, "try again in {} hours", minutes.div_ceil(60))
            }
            minutes => write!(f, "try again in {} days", minutes.div_ceil(24 * 60)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::attempts::FOR_EVER;

    #[test]
    fn a_wait_is_said_in_words() {
        let now = Timestamp::PAST;
        for (millis, words) in [
            (1, "try again in a second"),
            (1001, "try again in 2 seconds"),
            (30_000, "try again in 30 seconds"),
            (91_000, "try again in 2 minutes"),
            (900_000, "try again in 15 minutes"),
            (7_200_000, "try again in 2 hours"),
            (30_000_000_000, "try again in 348 days"),
        ] {
            let wait = Wait::until(Timestamp::from_millis(millis), now);
            assert_eq!(wait.to_string(), words);
        }
        let never = Wait::until(now.plus(FOR_EVER), now);
        assert_eq!(never.to_string(), "reset your password to log in");
    }
}
