//! What the server holds in memory: at rest, in a flood of logins, and afterwards.

use std::{
    thread::{self, sleep},
    time::Duration,
};

use crate::{
    dataset::{Dataset, get},
    hash,
    load::{fetch, saturate},
    plan::{Plan, cores},
    socket::Registry,
    table::Row,
};

/// At rest, in MiB.
const IDLE: f64 = 40.0;
/// What connections and their requests may take in the flood, in MiB.
const CONNECTIONS: f64 = 60.0;
/// What may be left of it afterwards, in MiB.
const LEFT: f64 = 20.0;
const FLOOD: usize = 500;
/// How long after the start.
const REST: Duration = Duration::from_secs(3);
/// How long after the flood: threads that wait for work go after ten seconds.
const CALM: Duration = Duration::from_secs(15);

pub fn rows(plan: &Plan, dataset: &Dataset) -> Vec<Row> {
    let server = dataset.serve();
    fetch(server.address, &get("/auth/login", ""));
    sleep(REST);
    let idle = server.rss_mib() as f64;
    let peak = peak(plan, dataset, &server);
    sleep(CALM);
    let after = server.rss_mib() as f64;
    let hashes = hash::mib(&dataset.password) * cores() as f64;
    let row = |what: &str, figure, most, reference: &str| {
        Row::of_limit(&format!("memory {what}"), figure, most, "MiB", reference)
    };
    vec![
        row("at rest", idle, IDLE, "allowed"),
        row(
            "under 500 connections of logins",
            peak,
            idle + hashes + CONNECTIONS,
            "allowed: rest + hashes + 60",
        ),
        row("15 s after them", after, idle + LEFT, "allowed: rest + 20"),
    ]
}

/// The most it holds while clients log in on 500 connections at once.
fn peak(plan: &Plan, dataset: &Dataset, server: &Registry) -> f64 {
    let logins = dataset.logins();
    let mut peak: f64 = 0.0;
    thread::scope(|scope| {
        let flood = scope.spawn(|| saturate(&[server.address], FLOOD, 2 * plan.span, &logins));
        while !flood.is_finished() {
            peak = peak.max(server.rss_mib() as f64);
            sleep(Duration::from_millis(20));
        }
        assert!(
            flood.join().unwrap().per_second() > 0.0,
            "no login got through"
        );
    });
    peak
}
