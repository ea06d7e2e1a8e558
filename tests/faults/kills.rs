//! F1 and F19: the registry is killed, or told to stop, in the middle of everything.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use crate::{
    crowd::Crowd,
    random, report,
    socket::{Answer, PASSWORD, login, read_all},
    stage::Stage,
};

const CLIENTS: usize = 20;
/// How long a restarted registry may take to its first answer.
const START: Duration = Duration::from_secs(1);
/// How long a registry that was told to stop may take.
const STOP: Duration = Duration::from_secs(10);

#[test]
fn a_few_kills_lose_nothing() {
    kills_lose_nothing("F1 embedded, short", &Stage::embedded(), 5);
}

#[test]
#[ignore = "long"]
fn fifty_kills_lose_nothing_on_the_embedded_store() {
    kills_lose_nothing("F1 embedded", &Stage::embedded(), 50);
}

#[test]
#[ignore = "long"]
fn fifty_kills_lose_nothing_on_mongodb() {
    kills_lose_nothing("F1 MongoDB", &Stage::mongo(), 50);
}

fn kills_lose_nothing(scenario: &str, stage: &Stage, kills: usize) {
    let crowd = Crowd::new(stage);
    let (registry, mut slowest) = stage.start();
    let registry = crowd.work(CLIENTS, || {
        let mut registry = registry;
        for _ in 0..kills {
            thread::sleep(Duration::from_millis(200 + random(1000)));
            drop(registry);
            let started;
            (registry, started) = stage.start();
            slowest = slowest.max(started);
        }
        thread::sleep(Duration::from_secs(1));
        registry
    });
    let sums = crowd.check(stage);
    assert!(sums.doubled <= kills, "{sums}");
    assert!(
        sums.signups > kills && sums.links > 0 && sums.resets > 0,
        "{sums}"
    );
    assert!(slowest < START, "a start took {slowest:?}");
    drop(registry);
    report(&format!(
        "{scenario}: {kills} kills under {CLIENTS} clients, {sums}, slowest start {slowest:.2?}"
    ));
}

#[test]
fn a_stop_finishes_what_was_begun() {
    stops_lose_nothing("F19 embedded", &Stage::embedded());
}

#[test]
#[ignore = "long"]
fn a_stop_finishes_what_was_begun_on_mongodb() {
    stops_lose_nothing("F19 MongoDB", &Stage::mongo());
}

fn stops_lose_nothing(scenario: &str, stage: &Stage) {
    const STOPS: usize = 5;
    const EVE: &str = "eve@example.org";
    let (mut registry, _) = stage.start();
    let session = registry.sign_up("ada@example.org").session();
    registry.sign_up(EVE);
    let mut crowd = Crowd::new(stage);
    crowd.others = 2;
    let mut finished = 0;
    let mut slowest = Duration::ZERO;
    let registry = crowd.work(CLIENTS, || {
        for _ in 0..STOPS {
            thread::sleep(Duration::from_millis(500));
            let in_flight: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    let mut stream = registry.connect();
                    stream.write_all(&login(EVE, PASSWORD).bytes()).unwrap();
                    stream
                })
                .collect();
            // Long enough for all to be read, and not for all to be answered.
            thread::sleep(Duration::from_millis(100));
            registry.signal("TERM");
            let told = Instant::now();
            for mut stream in in_flight {
                let answer = Answer::parse_whole(&read_all(&mut stream));
                assert_eq!(answer.expect("a whole answer").status, 200);
                finished += 1;
            }
            assert_eq!(registry.wait().code(), Some(0));
            slowest = slowest.max(told.elapsed());
            registry = stage.start().0;
            assert!(
                registry.is_logged_in(&session),
                "sessions outlive a restart"
            );
        }
        registry
    });
    assert!(slowest < STOP, "a stop took {slowest:?}");
    let sums = crowd.check(stage);
    assert_eq!(sums.doubled, 0, "{sums}");
    drop(registry);
    report(&format!(
        "{scenario}: {STOPS} stops under {CLIENTS} clients, {finished} of {finished} logins in flight answered, {sums}, \
         slowest stop {slowest:.2?}"
    ));
}
