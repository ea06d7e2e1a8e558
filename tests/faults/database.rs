//! F2 and F3: MongoDB fails over, falls silent, slows down or hangs up.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    clients::Clients,
    mongod::Mongod,
    proxy::{Fault, Proxy},
    replica_set::ReplicaSet,
    report,
    socket::{Answer, PASSWORD, Registry, Request, get, login, post, signup},
    stage::Stage,
    wait_for,
};

const CLIENTS: usize = 20;
/// How long an answer may take while the primary changes.
const FAILOVER_ANSWER: Duration = Duration::from_secs(5);
/// How long requests may fail when the primary changes.
const OUTAGE: Duration = Duration::from_secs(15);
/// How long no request may have failed for the fault to be over.
const CALM: Duration = Duration::from_secs(5);

#[test]
#[ignore = "long"]
fn a_failover_loses_nothing() {
    let mut set = wait_for(ReplicaSet::start(3));
    let mut stage = Stage::mongo_at(&set.uri(), &set.uri());
    stage.setup.meets_faults = true;
    let (registry, _) = stage.start();
    let clients = Clients::new(&stage);
    let outages = clients.work(CLIENTS, || {
        thread::sleep(Duration::from_secs(3));
        let stepped_down = outage(&clients, || {
            wait_for(set.step_down());
            wait_for(set.primary());
        });
        let primary = wait_for(set.primary());
        let killed = outage(&clients, || {
            set.members[primary].signal("KILL");
            wait_for(set.primary());
        });
        set.members[primary].restart();
        thread::sleep(CALM);
        let primary = wait_for(set.primary());
        let stopped = outage(&clients, || {
            set.members[primary].signal("STOP");
            wait_for(set.primary());
        });
        let awake = outage(&clients, || set.members[primary].signal("CONT"));
        [stepped_down, killed, stopped, awake]
    });
    let sums = clients.check(&stage);
    assert_eq!(clients.unanswered(), 0, "the registry answers all along");
    let slowest = clients.slowest();
    assert!(slowest < FAILOVER_ANSWER, "an answer took {slowest:?}");
    for outage in &outages {
        assert!(outage.lasted < OUTAGE, "{outage}");
    }
    let [stepped_down, killed, stopped, awake] = outages;
    report(&format!(
        "F2: 3 members under {CLIENTS} clients, {} requests; step-down: {stepped_down}; primary killed: {killed}; \
         primary stopped: {stopped}; and awake again: {awake}; slowest answer {slowest:.2?}; {sums}",
        clients.requests()
    ));
    drop(registry);
}

/// What clients notice of a fault.
struct Outage {
    failed: usize,
    lasted: Duration,
    /// How long it took until there was another primary.
    elected: Duration,
}

impl std::fmt::Display for Outage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            failed,
            lasted,
            elected,
        } = self;
        write!(
            f,
            "{failed} requests failed within {lasted:.1?}, a primary after {elected:.1?}"
        )
    }
}

/// How many requests failed from `fault` on, and for how long.
fn outage(clients: &Clients, fault: impl FnOnce()) -> Outage {
    let begun = Instant::now();
    fault();
    let elected = begun.elapsed();
    loop {
        let failures = clients.failures_since(begun);
        let last = failures.iter().max().copied().unwrap_or(begun);
        if last.elapsed() > CALM && begun.elapsed() > elected + CALM {
            return Outage {
                failed: failures.len(),
                lasted: last - begun,
                elected,
            };
        }
        assert!(begun.elapsed() < 4 * OUTAGE, "requests go on failing");
        thread::sleep(Duration::from_millis(100));
    }
}

const ADA: &str = "ada@example.org";
const RESET: &str = "/auth/reset-password";
/// How long a page may take that waits half a second for the store.
const PAGE: Duration = Duration::from_millis(1200);
/// How long everything else may take.
const ANSWER: Duration = Duration::from_secs(3);
/// How long logins may still fail after the fault: the driver looks after its server every two seconds. Its
/// own ten would show here.
const RECOVERY: Duration = Duration::from_secs(5);

