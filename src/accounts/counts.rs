//! Counters and gauges with labels.

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

/// The name and the value of a label: text of this program, so that no client can choose one.
pub type Label = (&'static str, &'static str);
/// A counter for each value of a label.
pub type Counts = Family<[Label; 1], Counter>;
/// A gauge for each value of a label.
pub type Gauges = Family<[Label; 1], Gauge>;

/// Shows a counter for each of these values from 0 on: one that appeared with its first event would hide that event from
/// Prometheus, which counts from the first figure that it sees.
pub fn begin(counts: &Counts, label: &'static str, values: impl IntoIterator<Item = &'static str>) {
    for value in values {
        drop(counts.get_or_create(&[(label, value)]));
    }
}
