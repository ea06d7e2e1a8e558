//! Counters and gauges with labels.

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

/// The name and the value of a label: text of this program, so that no client can choose one.
pub type Label = (&'static str, &'static str);
/// A counter for each value of a label.
pub type Counts = Family<[Label; 1], Counter>;
/// A gauge for each value of a label.
pub type Gauges = Family<[Label; 1], Gauge>;