/// F3, with the limits on attempts as in production.
#[test]
fn a_database_out_of_order_is_answered_for() {
    let proxy = wait_for(Proxy::before(Mongod::shared().address()));
    let mut stage = Stage::mongo_at(&proxy.uri(), &Mongod::shared().uri());
    stage.setup = stage.setup.with("RATE_LIMITS", "on");
    stage.setup.meets_faults = true;
    let (registry, _) = stage.start();
    let visitor = Visitor::new(&registry, &stage);
    let mut seen = Vec::new();
    for (name, fault) in [
        ("silent", Fault::Silence),
        ("2 s slow", Fault::Delay(Duration::from_secs(2))),
        ("cut off in a reply", Fault::CutReply),
        ("refusing", Fault::Refuse),
    ] {
        proxy.set(fault);
        let may_succeed = matches!(fault, Fault::Delay(_));
        let slowest = visitor.meets(&registry, may_succeed);
        let (ready, took) = timed(&registry, &get("/health/ready"));
        assert!(ready.status == 503 || may_succeed, "{name}: {ready:?}");
        assert!(took < ANSWER, "{name}: {took:?}");
        proxy.set(Fault::None);
        let recovered = recovery(&registry);
        seen.push(format!(
            "{name}: slowest answer {slowest:.2?}, recovered in {recovered:.2?}"
        ));
    }
    assert!(registry.is_logged_in(&visitor.session));
    report(&format!("F3 MongoDB {}", seen.join("; ")));
}

/// Somebody with a session and a reset link.
struct Visitor {
    session: String,
    uuid: String,
}

impl Visitor {
    fn new(registry: &Registry, stage: &Stage) -> Self {
        let session = registry.sign_up(ADA).session();
        let asked = registry.send(&post("/auth/forgot-password", &[("email", ADA)]));
        assert_eq!(asked.status, 200);
        let mail = wait_for(stage.smtp.mail_to(ADA));
        let uuid = mail.uuid().unwrap();
        Self { session, uuid }
    }

    /// Sends one of everything at once, as a program and as a browser; how long the slowest answer took. What
    /// needs the database may still succeed where it is only slow.
    fn meets(&self, registry: &Registry, may_succeed: bool) -> Duration {
        // Logins of one client to one account wait for each other, hence two accounts.
        let programs = self.requests(ADA);
        let browsers = self.requests("eve@example.org").map(Request::by_browser);
        thread::scope(|scope| {
            let pages = ["/auth/login", "/auth/signup"].map(|path| {
                let page = get(path).with("Cookie", &self.session).by_browser();
                scope.spawn(move || page_without_visitor(registry, &page))
            });
            let assert_later: fn(&Answer) = Answer::assert_later;
            let programs = programs.map(|request| (request, assert_later));
            let browsers = browsers.map(|request| (request, Answer::assert_later_page as _));
            let others = programs.into_iter().chain(browsers);
            let others: Vec<_> = others
                .map(|(request, assert_later)| {
                    scope.spawn(move || answered(registry, &request, may_succeed, assert_later))
                })
                .collect();
            let times = pages.into_iter().chain(others);
            times.map(|time| time.join().unwrap()).max().unwrap()
        })
    }

    /// One request of each kind that cannot do without the database.
    fn requests(&self, email: &str) -> [Request; 12] {
        let Self { session, uuid } = self;
        [
            get("/").with("Cookie", session),
            get(&format!("{RESET}?uuid={uuid}")),
            get(RESET).with("Cookie", format!("reset={uuid}")),
            login(email, PASSWORD),
            signup("max@example.org"),
            post("/auth/forgot-password", &[("email", "max@example.org")]),
            // Refused once the link is found, which stays as it is.
            post(RESET, &[("uuid", uuid), ("password", "short")]),
            get("/account").with("Cookie", session),
            get("/account/history").with("Cookie", session),
            post("/account/name", &[("name", "Grace")]).with("Cookie", session),
            // Nobody's link.
            post("/auth/not-me", &[("uuid", uuid)]),
            // Nobody's session.
            post("/auth/logout", &[]).with("Cookie", format!("uuid={uuid}")),
        ]
    }
}

fn page_without_visitor(registry: &Registry, page: &Request) -> Duration {
    let (answer, took) = timed(registry, page);
    answer.assert_page(200, "<form");
    assert!(took < PAGE, "a page took {took:?}");
    took
}

fn answered(
    registry: &Registry,
    request: &Request,
    may_succeed: bool,
    assert_later: fn(&Answer),
) -> Duration {
    let (answer, took) = timed(registry, request);
    assert!(took < ANSWER, "an answer took {took:?}: {answer:?}");
    let has_succeeded = may_succeed && answer.status < 500;
    if !has_succeeded {
        assert_later(&answer);
    }
    took
}

fn timed(registry: &Registry, request: &Request) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = registry.send(request);
    (answer, begun.elapsed())
}

/// How long it takes until a login succeeds, and all after it.
fn recovery(registry: &Registry) -> Duration {
    let begun = Instant::now();
    while registry.log_in(ADA, PASSWORD).status != 200 {
        assert!(begun.elapsed() < RECOVERY, "it does not recover");
        thread::sleep(Duration::from_millis(50));
    }
    let recovered = begun.elapsed();
    for _ in 0..10 {
        assert_eq!(registry.log_in(ADA, PASSWORD).status, 200);
    }
    recovered
}
