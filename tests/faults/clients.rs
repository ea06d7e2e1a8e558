//! Clients that use the registry all the time, and remember what it acknowledged.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    random,
    smtp::SmtpServer,
    socket::{Answer, NEW_PASSWORD, PASSWORD, Request, get, login, post, signup, try_send},
    stage::Stage,
};

/// How long a client waits for the mail with its link before it does without.
const LINK_TIMEOUT: Duration = Duration::from_secs(2);

/// What the page says to whoever has a session.
const LOGGED_IN: &str = "You are logged in as";

/// What became of a request, as far as its client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    NotSent,
    /// Answered with success: it must have happened, and stay so.
    Done,
    /// Answered with 503 or not at all: it has happened or it has not.
    Unknown,
    /// Refused, since the link of a later mail had ended that of the first.
    Superseded,
}

/// An account, as its client knows it.
#[derive(Debug)]
struct Account {
    email: String,
    signup: Fate,
    /// The session of the signup.
    session: Option<String>,
    logout: Fate,
    forgot: Fate,
    reset: Fate,
}

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

/// What clients asked for and were promised.
#[derive(Default)]
pub struct Sums {
    pub signups: usize,
    logouts: usize,
    pub links: usize,
    pub resets: usize,
    mails: usize,
    pub doubled: usize,
    /// How often the mail came that came most often.
    most: usize,
    /// How many resets came with a link that a later mail had ended.
    superseded: usize,
    unknown: usize,
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

    /// Whether somebody was promised a link, and a new password with it.
    pub fn has_reset(&self) -> bool {
        let accounts = self.accounts.lock().unwrap();
        let mut fates = accounts
            .iter()
            .map(|account| (account.forgot, account.reset));
        fates.any(|fates| fates == (Fate::Done, Fate::Done))
    }

    /// When requests failed since `begin`, with 503 or without an answer.
    pub fn failures_since(&self, begin: Instant) -> Vec<Instant> {
        let failures = self.failures.lock().unwrap();
        let since = failures.iter().filter(|failed| **failed >= begin);
        since.copied().collect()
    }

    /// One user's life: signup, a visit, login, now and then a logout, and often a reset.
    fn live(&self) -> Account {
        let email = format!("user-{}@example.org", uuid::Uuid::new_v4().simple());
        let mut account = Account {
            email: email.clone(),
            signup: Fate::NotSent,
            session: None,
            logout: Fate::NotSent,
            forgot: Fate::NotSent,
            reset: Fate::NotSent,
        };
        let answer = self.send(&signup(&email));
        account.signup = fate(&answer);
        let Some(session) = answer.map(|answer| answer.session()) else {
            return account;
        };
        account.session = Some(session.clone());
        if let Some(page) = self.send(&visit(&session)) {
            assert!(page.body.contains(LOGGED_IN), "{}", page.body);
        }
        self.send(&login(&email, PASSWORD));
        if random(4) == 0 {
            let logout = post("/auth/logout", &[]).with("Cookie", &session);
            account.logout = fate(&self.send(&logout));
        }
        if random(3) > 0 || self.is_over() {
            return account;
        }
        account.forgot = fate(&self.send(&post("/auth/forgot-password", &[("email", &email)])));
        if let Some(uuid) = self.mailed_uuid(&email) {
            account.reset = self.reset(&uuid);
        }
        account
    }

    fn reset(&self, uuid: &str) -> Fate {
        let fields = [("uuid", uuid), ("password", NEW_PASSWORD)];
        let answer = self.exchange(&post("/auth/reset-password", &fields));
        match answer {
            // A second mail, sent because a fault hid that the first had gone, ends the link of the first.
            Ok(answer) if answer.status == 404 => Fate::Superseded,
            answer => fate(&success(answer)),
        }
    }

    fn mailed_uuid(&self, email: &str) -> Option<String> {
        let asked = Instant::now();
        while asked.elapsed() < LINK_TIMEOUT {
            let mails = self.smtp.mails_to(email);
            if let Some(uuid) = mails.last().and_then(|mail| mail.uuid()) {
                return Some(uuid);
            }
            thread::sleep(Duration::from_millis(50));
        }
        None
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
        let has_mail = |account: &Account| {
            let mails = Mails::of(account, &stage.smtp);
            let links = match (account.forgot, account.reset) {
                (_, Fate::Superseded) => 2,
                (Fate::Done, _) => 1,
                _ => 0,
            };
            mails.links >= links && (account.reset != Fate::Done || mails.notices > 0)
        };
        let mut sums = Sums::default();
        stage.wait_for_mail(|| accounts.iter().all(has_mail));
        thread::scope(|scope| {
            for some in accounts.chunks(accounts.len().div_ceil(8).max(1)) {
                scope.spawn(move || some.iter().for_each(|account| self.check_one(account)));
            }
        });
        for account in accounts.iter() {
            let mails = Mails::of(account, &stage.smtp);
            sums.add(account, &mails);
        }
        // Each account is there now, and once: one whose signup was in doubt has just been made where it was not.
        let accounts = (accounts.len() + self.others) as u64;
        assert!(stage.users().is_none_or(|users| users == accounts));
        sums
    }

