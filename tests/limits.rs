//! The limits on attempts, as clients meet them, on both stores.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "limits/at_once.rs"]
mod at_once;
#[macro_use]
mod common;
#[path = "common/proxy.rs"]
mod proxy;

use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use common::{
    Answer, EVERY_CLIENT, Encoding, Kept, Kind, PASSWORD, Registry, Setup, WRONG_PASSWORD as WRONG,
};
use fpm_registry::accounts::operator::request::Act;
use futures_util::future::join_all;
use serde_json::Value;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const ADA: &str = "ada@example.org";
const PROGRAM: Kind = Kind::Program(Encoding::Form);
const NEW_PASSWORD: &str = "a quite different one";

contract! {
    login_fails_ten_times_and_waits_longer_each_time
    login_waits_alike_for_known_and_unknown
    login_tells_strangers_nothing_of_the_owner
    login_from_a_known_device_passes_a_closed_account
    login_from_a_known_device_passes_a_closed_network
    login_from_a_known_device_has_ten_attempts_of_its_own
    login_fails_a_hundred_times_and_the_owner_is_mailed_a_way_in
    current_password_fails_a_hundred_times_and_the_owner_is_mailed_a_way_in
    login_fails_a_hundred_times_from_one_network
    login_from_ipv6_counts_for_the_wider_networks_too
    login_refused_for_its_network_counts_for_no_account
    login_refused_for_its_account_counts_for_the_network
    signup_twenty_times_from_one_network
    signup_forgets_what_strangers_tried_before
    forgot_password_three_times_for_one_address
    forgot_password_slows_down_in_a_day
    forgot_password_twenty_times_from_one_network
    new_passwords_ten_times_at_one_link
    new_passwords_a_hundred_times_from_one_network
}

async fn login_fails_ten_times_and_waits_longer_each_time(registry: Registry) {
    registry.add_user(ADA).await;
    registry.fail_logins(ADA, 10).await;
    for kind in EVERY_CLIENT {
        for password in [PASSWORD, WRONG] {
            let answer = registry.client(kind).login(ADA, password).await;
            answer.assert_wait(kind, 30);
            assert_eq!(answer.set_cookies(), [""; 0]);
        }
    }
    for seconds in [60, 120] {
        registry.wait(Duration::from_secs(seconds / 2));
        registry.fail_logins(" ADA@example.org ", 1).await;
        let answer = registry.program().login(ADA, PASSWORD).await;
        answer.assert_wait(PROGRAM, seconds);
    }
    registry.wait(2 * MINUTE);
    for _ in 0..20 {
        let answer = registry.program().login(ADA, PASSWORD).await;
        answer.assert_done(PROGRAM, "Login successful", "/");
    }
    registry.fail_logins(ADA, 1).await;
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_wait(PROGRAM, 240);
    registry.wait(DAY);
    registry.fail_logins(ADA, 10).await;
}

async fn login_waits_alike_for_known_and_unknown(registry: Registry) {
    registry.add_user(ADA).await;
    for kind in EVERY_CLIENT {
        let mut refusals = Vec::new();
        for email in [ADA, "eve@example.org"] {
            registry.fail_logins(email, 10).await;
            let mut answer = registry.client(kind).login(email, PASSWORD).await;
            assert_eq!(answer.status, 429);
            answer.body = answer.body.replace(answer.nonce(), "").replace(email, "");
            answer.headers.remove("content-security-policy");
            refusals.push(answer);
        }
        refusals[0].assert_like(&refusals[1]);
        registry.wait(400 * DAY);
    }
}

/// Who fails and comes back learns nothing of what the owner did meanwhile, nor whether there is an owner.
async fn login_tells_strangers_nothing_of_the_owner(registry: Registry) {
    registry.add_user(ADA).await;
    let laptop = registry.program();
    laptop.login(ADA, PASSWORD).await;
    let addresses = [ADA, "eve@example.org"];
    for email in addresses {
        registry.fail_logins(email, 9).await;
    }
    for device in [&laptop, &registry.program()] {
        registry.wait(HOUR);
        let answer = device.login(ADA, PASSWORD).await;
        answer.assert_done(PROGRAM, "Login successful", "/");
    }
    registry.wait(HOUR);
    for email in addresses {
        registry.fail_logins(email, 1).await;
        let answer = registry.program().login(email, WRONG).await;
        answer.assert_wait(PROGRAM, 30);
    }
}

