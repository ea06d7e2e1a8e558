//! Time: timestamps, and the clock that every rule reads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01 UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01, which is in the past for every server, even if its clock is wrong.
    pub const PAST: Self = Self(0);

    /// The moment `millis` milliseconds after 1970-01-01 UTC.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The moment `span` later, the far future if it overflows.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// The moment `span` earlier.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long this is after `earlier`; nothing if it is before it.
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(millis.try_into().unwrap_or_default())
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// The clock that every rule reads. Tests move it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    ahead: Arc<AtomicI64>,
}

impl Clock {
    /// The present moment.
    pub fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(millis(since_epoch).saturating_add(self.ahead.load(Ordering::Relaxed)))
    }

    /// Moves this clock and every clone of it forward.
    pub fn advance(&self, span: Duration) {
        self.ahead.fetch_add(millis(span), Ordering::Relaxed);
    }

    /// Moves this clock and every clone of it back.
    pub fn turn_back(&self, span: Duration) {
        self.ahead.fetch_sub(millis(span), Ordering::Relaxed);
    }
}
