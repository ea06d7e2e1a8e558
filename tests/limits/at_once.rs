//! Logins at once to one account, with hashes as in production: none is refused because of others that are right.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use fpm_registry::accounts::user::MAX_SESSIONS;
use futures_util::future::join_all;
use tokio::sync::Mutex;

use crate::{
    ADA, PROGRAM,
    common::{Answer, Kept, PASSWORD, Registry, Setup, WRONG_PASSWORD, mongod::Mongod},
    proxy::{Fault, Proxy},
};

/// Held by each test, since each wants all cores.
static CORES: Mutex<()> = Mutex::const_new(());

const NETWORK: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Each login changes the same user, so that nearly all of them meet another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_logins_at_once_at_two_processes_all_succeed() {
    let _cores = CORES.lock().await;
    let unlimited = || Setup {
        rate_limits: false,
        ..Setup::with_standard_hashes()
    };
    let one = Registry::start_as(Kept::Mongo, unlimited()).await;
    let other = one.twin_as(unlimited()).await;
    one.add_user(ADA).await;
    let clients: Vec<_> = (0..50)
        .flat_map(|_| [one.program(), other.program()])
        .collect();
    let logins = clients.iter().map(|client| client.login(ADA, PASSWORD));
    for answer in join_all(logins).await {
        answer.assert_done(PROGRAM, "Login successful", "/");
    }
    let mut live = 0;
    for client in &clients {
        live += usize::from(client.is_logged_in().await);
    }
    assert_eq!(live, MAX_SESSIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_logins_from_one_network_at_two_processes_all_succeed() {
    let _cores = CORES.lock().await;
    let one = Registry::start_as(Kept::Mongo, Setup::with_standard_hashes()).await;
    let other = one.twin_as(Setup::with_standard_hashes()).await;
    one.add_user(ADA).await;
    let clients: Vec<_> = (0..50)
        .flat_map(|_| [&one, &other])
        .map(|registry| registry.client_at(PROGRAM, NETWORK))
        .collect();
    let logins = clients.iter().map(|client| client.login(ADA, PASSWORD));
    for answer in join_all(logins).await {
        answer.assert_done(PROGRAM, "Login successful", "/");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_at_once_with_the_right_password_all_succeed() {
    let _cores = CORES.lock().await;
    for kept in [Kept::Embedded, Kept::Mongo] {
        let registry = Registry::start_as(kept, Setup::with_standard_hashes()).await;
        registry.add_user(ADA).await;
        registry.fail_logins(ADA, 9).await;
        let clients: Vec<_> = (0..8)
            .map(|_| registry.client_at(PROGRAM, NETWORK))
            .collect();
        let logins = clients.iter().map(|client| client.login(ADA, PASSWORD));
        for answer in join_all(logins).await {
            answer.assert_done(PROGRAM, "Login successful", "/");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_at_once_with_wrong_passwords_get_ten_attempts() {
    let _cores = CORES.lock().await;
    for kept in [Kept::Embedded, Kept::Mongo] {
        let registry = Registry::start_as(kept, Setup::with_standard_hashes()).await;
        registry.add_user(ADA).await;
        let clients: Vec<_> = (0..40).map(|_| registry.program()).collect();
        let logins = clients
            .iter()
            .map(|client| client.login(ADA, WRONG_PASSWORD));
        let answers = join_all(logins).await;
        let with = |status: u16| {
            let answers = answers.iter();
            answers.filter(|answer| answer.status == status).count()
        };
        assert_eq!((with(401), with(429)), (10, 30));
    }
}

/// One after the other they take some three seconds.
#[tokio::test(flavor = "multi_thread")]
async fn logins_from_one_network_all_succeed_on_a_slow_database() {
    let _cores = CORES.lock().await;
    let proxy = Proxy::before(Mongod::shared().address()).await;
    let registry = Registry::start_behind(&proxy.uri()).await;
    registry.add_user(ADA).await;
    proxy.set(Fault::Delay(Duration::from_millis(20)));
    for answer in log_in_at_once(&registry, 30).await {
        answer.assert_done(PROGRAM, "Login successful", "/");
    }
}

/// A network that waits to log in does not wait for the database once for each of its logins.
#[tokio::test(flavor = "multi_thread")]
async fn logins_from_one_network_are_answered_together_when_the_database_is_silent() {
    let _cores = CORES.lock().await;
    let proxy = Proxy::before(Mongod::shared().address()).await;
    let registry = Registry::start_behind(&proxy.uri()).await;
    registry.add_user(ADA).await;
    proxy.set(Fault::Silence);
    let began = Instant::now();
    for answer in log_in_at_once(&registry, 30).await {
        assert_eq!(answer.status, 503, "{}", answer.body);
    }
    let waited = began.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    proxy.set(Fault::None);
    for answer in log_in_at_once(&registry, 8).await {
        answer.assert_done(PROGRAM, "Login successful", "/");
    }
}

async fn log_in_at_once(registry: &Registry, times: usize) -> Vec<Answer> {
    let clients = (0..times).map(|_| registry.client_at(PROGRAM, NETWORK));
    let clients: Vec<_> = clients.collect();
    join_all(clients.iter().map(|client| client.login(ADA, PASSWORD))).await
}