async fn login_from_a_known_device_passes_a_closed_account(registry: Registry) {
    registry.add_user(ADA).await;
    registry.add_user("eve@example.org").await;
    let laptop = registry.browser();
    laptop.login(ADA, PASSWORD).await;
    laptop.post("/auth/logout", &[]).await;
    let evil = registry.browser();
    evil.login("eve@example.org", PASSWORD).await;
    registry.fail_logins(ADA, 10).await;

    // Neither another user's device nor a made-up one is known.
    assert_eq!(evil.login(ADA, WRONG).await.status, 429);
    let made_up = registry.program();
    made_up.set_cookie("device", "936da01f-9abd-4d9d-80c7-02af85c822a8");
    made_up.login(ADA, PASSWORD).await.assert_wait(PROGRAM, 30);

    let answer = laptop.login(ADA, PASSWORD).await;
    answer.assert_done(Kind::Browser, "Login successful", "/");
    let [session] = &answer.set_cookies()[..] else {
        panic!("a known device gets no new cookie");
    };
    assert!(session.starts_with("uuid="));
}

/// One attacker behind a shared address does not keep its neighbours out.
async fn login_from_a_known_device_passes_a_closed_network(registry: Registry) {
    registry.add_user(ADA).await;
    let laptop = registry.client_at(PROGRAM, "192.0.2.1".parse().unwrap());
    laptop.login(ADA, PASSWORD).await;
    let neighbour = registry.client_at(PROGRAM, "192.0.2.1".parse().unwrap());
    for n in 0..100 {
        let email = format!("user{n}@example.org");
        assert_eq!(neighbour.login(&email, WRONG).await.status, 401);
    }
    let answer = neighbour.login(ADA, PASSWORD).await;
    answer.assert_wait(PROGRAM, 900);
    let answer = laptop.login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
}

