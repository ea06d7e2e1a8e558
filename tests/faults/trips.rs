//! How often each route waits for MongoDB, one wait after the other.

use std::time::{Duration, Instant};

use crate::{
    mongod::Mongod,
    proxy::{Fault, Proxy},
    report,
    socket::{NEW_PASSWORD, PASSWORD, Registry, Request, get, login, post, signup},
    stage::Stage,
    wait_for,
};

const DELAY: Duration = Duration::from_millis(200);

const ENTRANCE: &str = "GET login and signup with a session";

/// Every reply of the database comes a little later: each wait shows. The table stands in `RELIABILITY.md`.
#[test]
fn every_route_waits_for_the_database_as_often_as_said() {
    let line = wait_for(Proxy::before(Mongod::shared().address()));
    let mut stage = Stage::mongo_at(&line.uri(), &Mongod::shared().uri());
    stage.setup = stage.setup.with("RATE_LIMITS", "on");
    let (registry, _) = stage.start();
    let user = |number: usize| format!("user-{number}@example.org");
    let sessions: Vec<String> = (0..3)
        .map(|n| registry.sign_up(&user(n)).session())
        .collect();
    let links = [0, 1].map(|n| {
        let asked = post("/auth/forgot-password", &[("email", &user(n))]);
        assert_eq!(registry.send(&asked).status, 200);
        wait_for(stage.smtp.mail_to(&user(n))).uuid().unwrap()
    });
    // Connections are made now, and none of what follows waits for one.
    std::thread::scope(|scope| {
        for n in 0..3 {
            let registry = &registry;
            scope.spawn(move || assert_eq!(registry.log_in(&user(n), PASSWORD).status, 200));
        }
    });
    line.set(Fault::Delay(DELAY));
    let reset = |n: usize| {
        let fields = [("uuid", links[n].as_str()), ("password", NEW_PASSWORD)];
        post("/auth/reset-password", &fields)
    };
    let visit = get("/").with("Cookie", &sessions[2]);
    let logout = |n: usize| post("/auth/logout", &[]).with("Cookie", &sessions[n]);
    let forgot = |n: usize| post("/auth/forgot-password", &[("email", &user(n))]);
    let link = get(&format!("/auth/reset-password?uuid={}", links[0]));
    let opened = get("/auth/reset-password").with("Cookie", format!("reset={}", links[0]));
    let entrance = |path| {
        get(path)
            .with("Accept", "text/html")
            .with("Cookie", &sessions[2])
    };
    let mut seen = Vec::new();
    for (route, requests, trips) in [
        ("GET /", [visit.clone(), visit], 1),
        (ENTRANCE, ["/auth/login", "/auth/signup"].map(entrance), 1),
        ("GET reset-password with a uuid", [link.clone(), link], 1),
        (
            "GET reset-password with a cookie",
            [opened.clone(), opened],
            1,
        ),
        (
            "login",
            [login(&user(2), PASSWORD), login(&user(2), PASSWORD)],
            3,
        ),
        (
            "login that replaces a session",
            [2, 2].map(|n| login(&user(n), PASSWORD).with("Cookie", &sessions[2])),
            3,
        ),
        ("signup", [signup(&user(10)), signup(&user(11))], 4),
        (
            "signup that replaces a session",
            [20, 21].map(|n| signup(&user(n)).with("Cookie", &sessions[2])),
            5,
        ),
        ("forgot-password", [forgot(2), forgot(12)], 2),
        // Before the resets, which end every session.
        ("logout", [logout(0), logout(1)], 2),
        ("reset-password", [reset(0), reset(1)], 6),
    ] {
        // Who is logged in is sent on.
        let status = if route == ENTRANCE { 303 } else { 200 };
        let waits = trips_of(&registry, &requests, status);
        assert_eq!(waits, trips, "{route}");
        seen.push(format!("{route} {trips}"));
    }
    report(&format!("round trips to MongoDB: {}", seen.join(", ")));
}

/// The least that one of these took, in delays.
fn trips_of(registry: &Registry, requests: &[Request], status: u16) -> u128 {
    let times = requests.iter().map(|request| {
        let begun = Instant::now();
        let answer = registry.send(request);
        let took = begun.elapsed();
        assert_eq!(answer.status, status, "{answer:?}");
        took
    });
    times.min().unwrap().as_millis() / DELAY.as_millis()
}
