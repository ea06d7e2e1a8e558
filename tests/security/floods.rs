//! Floods of logins, and crowds of connections.

use std::{
    io::Write,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use crate::{
    ADA, SECOND, WRONG, at_once,
    socket::{Answer, PASSWORD, Registry, Setup, get, read_all},
};

/// ASVS 2.4.1, 15.2.2, F13: a flood of logins costs neither the memory nor the pages of the registry.
#[test]
fn a_flood_of_logins_leaves_the_registry_standing() {
    let registry = Registry::start();
    registry.sign_up(ADA);
    let (answers, slowest) = thread::scope(|scope| {
        let flood = scope.spawn(|| at_once(500, |_| registry.log_in(ADA, "wrong horse battery")));
        let mut slowest = Duration::ZERO;
        while !flood.is_finished() {
            let started = Instant::now();
            assert_eq!(registry.send(&get("/auth/login")).status, 200);
            slowest = slowest.max(started.elapsed());
        }
        (flood.join().unwrap(), slowest)
    });
    let mut wrong = 0;
    for answer in answers {
        if answer.status == 401 {
            answer.assert_refused(401, WRONG, None);
            wrong += 1;
        } else {
            answer.assert_refused(503, "The registry is busy, try again in a moment", None);
            assert_eq!(answer.header("retry-after"), "5");
        }
    }
    assert!(wrong > 0, "nobody is let in");
    assert!(slowest < 3 * SECOND, "a page took {slowest:?}");
    assert!(registry.peak_mib() < 250, "{} MiB", registry.peak_mib());
    assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
}

/// ASVS 13.1.2, 13.2.6, F5, F20: who opens as many connections as they can, from one network or from ten, keeps no
/// other out, even if the system lets a process open few files.
#[test]
fn a_crowd_of_connections_keeps_no_other_out() {
    let mut setup = Setup::unlimited().with("LEPTOS_SITE_ADDR", "[::]:0");
    setup.open_files = Some(256);
    for networks in [1, 2, 10] {
        let registry = setup.start();
        let port = registry.address.port();
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let crowd: Vec<_> = (0..240)
            .map(|n| {
                let from = format!("127.0.0.{}:0", 2 + n % networks);
                runtime.block_on(async {
                    let socket = tokio::net::TcpSocket::new_v4().unwrap();
                    socket.bind(from.parse().unwrap()).unwrap();
                    socket.connect(address).await.unwrap()
                })
            })
            .collect();
        for _ in 0..5 {
            let mut other = TcpStream::connect(("::1", port)).unwrap();
            other.set_read_timeout(Some(5 * SECOND)).unwrap();
            other.write_all(&get("/auth/login").bytes()).unwrap();
            let answer = Answer::parse(&read_all(&mut other));
            assert_eq!(answer.status, 200, "{networks} networks");
        }
        drop(crowd);
    }
}

/// The same: a trusted proxy may open more than that, since its clients are many.
#[test]
fn a_trusted_proxy_may_open_all_connections() {
    let mut setup = Setup::unlimited().with("TRUSTED_PROXIES", "127.0.0.0/8");
    setup.open_files = Some(256);
    let registry = setup.start();
    // Half would be 114.
    let mut crowd: Vec<TcpStream> = (0..200).map(|_| registry.connect()).collect();
    for connection in &mut crowd {
        connection.write_all(&get("/auth/login").bytes()).unwrap();
        assert_eq!(Answer::parse(&read_all(connection)).status, 200);
    }
}
