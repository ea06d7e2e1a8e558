//! Clients that use the registry all the time, and remember what it acknowledged.
//!
//! # Layout
//! - `life`: what a user does; [`account`]: what its client knows of the account
//! - [`sums`]: what all of them were promised, and the mails that came

pub mod account;
mod life;
mod sums;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use self::{
    account::{Account, Deed, Seen, Shown, subject},
    sums::{Mails, Sums},
};
use crate::{
    smtp::SmtpServer,
    socket::{Answer, Request, get, login, signup, try_send},
    stage::Stage,
};

/// Clients at work on one registry.
pub struct Clients<'a> {
    address: SocketAddr,
    smtp: &'a SmtpServer,
    /// How long each rests between two requests.
    pub rest: Duration,
    /// How many accounts there are beside theirs.
    pub others: usize,
    is_over: AtomicBool,
    accounts: Mutex<Vec<Account>>,
    /// When requests failed, with 503 or without an answer.
    failures: Mutex<Vec<Instant>>,
    requests: Mutex<Requests>,
}

/// What was sent so far.
#[derive(Default)]
struct Requests {
    all: u64,
    /// How many had no answer: their connection was refused or cut off.
    unanswered: u64,
    slowest: Duration,
}

impl<'a> Clients<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        Self {
            address: stage.address,
            smtp: &stage.smtp,
            rest: Duration::ZERO,
            others: 0,
            is_over: AtomicBool::new(false),
            accounts: Mutex::default(),
            failures: Mutex::default(),
            requests: Mutex::default(),
        }
    }

    /// Has so many clients work while `scenario` plays. A client that meets an answer it should never see
    /// fails the test.
    pub fn work<T>(&self, clients: usize, scenario: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            for _ in 0..clients {
                scope.spawn(|| {
                    while !self.is_over() {
                        let account = self.live();
                        self.accounts.lock().unwrap().push(account);
                    }
                });
            }
            let end = End(&self.is_over);
            let outcome = scenario();
            drop(end);
            outcome
        })
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// The slowest answer so far.
    pub fn slowest(&self) -> Duration {
        self.requests.lock().unwrap().slowest
    }

    pub fn requests(&self) -> u64 {
        self.requests.lock().unwrap().all
    }

    /// How many requests had no answer, which only the end of a registry excuses.
    pub fn unanswered(&self) -> u64 {
        self.requests.lock().unwrap().unanswered
    }

    /// Something that users do and that was acknowledged to nobody yet.
    pub fn never_done(&self) -> Option<Deed> {
        let accounts = self.accounts.lock().unwrap();
        let is_done = |deed| accounts.iter().any(|account| account.done.contains(&deed));
        Deed::ALL.into_iter().find(|deed| !is_done(*deed))
    }

    /// When requests failed since `begin`, with 503 or without an answer.
    pub fn failures_since(&self, begin: Instant) -> Vec<Instant> {
        let failures = self.failures.lock().unwrap();
        let since = failures.iter().filter(|failed| **failed >= begin);
        since.copied().collect()
    }

    /// Sends a request that has to succeed or to fail for the fault: nothing where it failed.
    fn send(&self, request: &Request) -> Option<Answer> {
        success(self.exchange(request))
    }

    /// Sends a request, once somebody listens.
    fn exchange(&self, request: &Request) -> io::Result<Answer> {
        thread::sleep(self.rest);
        loop {
            let begun = Instant::now();
            let answer = try_send(self.address, request);
            match &answer {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    thread::sleep(Duration::from_millis(10));
                    if !self.is_over() {
                        continue;
                    }
                }
                _ => {}
            }
            self.note(begun, &answer);
            return answer;
        }
    }

    fn note(&self, begun: Instant, answer: &io::Result<Answer>) {
        let ended = Instant::now();
        let mut requests = self.requests.lock().unwrap();
        requests.all += 1;
        requests.unanswered += u64::from(answer.is_err());
        requests.slowest = requests.slowest.max(ended - begun);
        drop(requests);
        let has_failed = !matches!(answer, Ok(answer) if answer.status < 500);
        if has_failed {
            self.failures.lock().unwrap().push(ended);
        }
    }

    /// Checks, with nothing failing any more, that all that was acknowledged is so.
    pub fn check(&self, stage: &Stage) -> Sums {
        let accounts = self.accounts.lock().unwrap();
        let mut mails = Mails::asked_by(&accounts);
        if stage.setup.meets_faults {
            // An account works without the mail of its signup: where the store fails right after it, there is none.
            mails.promise_no(subject::CONFIRM);
        }
        stage.wait_for_mail(|| mails.have_come(&stage.smtp.mails()));
        assert!(
            mails.have_come(&stage.smtp.mails()),
            "{:?}",
            mails.missing()
        );
        mails.assert_asked();
        let sums = Sums::of(&accounts, &mails);
        thread::scope(|scope| {
            for some in accounts.chunks(accounts.len().div_ceil(8).max(1)) {
                scope.spawn(move || some.iter().for_each(|account| self.check_one(account)));
            }
        });
        // Each account is there now, and once: one that was not there has just been made.
        let accounts = (accounts.len() + self.others) as u64;
        assert!(stage.users().is_none_or(|users| users == accounts));
        sums
    }

    /// The account is seen to be as was acknowledged, or wholly as the request in doubt makes it.
    fn check_one(&self, account: &Account) {
        let seen = self.look_at(account);
        let state = account.states().find(|state| seen.is_of(state.as_ref()));
        let state = state.unwrap_or_else(|| panic!("lost or half done: {account:?} {seen:?}"));
        if state.is_none() {
            let answer = self.ask(&signup(account.last_address()));
            assert_eq!(answer.status, 200, "{account:?} {answer:?}");
        }
    }

    fn look_at(&self, account: &Account) -> Seen {
        let sessions = account.sessions().iter();
        let sessions = sessions.map(|session| (session.clone(), self.shown(session)));
        let sessions = sessions.collect();
        let logins = account.logins().map(|(email, password)| {
            let answer = self.ask(&login(email, password));
            assert!([200, 401].contains(&answer.status), "{email}: {answer:?}");
            (email.to_owned(), password, answer.status == 200)
        });
        Seen {
            sessions,
            logins: logins.collect(),
        }
    }

    /// What a program is told of the account in this session, if it lives.
    fn shown(&self, session: &str) -> Option<Shown> {
        let answer = self.ask(&get("/account").with("Cookie", session));
        if answer.status == 401 {
            return None;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        let facts: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let text = |name: &str| facts[name].as_str().unwrap().to_owned();
        Some(Shown {
            name: text("name"),
            email: text("email"),
            is_confirmed: facts["email_confirmed"].as_bool().unwrap(),
        })
    }

    fn ask(&self, request: &Request) -> Answer {
        try_send(self.address, request).unwrap()
    }
}

/// Ends the clients' work, also where the scenario fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The answer where it is a success; whatever else it says but "later" fails the test.
fn success(answer: io::Result<Answer>) -> Option<Answer> {
    let answer = answer.ok()?;
    match answer.status {
        200 => Some(answer),
        503 => {
            assert_eq!(answer.header("retry-after"), "5");
            None
        }
        _ => panic!("an answer nobody should get: {answer:?}"),
    }
}