async fn login_from_a_known_device_has_ten_attempts_of_its_own(registry: Registry) {
    registry.add_user(ADA).await;
    let laptop = registry.program();
    laptop.login(ADA, PASSWORD).await;
    registry.fail_logins(ADA, 10).await;
    for _ in 0..10 {
        assert_eq!(laptop.login(ADA, WRONG).await.status, 401);
    }
    let answer = laptop.login(ADA, PASSWORD).await;
    answer.assert_wait(PROGRAM, 30);

    // As a stranger's it gets in once the account is open, and then it is as good as new.
    registry.wait(MINUTE);
    let answer = laptop.login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    registry.fail_logins(ADA, 1).await;
    let answer = laptop.login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");

    let uuid = registry.reset_uuid(ADA).await;
    let resetter = registry.program();
    reset(&resetter, &uuid, NEW_PASSWORD).await;
    assert!(!resetter.is_logged_in().await);
    registry.fail_logins(ADA, 10).await;
    let answer = laptop.login(ADA, NEW_PASSWORD).await;
    answer.assert_wait(PROGRAM, 30);
    let answer = resetter.login(ADA, NEW_PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
}

/// In one thread, so that its log is that of the test.
#[tokio::test]
async fn a_refusal_is_logged_by_the_word_that_its_limit_has_in_the_metrics() {
    let registry = Registry::start(Kept::Embedded).await;
    let ask = || async {
        let ada = registry.program();
        ada.post("/auth/forgot-password", &[("email", ADA)]).await
    };
    for _ in 0..6 {
        ask().await;
        registry.wait(15 * MINUTE);
    }
    // The first refusal makes the event known to the log; while another test did that, the log could miss it.
    ask().await;
    let log = log_of(ask()).await;
    assert!(log.contains(r#"detail="mail-in-a-day""#), "{log}");
}

/// What is logged meanwhile.
async fn log_of<T>(work: impl Future<Output = T>) -> String {
    let (mut reader, writer) = io::pipe().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Arc::new(writer))
        .finish();
    let listening = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(listening);
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    log
}

async fn login_fails_a_hundred_times_and_the_owner_is_mailed_a_way_in(registry: Registry) {
    registry.add_user(ADA).await;
    let laptop = registry.program();
    laptop.login(ADA, PASSWORD).await;
    for email in ["eve@example.org", ADA] {
        for n in 1..=100 {
            registry.fail_logins(email, 1).await;
            if n < 100 {
                registry.wait(15 * MINUTE);
            }
        }
        for kind in EVERY_CLIENT {
            let answer = registry.client(kind).login(email, PASSWORD).await;
            let sentence = "Too many attempts, reset your password to log in";
            answer.assert_refused(kind, 429, sentence, None);
            assert_eq!(answer.header("retry-after"), "900");
        }
    }
    let shown = registry.operate(ADA, Act::Show).await;
    assert_eq!(shown["closed"], true);
    assert_eq!(shown["refused_until"], Value::Null);
    let subject = "Your fpm-registry account is closed to new devices";
    let mail = registry.mail(ADA, subject).await;

    let answer = laptop.login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    let phone = registry.program();
    let answer = reset(&phone, mail.uuid().unwrap(), NEW_PASSWORD).await;
    answer.assert_done(PROGRAM, "Password reset successful", "");
    let answer = registry.program().login(ADA, NEW_PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");

    registry.wait(300 * DAY);
    let answer = registry.program().login("eve@example.org", WRONG).await;
    assert_eq!(answer.status, 429);
    let mail = registry.inbox.take("eve@example.org");
    assert!(mail.is_none(), "only who has an account is mailed");
}

/// Who holds a session closes the account like any stranger, and not behind its owner's back.
async fn current_password_fails_a_hundred_times_and_the_owner_is_mailed_a_way_in(
    registry: Registry,
) {
    registry.add_user(ADA).await;
    let thief = registry.program();
    thief.login(ADA, PASSWORD).await;
    let wrong = [("email", ADA), ("current_password", WRONG)];
    // Ten that the device has of its own, and the hundred of the account.
    for n in 1..=110 {
        let answer = thief.post("/account/delete", &wrong).await;
        assert_eq!(answer.status, 403, "{n}: {}", answer.body);
        if n > 10 && n < 110 {
            registry.wait(15 * MINUTE);
        }
    }
    assert_eq!(thief.post("/account/delete", &wrong).await.status, 429);
    let subject = "Your fpm-registry account is closed to new devices";
    loop {
        let mail = registry.inbox.next(ADA).await.expect("a mail arrives");
        if mail.subject == subject {
            break;
        }
    }
}

async fn login_fails_a_hundred_times_from_one_network(registry: Registry) {
    registry.add_user(ADA).await;
    let at = |address: &str| registry.client_at(PROGRAM, address.parse().unwrap());
    for n in 0..100 {
        let neighbour = at(&format!("2001:db8:1:2::{n:x}"));
        let email = format!("user{}@example.org", n / 5);
        let answer = neighbour.login(&email, WRONG).await;
        assert_eq!(answer.status, 401, "{}", answer.body);
    }
    let answer = at("2001:db8:1:2:3:4:5:6").login(ADA, PASSWORD).await;
    answer.assert_wait(PROGRAM, 900);
    let answer = at("2001:db8:1:3::1").login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    registry.wait(15 * MINUTE);
    let answer = at("2001:db8:1:2::1").login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
}

async fn login_from_ipv6_counts_for_the_wider_networks_too(registry: Registry) {
    registry.add_user(ADA).await;
    let at = |address: &str| registry.client_at(PROGRAM, address.parse().unwrap());
    let mut failures = 0;
    let mut fail = async |network: &str| {
        failures += 1;
        let email = format!("user{failures}@example.org");
        at(network).login(&email, WRONG).await.status.as_u16()
    };
    for n in 0..200 {
        assert_eq!(fail(&format!("2001:db8:0:{:x}::1", n % 8)).await, 401);
    }
    assert_eq!(fail("2001:db8:0:ff::1").await, 429, "the same /56");
    for n in 0..200 {
        assert_eq!(fail(&format!("2001:db8:0:{:x}00::1", 1 + n % 8)).await, 401);
    }
    assert_eq!(fail("2001:db8:0:ff00::1").await, 429, "the same /48");
    let answer = at("2001:db8:1::1").login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
}

/// The flood of a network that is closed leaves nothing behind with the accounts it names.
async fn login_refused_for_its_network_counts_for_no_account(registry: Registry) {
    registry.add_user(ADA).await;
    let flood = registry.client_at(PROGRAM, "192.0.2.1".parse().unwrap());
    for n in 0..100 {
        let email = format!("user{n}@example.org");
        assert_eq!(flood.login(&email, WRONG).await.status, 401);
    }
    for _ in 0..20 {
        assert_eq!(flood.login(ADA, WRONG).await.status, 429);
    }
    registry.fail_logins(ADA, 9).await;
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
}

/// Nobody waits for an account to open at no cost.
async fn login_refused_for_its_account_counts_for_the_network(registry: Registry) {
    registry.fail_logins(ADA, 10).await;
    let poll = registry.client_at(PROGRAM, "192.0.2.1".parse().unwrap());
    for _ in 0..100 {
        poll.login(ADA, WRONG).await.assert_wait(PROGRAM, 30);
    }
    let answer = poll.login("eve@example.org", WRONG).await;
    answer.assert_wait(PROGRAM, 900);
    registry.wait(MINUTE);
    let answer = poll.login(ADA, WRONG).await;
    answer.assert_wait(PROGRAM, 840);
}

async fn signup_twenty_times_from_one_network(registry: Registry) {
    let sign_up = async |address: &str, email: &str| {
        let client = registry.client_at(PROGRAM, address.parse().unwrap());
        let fields = [("name", "Ada"), ("email", email), ("password", PASSWORD)];
        client.post("/auth/signup", &fields).await
    };
    for n in 0..20 {
        let email = format!("user{}@example.org", n / 2);
        let status = if n % 2 == 0 { 200 } else { 400 };
        assert_eq!(sign_up("192.0.2.1", &email).await.status, status);
    }
    let answer = sign_up("192.0.2.1", ADA).await;
    answer.assert_wait(PROGRAM, 3600);
    assert_eq!(sign_up("192.0.2.2", ADA).await.status, 200);
    registry.wait(HOUR);
    assert_eq!(sign_up("192.0.2.1", "bob@example.org").await.status, 200);
}

/// An address cannot be closed before its owner signs up.
async fn signup_forgets_what_strangers_tried_before(registry: Registry) {
    for _ in 0..100 {
        registry.fail_logins(ADA, 1).await;
        registry.wait(15 * MINUTE);
    }
    assert_eq!(registry.program().login(ADA, WRONG).await.status, 429);
    registry.add_user(ADA).await;
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
}

async fn forgot_password_three_times_for_one_address(registry: Registry) {
    registry.add_user(ADA).await;
    // The confirmation mail counts too.
    registry.wait(DAY);
    for kind in EVERY_CLIENT {
        for email in [ADA, "eve@example.org"] {
            for typed in [email, &email.to_uppercase(), email] {
                let answer = forgot(&registry, kind, typed).await;
                assert_eq!(answer.status, if kind == Kind::Browser { 303 } else { 200 });
            }
            let answer = forgot(&registry, kind, email).await;
            answer.assert_wait(kind, 900);
        }
        registry.wait(DAY);
    }
    for _ in 0..3 * EVERY_CLIENT.len() {
        registry.mailed_uuid(ADA).await;
    }
}

/// Mails become rare, but nobody can use up the owner's.
async fn forgot_password_slows_down_in_a_day(registry: Registry) {
    registry.add_user(ADA).await;
    registry.wait(DAY);
    for _ in 0..2 {
        for _ in 0..3 {
            assert_eq!(forgot(&registry, PROGRAM, ADA).await.status, 200);
        }
        registry.wait(15 * MINUTE);
    }
    for _ in 0..10 {
        let answer = forgot(&registry, PROGRAM, ADA).await;
        answer.assert_wait(PROGRAM, 45 * 60);
        registry.wait(45 * MINUTE);
        assert_eq!(forgot(&registry, PROGRAM, ADA).await.status, 200);
        registry.wait(15 * MINUTE);
    }
    registry.wait(DAY);
    for _ in 0..3 {
        assert_eq!(forgot(&registry, PROGRAM, ADA).await.status, 200);
    }
}

async fn forgot_password_twenty_times_from_one_network(registry: Registry) {
    let forgot = async |address: &str, n: usize| {
        let client = registry.client_at(PROGRAM, address.parse().unwrap());
        let email = format!("user{n}@example.org");
        let fields = [("email", &*email)];
        client.post("/auth/forgot-password", &fields).await
    };
    for n in 0..20 {
        assert_eq!(forgot("192.0.2.1", n).await.status, 200);
    }
    let answer = forgot("192.0.2.1", 20).await;
    answer.assert_wait(PROGRAM, 3600);
    assert_eq!(forgot("192.0.2.2", 20).await.status, 200);
}

/// A judgement of a password costs more than most requests.
async fn new_passwords_ten_times_at_one_link(registry: Registry) {
    registry.add_user(ADA).await;
    let uuid = registry.reset_uuid(ADA).await;
    for _ in 0..10 {
        let answer = reset(&registry.program(), &uuid, "ada lovelace").await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    for kind in EVERY_CLIENT {
        let answer = reset(&registry.client(kind), &uuid, NEW_PASSWORD).await;
        answer.assert_wait(kind, 900);
    }
    let newer = registry.reset_uuid(ADA).await;
    let answer = reset(&registry.program(), &newer, NEW_PASSWORD).await;
    answer.assert_done(PROGRAM, "Password reset successful", "");
}

async fn new_passwords_a_hundred_times_from_one_network(registry: Registry) {
    let client = registry.client_at(PROGRAM, "192.0.2.1".parse().unwrap());
    let mut uuid = String::new();
    for n in 0..100 {
        if n % 10 == 0 {
            let email = format!("user{n}@example.org");
            registry.add_user(&email).await;
            uuid = registry.reset_uuid(&email).await;
        }
        assert_eq!(reset(&client, &uuid, "password").await.status, 400);
    }
    let uuid = registry.reset_uuid("user0@example.org").await;
    let answer = reset(&client, &uuid, NEW_PASSWORD).await;
    answer.assert_wait(PROGRAM, 900);
    let answer = reset(&registry.program(), &uuid, NEW_PASSWORD).await;
    answer.assert_done(PROGRAM, "Password reset successful", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_counted_over_all_processes_on_one_database() {
    let one = Registry::start(Kept::Mongo).await;
    let other = one.twin().await;
    one.add_user(ADA).await;
    one.fail_logins(ADA, 5).await;
    other.fail_logins(ADA, 5).await;
    for registry in [&one, &other] {
        assert_eq!(registry.program().login(ADA, PASSWORD).await.status, 429);
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        left.push(one.program());
        right.push(other.program());
    }
    let logins = left.iter().chain(&right);
    let logins = logins.map(|client| client.login("eve@example.org", WRONG));
    let answers = join_all(logins).await;
    let tried = answers.iter().filter(|answer| answer.status == 401);
    assert_eq!(tried.count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_says_where_a_client_is() {
    let setup = Setup {
        trusted_proxies: &["192.0.2.0/24"],
        ..Setup::default()
    };
    let registry = Registry::start_as(Kept::Embedded, setup).await;
    let sign_up = async |peer: &str, said: &'static str, n: usize| {
        let mut client = registry.client_at(PROGRAM, peer.parse().unwrap());
        client.forwarded_for = Some(said);
        let email = format!("user{n}@example.org");
        let fields = [("name", "Ada"), ("email", &email), ("password", PASSWORD)];
        client.post("/auth/signup", &fields).await.status
    };
    const MADE_UP: [&str; 21] = [
        "1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4", "1.0.0.5", "1.0.0.6", "1.0.0.7", "1.0.0.8",
        "1.0.0.9", "1.0.0.10", "1.0.0.11", "1.0.0.12", "1.0.0.13", "1.0.0.14", "1.0.0.15",
        "1.0.0.16", "1.0.0.17", "1.0.0.18", "1.0.0.19", "1.0.0.20", "1.0.0.21",
    ];
    for (n, said) in MADE_UP.into_iter().enumerate() {
        let status = if n < 20 { 200 } else { 429 };
        assert_eq!(sign_up("198.51.100.1", said, n).await, status);
    }
    for (n, said) in MADE_UP.into_iter().enumerate() {
        assert_eq!(sign_up("192.0.2.1", said, 100 + n).await, 200);
    }
}

async fn forgot(registry: &Registry, kind: Kind, email: &str) -> Answer {
    let client = registry.client(kind);
    client
        .post("/auth/forgot-password", &[("email", email)])
        .await
}

async fn reset(client: &common::Client<'_>, uuid: &str, password: &str) -> Answer {
    let fields = [("uuid", uuid), ("password", password)];
    client.post("/auth/reset-password", &fields).await
}