    fn check_one(&self, account: &Account) {
        let Account {
            email,
            session,
            logout,
            reset,
            ..
        } = account;
        let send = |request: &Request| try_send(self.address, request).unwrap();
        let log_in = |password| {
            let answer = send(&login(email, password));
            assert!([200, 401].contains(&answer.status), "{email}: {answer:?}");
            answer.status == 200
        };
        let is_live = session.as_ref().map(|session| {
            let page = send(&visit(session));
            assert_eq!(page.status, 200, "{email}: {page:?}");
            page.body.contains(LOGGED_IN)
        });
        let is_old = log_in(PASSWORD);
        let is_known = match (account.signup, reset) {
            (Fate::Done, Fate::NotSent | Fate::Superseded) => is_old,
            (Fate::Done, Fate::Done) => !is_old && log_in(NEW_PASSWORD),
            (Fate::Done, Fate::Unknown) => is_old != log_in(NEW_PASSWORD),
            _ => is_old || send(&signup(email)).status == 200,
        };
        // A reset ends every session.
        let is_kept = match (is_live, logout) {
            (None, _) => true,
            (Some(is_live), Fate::NotSent) => is_live == is_old,
            (Some(is_live), Fate::Done) => !is_live,
            (Some(is_live), _) => is_old || !is_live,
        };
        assert!(
            is_known && is_kept,
            "lost: {account:?}, session live: {is_live:?}, old password: {is_old}"
        );
    }
}

/// Ends the clients' work, also where the scenario fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The mails that came to an account.
struct Mails {
    links: usize,
    notices: usize,
}

impl Mails {
    fn of(account: &Account, smtp: &SmtpServer) -> Self {
        let mut kinds = HashMap::<String, usize>::new();
        for mail in smtp.mails_to(&account.email) {
            *kinds.entry(mail.header("Subject").unwrap()).or_default() += 1;
        }
        let mails = Self {
            links: kinds
                .remove("Reset your fpm-registry password")
                .unwrap_or(0),
            notices: kinds
                .remove("Your fpm-registry password was changed")
                .unwrap_or(0),
        };
        assert!(kinds.is_empty(), "{kinds:?}");
        mails
    }
}

impl Sums {
    fn add(&mut self, account: &Account, mails: &Mails) {
        for (fate, count) in [
            (account.forgot, mails.links),
            (account.reset, mails.notices),
        ] {
            let is_as_promised = match fate {
                Fate::NotSent | Fate::Superseded => count == 0,
                Fate::Done => count > 0,
                Fate::Unknown => true,
            };
            let email = &account.email;
            assert!(is_as_promised, "{email}: {count} mails for {fate:?}");
            self.mails += count;
            self.doubled += count.saturating_sub(1);
            self.most = self.most.max(count);
        }
        assert!(
            account.reset != Fate::Superseded || mails.links > 1,
            "{}: its only link was lost",
            account.email
        );
        let fates = [
            account.signup,
            account.logout,
            account.forgot,
            account.reset,
        ];
        self.signups += usize::from(account.signup == Fate::Done);
        self.logouts += usize::from(account.logout == Fate::Done);
        self.links += usize::from(account.forgot == Fate::Done);
        self.resets += usize::from(account.reset == Fate::Done);
        self.superseded += usize::from(account.reset == Fate::Superseded);
        self.unknown += usize::from(fates.contains(&Fate::Unknown));
    }
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} signups acknowledged and all can log in, {} logouts, {} links and {} resets acknowledged, {} mails \
             ({} more than once, at most {} times; {} links ended by that), {} in doubt and none half done",
            self.signups,
            self.logouts,
            self.links,
            self.resets,
            self.mails,
            self.doubled,
            self.most,
            self.superseded,
            self.unknown
        )
    }
}

fn visit(session: &str) -> Request {
    get("/").with("Cookie", session)
}

fn fate(answer: &Option<Answer>) -> Fate {
    match answer {
        Some(_) => Fate::Done,
        None => Fate::Unknown,
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
