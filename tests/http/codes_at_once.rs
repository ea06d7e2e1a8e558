//! A code that many use at once works once, at two processes too.

use futures_util::future::join_all;

use crate::{
    ADA, PROGRAM, SECOND_FACTOR,
    common::{Answer, Client, Kept, PASSWORD, Registry, Setup, authenticator_app::SecondFactor},
    refused_codes::{NOT_VALID, USED, waiting},
};

/// Two tests of one name, for each store.
macro_rules! at_processes {
    ($($test:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let registry = super::start(super::Kept::Embedded).await;
                super::$test([&registry, &registry]).await;
            })*
        }
        mod mongo {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let one = super::start(super::Kept::Mongo).await;
                let other = one.twin_as(super::unlimited()).await;
                super::$test([&one, &other]).await;
            })*
        }
    };
}

at_processes! {
    of_fifty_logins_with_one_code_one_gets_in
    of_fifty_logins_by_pages_with_one_code_one_gets_in
    of_two_logins_with_one_recovery_code_one_gets_in
    a_code_is_for_a_login_or_for_a_change
}

/// So many attempts at once would be refused, whatever their code.
fn unlimited() -> Setup {
    Setup {
        rate_limits: false,
        ..Setup::default()
    }
}

async fn start(kept: Kept) -> Registry {
    Registry::start_as(kept, unlimited()).await
}

/// The owner's client, and the second factor.
async fn with_app(registry: &Registry) -> (Client<'_>, SecondFactor) {
    let owner = registry.signed_up(PROGRAM, ADA).await;
    let factor = owner.add_app().await;
    (owner, factor)
}

/// So many clients, at one process and the other in turn.
fn clients<'r>(processes: [&'r Registry; 2], times: usize) -> Vec<Client<'r>> {
    let processes = processes.into_iter().cycle();
    processes.take(times).map(Registry::program).collect()
}

async fn log_in(clients: &[Client<'_>], code: &str) -> Vec<Answer> {
    let fields = [("email", ADA), ("password", PASSWORD), ("code", code)];
    let logins = clients
        .iter()
        .map(|client| client.post("/auth/login", &fields));
    join_all(logins).await
}

/// Asserts that one of these is done, and that the code of the others is refused.
fn assert_one_is_done(answers: &[Answer], refusal: &str) {
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    for answer in &refused {
        answer.assert_refused(PROGRAM, 401, refusal, Some("code"));
    }
    assert_eq!(done.len(), 1);
    done[0].assert_done(PROGRAM, "Login successful", "");
}

async fn assert_sessions(owner: &Client<'_>, expected: usize) {
    let sessions = owner.facts("/account/sessions").await;
    let sessions = sessions["sessions"].as_array().map(Vec::len);
    assert_eq!(sessions, Some(expected));
}

async fn of_fifty_logins_with_one_code_one_gets_in(processes: [&Registry; 2]) {
    let (owner, factor) = with_app(processes[0]).await;
    let code = factor.app.code_off(processes[0], 1);
    let answers = log_in(&clients(processes, 50), &code).await;
    assert_one_is_done(&answers, USED);
    assert_sessions(&owner, 2).await;
}

/// Each has sent the right password before.
async fn of_fifty_logins_by_pages_with_one_code_one_gets_in(processes: [&Registry; 2]) {
    let (owner, factor) = with_app(processes[0]).await;
    let mut browsers = Vec::new();
    for process in processes.into_iter().cycle().take(10) {
        browsers.push(waiting(process, ADA).await);
    }
    // Each sends the code five times, as somebody in a hurry does; a waiting login allows four wrong codes.
    let code = factor.app.code_off(processes[0], 1);
    let sent = browsers.iter().flat_map(|browser| {
        let sent = std::iter::repeat_with(|| browser.copy(PROGRAM)).take(5);
        let code = &code;
        sent.map(async move |client| client.post(SECOND_FACTOR, &[("code", code)]).await)
    });
    let answers: Vec<_> = sent.collect();
    let answers = join_all(answers).await;
    let done = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(done.count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        match answer.json()["field"].is_string() {
            true => answer.assert_refused(PROGRAM, 401, USED, Some("code")),
            // Of the browser that got in, whose login waits no more.
            false => answer.assert_refused(PROGRAM, 401, "Log in first", None),
        }
    }
    assert_sessions(&owner, 2).await;
}

async fn of_two_logins_with_one_recovery_code_one_gets_in(processes: [&Registry; 2]) {
    let (owner, factor) = with_app(processes[0]).await;
    for (n, code) in factor.recovery_codes.iter().enumerate().take(5) {
        let answers = log_in(&clients(processes, 2), code).await;
        assert_one_is_done(&answers, NOT_VALID);
        assert_sessions(&owner, n + 2).await;
    }
    let security = owner.facts("/account/security").await;
    assert_eq!(security["recovery_codes"]["left"], 5);
}

async fn a_code_is_for_a_login_or_for_a_change(processes: [&Registry; 2]) {
    let (owner, factor) = with_app(processes[0]).await;
    for process in processes {
        process.wait(16 * crate::MINUTE);
    }
    let code = factor.app.code(processes[0]);
    let stranger = processes[1].program();
    let fields = [("email", ADA), ("password", PASSWORD), ("code", &*code)];
    let codes = [("code", &*code)];
    let (login, change) = tokio::join!(
        stranger.post("/auth/login", &fields),
        owner.post("/account/recovery-codes", &codes),
    );
    let done = [&login, &change].map(|answer| answer.status == 200);
    assert_ne!(done[0], done[1], "{} {}", login.body, change.body);
    match done[0] {
        true => change.assert_refused(PROGRAM, 403, USED, Some("code")),
        false => login.assert_refused(PROGRAM, 401, USED, Some("code")),
    }
}
