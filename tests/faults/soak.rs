//! The soak: clients at work for a long time while one thing after the other fails, on both stores at once.

use std::{
    env, thread,
    time::{Duration, Instant},
};

use crate::{
    clients::Clients,
    mongod::Mongod,
    proxy::{Fault, Proxy},
    random, report,
    smtp::Manner,
    socket::Registry,
    stage::Stage,
    wait_for,
};

const CLIENTS: usize = 4;
/// How long a client rests between two requests, so that a long soak is not a flood.
const REST: Duration = Duration::from_millis(100);
/// How long an answer may take, whatever fails.
const ANSWER: Duration = Duration::from_secs(5);
/// How much more memory a process may hold at the end than when it was warm.
const GROWTH_MIB: u64 = 16;
/// How many more files it may have open.
const GROWTH_FILES: usize = 16;

#[test]
#[ignore = "very long"]
fn soak() {
    let seconds = env::var("SOAK_SECONDS").unwrap_or("1800".to_owned());
    let span = Duration::from_secs(seconds.parse().unwrap());
    thread::scope(|scope| {
        let embedded = scope.spawn(|| {
            let stage = Stage::embedded();
            let post = wait_for(Proxy::before(stage.smtp.address()));
            let stage = stage.with_mail_over(post.address());
            soak_one("embedded", stage, &post, None, span);
        });
        let mongod = Mongod::start(&[]).unwrap();
        let line = wait_for(Proxy::before(mongod.address()));
        let stage = Stage::mongo_at(&line.uri(), &mongod.uri());
        let post = wait_for(Proxy::before(stage.smtp.address()));
        let stage = stage.with_mail_over(post.address());
        soak_one("MongoDB", stage, &post, Some((&mongod, &line)), span);
        embedded.join().unwrap();
    });
}

/// The first half with kills; the second with every other fault on one process, which must not grow by it.
fn soak_one(
    store: &str,
    mut stage: Stage,
    post: &Proxy,
    database: Option<(&Mongod, &Proxy)>,
    span: Duration,
) {
    stage.setup.meets_faults = true;
    let stage = &stage;
    let mut clients = Clients::new(stage);
    clients.rest = REST;
    let begun = Instant::now();
    let (mut registry, mut slowest_start) = stage.start();
    let mut kills = 0;
    let mut faults = 0;
    let (warm, end) = clients.work(CLIENTS, || {
        while begun.elapsed() < span / 2 {
            if random(3) == 0 {
                registry.signal("KILL");
                registry.wait();
                let (next, took) = stage.start();
                registry = next;
                slowest_start = slowest_start.max(took);
                kills += 1;
            } else {
                some_fault(stage, post, database);
                faults += 1;
            }
            thread::sleep(Duration::from_millis(random(4000)));
        }
        let mut faults_until = |end: Duration| {
            while begun.elapsed() < end {
                some_fault(stage, post, database);
                faults += 1;
                thread::sleep(Duration::from_millis(random(4000)));
            }
            Size::at_rest(&registry)
        };
        // Warm after that: every part of it has been used, and every fault met.
        let warm = faults_until(span * 2 / 3);
        (warm, faults_until(span))
    });
    let slowest = clients.slowest();
    assert!(slowest < ANSWER, "an answer took {slowest:?}");
    let sums = clients.check(stage);
    assert!(end.mib <= warm.mib + GROWTH_MIB, "{warm:?} {end:?}");
    assert!(end.files <= warm.files + GROWTH_FILES, "{warm:?} {end:?}");
    report(&format!(
        "soak on {store}, {} s: {kills} kills and {faults} other faults under {CLIENTS} clients, {} requests, {sums}; \
         slowest answer {slowest:.2?}, slowest start {slowest_start:.2?}; since the last kill {} to {} MiB and {} to {} open files",
        span.as_secs(),
        clients.requests(),
        warm.mib,
        end.mib,
        warm.files,
        end.files
    ));
}

/// One fault of the mail or of the database, from its begin to its end.
fn some_fault(stage: &Stage, post: &Proxy, database: Option<(&Mongod, &Proxy)>) {
    let lasts = Duration::from_millis(500 + random(5000));
    let on = |proxy: &Proxy, fault| {
        proxy.set(fault);
        thread::sleep(lasts);
        proxy.set(Fault::None);
    };
    let kinds = if database.is_some() { 9 } else { 5 };
    match (random(kinds), database) {
        (0, _) => on(post, Fault::Refuse),
        (1, _) => on(post, Fault::Trickle(Duration::from_millis(100))),
        (2, _) => on(post, Fault::Silence),
        (3, _) => on(post, Fault::CutReply),
        (5, Some((_, line))) => on(line, Fault::Silence),
        (6, Some((_, line))) => on(line, Fault::Delay(Duration::from_millis(300))),
        (7, Some((_, line))) => on(line, Fault::CutReply),
        (8, Some((mongod, _))) => {
            mongod.signal("STOP");
            thread::sleep(lasts);
            mongod.signal("CONT");
        }
        _ => stage
            .smtp
            .set_manner(Manner::RefuseRecipientOnce("451 4.7.1 later")),
    }
}

/// How large a process is.
#[derive(Debug, Clone, Copy)]
struct Size {
    mib: u64,
    files: usize,
}

impl Size {
    /// After a while without faults.
    fn at_rest(registry: &Registry) -> Self {
        thread::sleep(Duration::from_secs(10));
        Self {
            mib: registry.rss_mib(),
            files: registry.open_files(),
        }
    }
}
