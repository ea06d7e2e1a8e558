//! The clock tells no stranger whether an address has an account (ASVS 6.3.8). `make security` runs it, against the
//! release server.
//!
//! One test, so that nothing else runs beside it.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "common/mongod.rs"]
mod mongod;
#[path = "common/socket.rs"]
mod socket;

use std::{cell::Cell, time::Instant};

use mongod::{Mongod, database_name};
use socket::{Registry, Request, Setup, login, post};

/// How often a known and an unknown address are compared in a round.
const PAIRS: usize = 200;
const ROUNDS: usize = 4;
const WARM_UP: usize = 10;
/// How far the medians may lie apart, in milliseconds.
const MOST: f64 = 3.0;
/// The standard score past which a difference is no accident (one in ten thousand).
const SIGNIFICANT: f64 = 3.89;

const KNOWN: &str = "ada@example.org";
const UNKNOWN: &str = "eve@example.org";

#[test]
fn known_and_unknown_addresses_take_the_same_time() {
    let on_mongo = || {
        let setup = Setup::new().with("MONGO_URI", &Mongod::shared().uri());
        setup.with("MONGO_DB_NAME", &database_name())
    };
    for (store, setup) in [("embedded", Setup::new()), ("MongoDB", on_mongo())] {
        // The proxy says where a client is, so that each attempt comes from a network of its own.
        let setup = setup.with("TRUSTED_PROXIES", "127.0.0.0/8");
        compare_without_limits(store, &setup.clone().with("RATE_LIMITS", "off").start());
        compare_closed_accounts(store, &setup.start());
    }
}

fn compare_without_limits(store: &str, registry: &Registry) {
    registry.sign_up(KNOWN);
    compare(&format!("login, {store}"), |email| {
        let answer = registry.send(&login(email, "wrong horse"));
        assert_eq!(answer.status, 401, "{}", answer.body);
    });
    compare(&format!("forgot-password, {store}"), |email| {
        let answer = registry.send(&post("/auth/forgot-password", &[("email", email)]));
        assert_eq!(answer.status, 200, "{}", answer.body);
    });
}

/// A device that shows itself is looked for before anything is compared, and no hash hides how long that takes.
fn compare_closed_accounts(store: &str, registry: &Registry) {
    let networks = Cell::new(0);
    let attempt = |email: &str| -> Request {
        networks.set(networks.get() + 1);
        let address = format!("198.18.{}.{}", networks.get() / 256, networks.get() % 256);
        login(email, "wrong horse").with("X-Forwarded-For", address)
    };
    // On the embedded store the file is that of the server before.
    let signup = socket::signup(KNOWN);
    assert!(matches!(registry.send(&signup).status, 200 | 400));
    for email in [KNOWN, UNKNOWN] {
        for _ in 0..10 {
            assert_eq!(registry.send(&attempt(email)).status, 401);
        }
    }
    // Both are closed for 30 s now.
    compare(&format!("login, closed, {store}"), |email| {
        let device = "device=936da01f-9abd-4d9d-80c7-02af85c822a8";
        let answer = registry.send(&attempt(email).with("Cookie", device));
        assert_eq!(answer.status, 429, "{}", answer.body);
    });
}

/// Does the same for both addresses again and again, and compares the times. Where a busy machine leaves the
/// medians apart by accident, there are more pairs.
fn compare(what: &str, ask: impl Fn(&str)) {
    let mut times = Times::default();
    times.measure(WARM_UP, &ask);
    times = Times::default();
    for _ in 0..ROUNDS {
        times.measure(PAIRS, &ask);
        let (known, unknown) = (median(&times.known), median(&times.unknown));
        let score = rank_score(&times.known, &times.unknown);
        println!("{what}: known {known:.2} ms, unknown {unknown:.2} ms, score {score:.2}");
        assert!(score.abs() < SIGNIFICANT, "{what}: score {score:.2}");
        if (known - unknown).abs() < MOST {
            return;
        }
    }
    panic!("{what}: the medians stay apart");
}

#[derive(Default)]
struct Times {
    known: Vec<f64>,
    unknown: Vec<f64>,
}

impl Times {
    /// Measures so many pairs, in changing order.
    fn measure(&mut self, pairs: usize, ask: &impl Fn(&str)) {
        for pair in 0..pairs {
            let order = match pair % 2 {
                0 => [KNOWN, UNKNOWN],
                _ => [UNKNOWN, KNOWN],
            };
            for email in order {
                let started = Instant::now();
                ask(email);
                let time = started.elapsed().as_secs_f64() * 1000.0;
                match email {
                    KNOWN => self.known.push(time),
                    _ => self.unknown.push(time),
                }
            }
        }
    }
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The standard score of the Mann-Whitney rank test of two samples.
fn rank_score(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = one.iter().map(|time| (*time, true)).collect();
    all.extend(other.iter().map(|time| (*time, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ranks = all.iter().zip(1_u32..);
    let sum: f64 = ranks
        .filter(|((_, of_one), _)| *of_one)
        .map(|(_, rank)| f64::from(rank))
        .sum();
    let (n, m) = (one.len() as f64, other.len() as f64);
    let mean = n * (n + m + 1.0) / 2.0;
    (sum - mean) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}
