//! How attempts are counted against a rate limit. No clock and no store: both stores count by these rules.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{clock::Timestamp, email::Email, network::Network, token::Digest};

/// Stands for a wait without end: a hundred years, which every store can still hold as a date.
pub const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How many attempts are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A number of attempts in a time window that begins with the first.
    Window {
        /// How many attempts.
        attempts: u32,
        /// How long the window is.
        window: Duration,
    },
    /// A number of attempts at any speed, then a wait after each one that doubles.
    Backoff {
        /// How many attempts at any speed.
        free: u32,
        /// The wait after the last of them.
        first_wait: Duration,
        /// The longest wait.
        longest_wait: Duration,
        /// How long after the last attempt all are forgotten, unless a wait lasts longer.
        memory: Duration,
    },
}

/// The attempts counted under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempts {
    /// How many.
    pub count: u32,
    /// When the next attempt is allowed. [`Timestamp::PAST`] if it already is: then also for a request whose
    /// timestamp is a little older than that of the request counted last.
    pub open_at: Timestamp,
    /// When they are forgotten.
    pub expires_at: Timestamp,
}

/// The result of counting one attempt under one key: the new count, or when the next attempt is allowed.
pub type Counted = Result<Attempts, Timestamp>;

impl Limit {
    /// Counts one more attempt at `now`. `Err` if the limit is reached: when the next is allowed.
    pub fn count(self, attempts: Option<Attempts>, now: Timestamp) -> Counted {
        let live = attempts.filter(|attempts| attempts.expires_at > now);
        if let Some(closed) = live.filter(|attempts| attempts.open_at > now) {
            return Err(closed.open_at);
        }
        let count = live.map_or(0, |attempts| attempts.count).saturating_add(1);
        Ok(match self {
            Self::Window { attempts, window } => {
                let expires_at = live.map_or(now.plus(window), |live| live.expires_at);
                let open_at = match count < attempts {
                    true => Timestamp::PAST,
                    false => expires_at,
                };
                Attempts {
                    count,
                    open_at,
                    expires_at,
                }
            }
            Self::Backoff { memory, .. } => {
                let open_at = match self.wait_after(count) {
                    Duration::ZERO => Timestamp::PAST,
                    wait => now.plus(wait),
                };
                Attempts {
                    count,
                    open_at,
                    expires_at: now.plus(memory).max(open_at),
                }
            }
        })
    }

    /// The waits of a [`Limit::Backoff`] in rising order, each with the number of attempts from which it applies.
    pub fn waits(self) -> Vec<(u32, Duration)> {
        let Self::Backoff {
            free,
            first_wait,
            longest_wait,
            ..
        } = self
        else {
            return Vec::new();
        };
        let mut waits = vec![(free, first_wait.min(longest_wait))];
        while let Some((count, wait)) = waits.last().filter(|(_, wait)| *wait < longest_wait) {
            waits.push((count + 1, wait.saturating_mul(2).min(longest_wait)));
        }
        waits
    }

    fn wait_after(self, count: u32) -> Duration {
        let waits = self.waits().into_iter().rev();
        let wait = waits.into_iter().find(|(from, _)| count >= *from);
        wait.map_or(Duration::ZERO, |(_, wait)| wait)
    }

    /// The same limit for a network `factor` times as large: only a window allows more attempts.
    pub fn times(self, factor: u32) -> Self {
        match self {
            Self::Window { attempts, window } => Self::Window {
                attempts: attempts.saturating_mul(factor),
                window,
            },
            backoff @ Self::Backoff { .. } => backoff,
        }
    }
}

impl Attempts {
    /// One attempt less. The next is allowed at once, since an attempt is only counted if it was allowed. None if
    /// no attempt is left.
    pub fn take_back(self) -> Option<Self> {
        let count = self.count.checked_sub(1).filter(|count| *count > 0)?;
        Some(Self {
            count,
            open_at: Timestamp::PAST,
            ..self
        })
    }
}

/// The key that attempts are counted under. E-mail addresses and tokens in it are hashed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttemptKey(String);

