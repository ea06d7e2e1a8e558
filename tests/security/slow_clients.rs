//! Slow clients: how long each is waited for.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    thread,
    time::Instant,
};

use crate::{
    SECOND,
    socket::{Answer, Registry, is_closed},
    statuses,
};

/// ASVS 13.1.3, 13.2.6, 15.1.3, F5: a client that sends or takes nothing keeps its connection only so long.
#[test]
fn a_client_is_waited_for_only_so_long() {
    let registry = Registry::start();
    thread::scope(|scope| {
        for client in [
            says_nothing,
            drips_its_head,
            stalls_its_body,
            drips_its_body,
            stays_idle,
            drips_its_second_head,
            takes_no_answer,
        ] {
            let registry = &registry;
            scope.spawn(move || client(registry));
        }
    });
}

/// How many seconds the connection lives while this is sent once a second; and what came meanwhile.
fn life(stream: &mut TcpStream, drip: &[u8]) -> (u64, Vec<u8>) {
    stream.set_read_timeout(Some(SECOND)).unwrap();
    let started = Instant::now();
    let mut came = Vec::new();
    let mut some = [0; 4096];
    loop {
        assert!(started.elapsed() < 90 * SECOND, "never closed");
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(n) => came.extend_from_slice(&some[..n]),
            Err(error) if is_closed(&error) => break,
            // The answer may be on its way though no more can be sent.
            Err(_) => drop(stream.write_all(drip)),
        }
    }
    (started.elapsed().as_secs(), came)
}

#[track_caller]
fn assert_within(seconds: u64, range: std::ops::RangeInclusive<u64>) {
    assert!(
        range.contains(&seconds),
        "closed after {seconds} s, not {range:?}"
    );
}

fn says_nothing(registry: &Registry) {
    let (seconds, came) = life(&mut registry.connect(), b"");
    assert_within(seconds, 9..=13);
    assert_eq!(came, b"");
}

fn drips_its_head(registry: &Registry) {
    let mut stream = registry.connect();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        .unwrap();
    let (seconds, came) = life(&mut stream, b"a");
    assert_within(seconds, 9..=13);
    assert_eq!(came, b"");
}

const STALLING: &[u8] = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\
    Content-Type: application/x-www-form-urlencoded\r\n\r\nemail";

fn stalls_its_body(registry: &Registry) {
    let mut stream = registry.connect();
    stream.write_all(STALLING).unwrap();
    let (seconds, came) = life(&mut stream, b"");
    assert_within(seconds, 9..=13);
    Answer::parse(&came).assert_refused(408, "The request took too long", None);
}

fn drips_its_body(registry: &Registry) {
    let mut stream = registry.connect();
    stream.write_all(STALLING).unwrap();
    let (seconds, came) = life(&mut stream, b"a");
    assert_within(seconds, 9..=13);
    Answer::parse(&came).assert_refused(408, "The request took too long", None);
}

/// A connection that has had its answer may lie idle, as those of browsers do.
fn stays_idle(registry: &Registry) {
    let mut stream = registry.connect();
    stream
        .write_all(b"GET /favicon.svg HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let (seconds, came) = life(&mut stream, b"");
    assert_eq!(statuses(&came), [200]);
    assert_within(seconds, 55..=66);
}

fn drips_its_second_head(registry: &Registry) {
    let mut stream = registry.connect();
    stream
        .write_all(b"GET /favicon.svg HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    thread::sleep(20 * SECOND);
    stream
        .write_all(b"GET /favicon.svg HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    thread::sleep(SECOND);
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Drip: ")
        .unwrap();
    let (seconds, came) = life(&mut stream, b"a");
    assert_eq!(
        statuses(&came),
        [200, 200],
        "open after 20 s without a request"
    );
    assert_within(seconds, 9..=13);
}

/// Asks for page after page and reads none.
fn takes_no_answer(registry: &Registry) {
    let mut stream = registry.connect();
    stream.set_write_timeout(Some(SECOND)).unwrap();
    let some = "GET /auth/login HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let started = Instant::now();
    let mut taken_at = Instant::now();
    let mut begun = 0;
    let closed = loop {
        assert!(started.elapsed() < 120 * SECOND, "never closed");
        match stream.write(&some.as_bytes()[begun..]) {
            Ok(n) => {
                begun = (begun + n) % some.len();
                taken_at = Instant::now();
            }
            Err(error) if is_closed(&error) => break error,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    };
    let seconds = taken_at.elapsed().as_secs();
    assert!((20..=45).contains(&seconds), "{closed} after {seconds} s");
}
