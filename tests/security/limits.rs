//! The limits on attempts, over restarts and made-up addresses of clients.

use crate::{
    ADA, FORGOT, WRONG,
    socket::{PASSWORD, Registry, Setup, post},
};

/// ASVS 6.1.1, 6.3.1, 2.4.1, NIST 3.2.2: ten failures close an account for a while, and a restart opens nothing.
#[test]
fn attempts_are_remembered_over_a_restart() {
    let registry = Setup::new().start();
    let session = registry.sign_up(ADA).session();
    for _ in 0..10 {
        registry
            .log_in(ADA, "wrong horse battery")
            .assert_refused(401, WRONG, None);
    }
    let setup = registry.setup.clone();
    let closed_by = |registry: &Registry| {
        let answer = registry.log_in(ADA, PASSWORD);
        assert_eq!(answer.status, 429, "{}", answer.body);
        assert!(
            answer.body.contains("Too many attempts, try again in"),
            "{}",
            answer.body
        );
        assert_eq!(answer.all("set-cookie"), [""; 0]);
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=30).contains(&seconds), "{seconds}");
    };
    closed_by(&registry);
    drop(registry);
    let registry = setup.start();
    closed_by(&registry);
    assert!(registry.is_logged_in(session), "who is logged in stays so");
}

/// ASVS 4.1.3, 15.3.4: who is no trusted proxy cannot say that a request comes from elsewhere.
#[test]
fn made_up_addresses_of_clients_pass_no_limit() {
    let registry = Setup::new().start();
    let ask = |n: usize| {
        let address = format!("198.51.100.{n}");
        let email = format!("user{n}@example.org");
        let sent = post(FORGOT, &[("email", &email)]);
        let sent = sent
            .with("X-Forwarded-For", &address)
            .with("X-Real-IP", &address);
        let sent = sent.with("Forwarded", format!("for={address}"));
        registry.send(
            &sent
                .with("True-Client-IP", &address)
                .with("CF-Connecting-IP", address),
        )
    };
    for n in 0..20 {
        assert_eq!(ask(n).status, 200);
    }
    for n in 20..25 {
        let answer = ask(n);
        answer.assert_refused(429, "Too many attempts, try again in 60 minutes", None);
        assert!(answer.header("retry-after").parse::<u64>().unwrap() > 3500);
    }
}
