//! What is counted of the accounts, for who runs them. The names are those of Prometheus, without the prefix.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{
    attempt_keys::{FAILED, KINDS},
    audit::{Audit, AuditEvent},
    counts::{self, Counts, Gauges},
    outbox,
};

/// Upper bounds of the durations of hashes, in seconds: one takes some 0.025 s on an idle core.
const HASH_SECONDS: [f64; 8] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// All that is counted of the accounts.
#[derive(Clone, Default)]
pub struct Metrics {
    /// The security events.
    pub audit: Audit,
    /// Attempts that a rate limit refused, by the kind of the attempt.
    pub rate_limit_refusals: Counts,
    /// The hashes of passwords.
    pub hashes: HashMetrics,
    /// Deliveries of mail, by outcome.
    pub deliveries: Counts,
    /// The mails in the outbox, by state.
    pub mails: Gauges,
    /// The age of the oldest waiting mail in seconds; none if the store does not tell.
    pub oldest_mail: Gauges,
}

/// What is counted of the hashes of passwords.
#[derive(Clone)]
pub struct HashMetrics {
    /// How many are computed now.
    pub running: Gauge,
    /// How many requests have a place in the queue.
    pub waiting: Gauge,
    /// How many requests were refused or evicted since the queue was full.
    pub refused: Counter,
    /// How long one took, without the wait.
    pub duration: Histogram,
}

impl Default for HashMetrics {
    fn default() -> Self {
        Self {
            running: Gauge::default(),
            waiting: Gauge::default(),
            refused: Counter::default(),
            duration: Histogram::new(HASH_SECONDS),
        }
    }
}

impl Metrics {
    /// Adds all to a registry.
    pub fn register(&self, registry: &mut Registry) {
        counts::begin(
            &self.audit.counts,
            "event",
            AuditEvent::ALL.map(AuditEvent::word),
        );
        // Failed logins of a day refuse nobody.
        let limits = KINDS.into_iter().filter(|kind| *kind != FAILED);
        counts::begin(&self.rate_limit_refusals, "limit", limits);
        counts::begin(&self.deliveries, "outcome", outbox::OUTCOMES);
        let counts = [
            ("security_events", "Security events", &self.audit.counts),
            (
                "rate_limit_refusals",
                "Attempts that a rate limit refused",
                &self.rate_limit_refusals,
            ),
            ("mail_deliveries", "Deliveries of mail", &self.deliveries),
        ];
        for (name, help, counts) in counts {
            registry.register(name, help, counts.clone());
        }
        let hashes = &self.hashes;
        registry.register(
            "hashes_running",
            "Password hashes computed now",
            hashes.running.clone(),
        );
        registry.register(
            "hashes_waiting",
            "Requests in the queue for a password hash",
            hashes.waiting.clone(),
        );
        registry.register(
            "hashes_refused",
            "Requests refused since the queue was full",
            hashes.refused.clone(),
        );
        registry.register_with_unit(
            "hash_duration",
            "Duration of a password hash",
            Unit::Seconds,
            hashes.duration.clone(),
        );
        registry.register("outbox_mails", "Mails in the outbox", self.mails.clone());
        registry.register_with_unit(
            "outbox_oldest_age",
            "Age of the oldest waiting mail",
            Unit::Seconds,
            self.oldest_mail.clone(),
        );
    }
}
