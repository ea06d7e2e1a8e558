//! The clock tells no stranger whether an address has an account (ASVS 6.3.8).
//!
//! One test, so that nothing else runs beside it.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Client, Kept, Registry, Setup};

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

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_addresses_take_the_same_time() {
    for kept in [Kept::Embedded, Kept::Mongo] {
        let setup = Setup {
            rate_limits: false,
            ..Setup::default()
        };
        let registry = Registry::start_as(kept, setup).await;
        registry.add_user(KNOWN).await;
        let client = registry.program();
        compare(&format!("login, {kept:?}"), async |email| {
            assert_eq!(client.login(email, "wrong horse").await.status, 401);
        })
        .await;
        compare(&format!("forgot-password, {kept:?}"), async |email| {
            forgot(&client, email).await;
        })
        .await;
        compare_closed_accounts(kept).await;
    }
}

/// A device that shows itself is looked for before anything is compared, and no hash hides how long that takes.
async fn compare_closed_accounts(kept: Kept) {
    let registry = Registry::start_as(kept, Setup::default()).await;
    registry.add_user(KNOWN).await;
    for email in [KNOWN, UNKNOWN] {
        for failed in 0..15 {
            let answer = registry.program().login(email, "wrong horse").await;
            assert_eq!(answer.status, 401);
            if failed >= 9 {
                registry.wait(Duration::from_secs(15 * 60));
            }
        }
    }
    // The last wait has begun: a quarter of an hour, for both.
    for email in [KNOWN, UNKNOWN] {
        let answer = registry.program().login(email, "wrong horse").await;
        assert_eq!(answer.status, 401);
    }
    compare(&format!("login, closed, {kept:?}"), async |email| {
        let client = registry.program();
        client.set_cookie("device", "936da01f-9abd-4d9d-80c7-02af85c822a8");
        assert_eq!(client.login(email, "wrong horse").await.status, 429);
    })
    .await;
}

async fn forgot(client: &Client<'_>, email: &str) {
    let fields = [("email", email)];
    assert_eq!(
        client.post("/auth/forgot-password", &fields).await.status,
        200
    );
}

/// Does the same for both addresses again and again, and compares the times. Where a busy machine leaves the
/// medians apart by accident, there are more pairs.
async fn compare(what: &str, ask: impl AsyncFn(&str)) {
    let mut times = Times::default();
    times.measure(WARM_UP, &ask).await;
    times = Times::default();
    for _ in 0..ROUNDS {
        times.measure(PAIRS, &ask).await;
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
    async fn measure(&mut self, pairs: usize, ask: &impl AsyncFn(&str)) {
        for pair in 0..pairs {
            let order = match pair % 2 {
                0 => [KNOWN, UNKNOWN],
                _ => [UNKNOWN, KNOWN],
            };
            for email in order {
                let started = Instant::now();
                ask(email).await;
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
