//! What a sweep of very many expired attempts costs those who log in meanwhile.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use fpm_registry::{
    accounts::{
        attempts::{AttemptKey, Limit},
        clock::{Clock, Timestamp},
    },
    server::store::open_embedded,
};
use mongodb::{
    Database,
    bson::{DateTime, Document, doc},
};

use crate::{
    report,
    socket::{PASSWORD, Registry},
    stage::Stage,
    wait_for,
};

const EXPIRED: usize = 1_000_000;
const AT_ONCE: usize = 1000;
/// Longer than a sweep takes.
const WATCHED: Duration = Duration::from_secs(120);
const ADA: &str = "ada@example.org";

#[test]
#[ignore = "long"]
fn a_sweep_of_a_million_attempts_delays_no_login_on_the_embedded_store() {
    let mut stage = Stage::embedded();
    stage.setup = stage.setup.with("RATE_LIMITS", "on");
    fill_embedded(stage.setup.folder());
    let (registry, _) = stage.start();
    let watched = watch(&registry);
    drop(registry);
    let store = open_embedded(stage.setup.folder()).unwrap();
    let has_more = wait_for(store.sweep(Clock::default().now(), u64::MAX)).unwrap();
    assert!(!has_more, "the sweep is not done");
    report(&format!("sweep of {EXPIRED} attempts, embedded: {watched}"));
}

#[test]
#[ignore = "long"]
fn a_sweep_of_a_million_attempts_delays_no_login_on_mongodb() {
    let mut stage = Stage::mongo();
    stage.setup = stage.setup.with("RATE_LIMITS", "on");
    let database = stage.database.as_ref().unwrap();
    // Once, for the indexes.
    drop(stage.start());
    fill_mongodb(database);
    let (registry, _) = stage.start();
    let watched = watch(&registry);
    let attempts = database.collection::<Document>("attempts");
    let left = wait_for(attempts.count_documents(doc! {}).into_future()).unwrap();
    assert!(left < AT_ONCE as u64, "{left} are left");
    report(&format!("sweep of {EXPIRED} attempts, MongoDB: {watched}"));
}

fn fill_embedded(folder: &Path) {
    let store = open_embedded(folder).unwrap();
    let limit = Limit::Window {
        attempts: 10,
        window: Duration::from_secs(1),
    };
    let past = Timestamp::from_millis(0);
    for start in (0..EXPIRED).step_by(AT_ONCE) {
        let keys = (start..start + AT_ONCE).map(|n| AttemptKey::from(&*format!("login:{n:064x}")));
        let attempts: Vec<_> = keys.map(|key| (key, limit)).collect();
        wait_for(store.count_attempts(&attempts, past)).unwrap();
    }
    wait_for(store.flush_attempts()).unwrap();
}

fn fill_mongodb(database: &Database) {
    let past = DateTime::from_millis(1000);
    let attempts = database.collection::<Document>("attempts");
    for start in (0..EXPIRED).step_by(AT_ONCE) {
        let rows = (start..start + AT_ONCE).map(|n| {
            let key = format!("login:{n:064x}");
            doc! { "_id": key, "count": 1, "openAt": past, "expiresAt": past }
        });
        wait_for(attempts.insert_many(rows).into_future()).unwrap();
    }
}

/// Logs in again and again; what that took.
fn watch(registry: &Registry) -> String {
    registry.sign_up(ADA);
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < WATCHED {
        let started = Instant::now();
        let answer = registry.log_in(ADA, PASSWORD);
        times.push(started.elapsed());
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    times.sort();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    format!(
        "{} logins, none refused, p50 {:.0?}, p95 {:.0?}, slowest {:.0?}",
        times.len(),
        at(50),
        at(95),
        at(100)
    )
}