impl AttemptKey {
    /// The key of attempts at an address; `what` names the kind of attempt.
    pub fn of_address(what: &str, email: &Email) -> Self {
        let digest = Digest::of(email.as_str().as_bytes());
        Self(format!("{what}:{digest}"))
    }

    /// The key of what is attempted at an address in one day.
    pub fn of_day(what: &str, email: &Email, day: i64) -> Self {
        let digest = Digest::of(email.as_str().as_bytes());
        Self(format!("{what}:{day}:{digest}"))
    }

    /// The key of attempts with the token of a device or of a link.
    pub fn of_token(what: &str, token: &Digest) -> Self {
        Self(format!("{what}:{token}"))
    }

    /// The key of attempts from a network.
    pub fn of_network(what: &str, network: Network) -> Self {
        Self(format!("{what}:{network}"))
    }

    /// Whether it is a key of this kind of attempt.
    pub fn is_of(&self, what: &str) -> bool {
        self.0.split(':').next() == Some(what)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for AttemptKey {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    const BACKOFF: Limit = Limit::Backoff {
        free: 3,
        first_wait: Duration::from_secs(30),
        longest_wait: Duration::from_secs(100),
        memory: HOUR,
    };
    const WINDOW: Limit = Limit::Window {
        attempts: 3,
        window: Duration::from_secs(60),
    };

    fn second(n: i64) -> Timestamp {
        Timestamp::from_millis(n * 1000)
    }

    #[test]
    fn a_limit_slows_down_and_forgets_after_a_quiet_time() {
        let seconds: Vec<u64> = (0..8).map(|n| BACKOFF.wait_after(n).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 30, 60, 100, 100, 100]);

        let mut attempts = None;
        let mut now = second(0);
        for count in 1..=6 {
            let counted = BACKOFF.count(attempts, now).unwrap();
            assert_eq!(counted.count, count);
            assert_eq!(counted.expires_at, now.plus(HOUR));
            now = now.max(counted.open_at);
            attempts = Some(counted);
        }
        let later = now.plus(HOUR);
        assert_eq!(BACKOFF.count(attempts, later).unwrap().count, 1);
    }

    #[test]
    fn a_wait_is_not_forgotten_before_it_is_over() {
        let limit = Limit::Backoff {
            free: 1,
            first_wait: FOR_EVER,
            longest_wait: FOR_EVER,
            memory: HOUR,
        };
        assert_eq!(limit.waits(), [(1, FOR_EVER)]);
        let closed = limit.count(None, second(0)).unwrap();
        let years_later = second(0).plus(HOUR * 24 * 365 * 99);
        assert!(limit.count(Some(closed), years_later).is_err());
    }

    #[test]
    fn a_refused_attempt_changes_nothing() {
        let limit = Limit::Window {
            attempts: 1,
            window: Duration::from_secs(60),
        };
        let attempts = limit.count(None, second(0)).unwrap();
        assert_eq!(limit.count(Some(attempts), second(1)), Err(second(60)));
        assert_eq!(limit.count(Some(attempts), second(59)), Err(second(60)));
        let anew = limit.count(Some(attempts), second(60)).unwrap();
        assert_eq!((anew.count, anew.expires_at), (1, second(120)));
    }

    #[test]
    fn an_open_limit_is_open_to_an_attempt_of_an_earlier_moment() {
        for limit in [WINDOW, BACKOFF] {
            let later = limit.count(None, second(5)).unwrap();
            let earlier = limit.count(Some(later), second(4)).unwrap();
            assert_eq!(earlier.count, 2);
            let taken_back = earlier.take_back().unwrap();
            assert!(limit.count(Some(taken_back), second(3)).is_ok());
        }
    }

    #[test]
    fn a_larger_network_has_a_larger_window() {
        let larger = Limit::Window {
            attempts: 12,
            window: Duration::from_secs(60),
        };
        assert_eq!(WINDOW.times(4), larger);
        assert_eq!(BACKOFF.times(4), BACKOFF);
    }

    #[test]
    fn a_key_holds_no_address() {
        let email = Email::parse("ada@example.org").unwrap();
        let key = AttemptKey::of_address("login", &email);
        assert!(key.as_str().starts_with("login:"));
        assert!(!key.as_str().contains("ada"));
    }
}
