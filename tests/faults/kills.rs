//! F1 and F19: the registry is killed, or told to stop, in the middle of everything.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use crate::{
    clients::{Clients, account::Deed},
    random, report,
    socket::{Answer, PASSWORD, Registry, login, read_all},
    stage::Stage,
};

const CLIENTS: usize = 20;
/// How long a restarted registry may take to its first answer.
const START: Duration = Duration::from_secs(1);
/// The same while clients want the cores too.
const BUSY_START: Duration = Duration::from_secs(5);
/// How long clients may take until they have done everything that users do.
const EVERYTHING: Duration = Duration::from_secs(30);
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
    let clients = Clients::new(stage);
    let (registry, mut slowest) = stage.start();
    let registry = clients.work(CLIENTS, || {
        let mut registry = registry;
        for _ in 0..kills {
            thread::sleep(Duration::from_millis(200 + random(1000)));
            drop(registry);
            let started;
            (registry, started) = stage.start();
            slowest = slowest.max(started);
        }
        thread::sleep(Duration::from_secs(1));
        let begun = Instant::now();
        while let Some(deed) = clients.never_done() {
            assert!(begun.elapsed() < EVERYTHING, "nobody gets to {deed:?}");
            thread::sleep(Duration::from_millis(50));
        }
        registry
    });
    let sums = clients.check(stage);
    assert!(sums.doubled <= kills, "{sums}");
    assert!(sums.all(Deed::Signup) > kills, "{sums}");
    assert!(slowest < BUSY_START, "a start took {slowest:?}");
    drop(registry);
    let (registry, quiet) = stage.start();
    assert!(quiet < START, "a start took {quiet:?}");
    drop(registry);
    report(&format!(
        "{scenario}: {kills} kills under {CLIENTS} clients, {sums}, slowest start {slowest:.2?}, without clients \
         {quiet:.2?}"
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
    let mut clients = Clients::new(stage);
    clients.others = 2;
    let mut in_flight = 0;
    let mut slowest = Duration::ZERO;
    let registry = clients.work(CLIENTS, || {
        for _ in 0..STOPS {
            thread::sleep(Duration::from_millis(500));
            let mut logins: Vec<_> = (0..CLIENTS).map(|_| Login::begin(&registry, EVE)).collect();
            logins.iter_mut().for_each(Login::go_on);
            in_flight += logins.iter().filter(|login| login.is_in_flight()).count();
            registry.signal("TERM");
            let told = Instant::now();
            for login in logins {
                assert_eq!(login.answer().status, 200);
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
    assert!(in_flight > 0, "every login was answered before the stop");
    assert!(slowest < STOP, "a stop took {slowest:?}");
    let sums = clients.check(stage);
    assert_eq!(sums.doubled, 0, "{sums}");
    drop(registry);
    report(&format!(
        "{scenario}: {STOPS} stops under {CLIENTS} clients, all {} logins answered, {in_flight} of which were in flight, {sums}, \
         slowest stop {slowest:.2?}",
        STOPS * CLIENTS
    ));
}

/// A login the registry has taken, with its body sent apart from its head.
struct Login {
    stream: TcpStream,
    body: Vec<u8>,
}

impl Login {
    /// Sends the head, and waits for the word to go on: the request is in hand then, and not in the queue of
    /// connections, which a stop does away with.
    fn begin(registry: &Registry, email: &str) -> Self {
        const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut head = login(email, PASSWORD)
            .with("Expect", "100-continue")
            .bytes();
        let end = head.windows(4).position(|four| four == b"\r\n\r\n");
        let body = head.split_off(end.unwrap() + 4);
        let mut stream = registry.connect();
        stream.write_all(&head).unwrap();
        let mut word = [0; CONTINUE.len()];
        stream.read_exact(&mut word).unwrap();
        assert_eq!(word, CONTINUE, "{}", String::from_utf8_lossy(&word));
        Self { stream, body }
    }

    fn go_on(&mut self) {
        self.stream.write_all(&self.body).unwrap();
    }

    /// Whether nothing of an answer has come yet.
    fn is_in_flight(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    fn answer(mut self) -> Answer {
        let answer = Answer::parse_whole(&read_all(&mut self.stream));
        answer.expect("a whole answer")
    }
}
