//! How often each route waits for MongoDB, one wait after the other. The table stands in `RELIABILITY.md`.

use std::time::{Duration, Instant};

use mongodb::bson::{DateTime, Document, doc};

use crate::{
    clients::account::subject,
    mongod::Mongod,
    proxy::{Fault, Proxy},
    report,
    socket::{NEW_PASSWORD, PASSWORD, Registry, Request, get, login, post, signup},
    stage::Stage,
    wait_for,
};

const DELAY: Duration = Duration::from_millis(100);

#[test]
fn every_route_waits_for_the_database_as_often_as_said() {
    let mut trips = Trips::new();
    let sessions = trips.sign_up([0, 1, 2]);
    let visit = get("/").with("Cookie", &sessions[2]);
    trips.are(1, "GET /", [visit.clone(), visit]);
    let entrance = ["/auth/login", "/auth/signup"];
    let entrance = entrance.map(|path| get(path).by_browser().with("Cookie", &sessions[2]));
    trips.are(1, "GET login and signup with a session", entrance);
    let logins = [2, 2].map(|n| login(&user(n), PASSWORD));
    trips.are(3, "login", logins.clone());
    let again = logins.map(|login| login.with("Cookie", &sessions[2]));
    let live = trips.are(3, "login that replaces a session", again);
    trips.are(5, "signup", [10, 11].map(|n| signup(&user(n))));
    let again = [0, 1].map(|n| signup(&user(20 + n)).with("Cookie", &live[n]));
    trips.are(5, "signup that replaces a session", again);
    let forgot = |n: usize| post("/auth/forgot-password", &[("email", &user(n))]);
    trips.are(2, "forgot-password", [0, 1].map(forgot));
    let links = [0, 1].map(|n| trips.mailed(&user(n), subject::RESET));
    let link = get(&format!("/auth/reset-password?uuid={}", links[0]));
    trips.are(1, "GET reset-password with a uuid", [link.clone(), link]);
    let opened = get("/auth/reset-password").with("Cookie", format!("reset={}", links[0]));
    let opened = [opened.clone(), opened];
    trips.are(1, "GET reset-password with a cookie", opened);
    // Before the resets, which end every session.
    let logouts = [0, 1].map(|n| post("/auth/logout", &[]).with("Cookie", &sessions[n]));
    trips.are(2, "logout", logouts);
    let resets = links.map(|uuid| {
        let fields = [("uuid", uuid.as_str()), ("password", NEW_PASSWORD)];
        post("/auth/reset-password", &fields)
    });
    trips.are(6, "reset-password", resets);
    // A reset confirms the address, and a security mail tells of the login.
    let logins = [0, 1].map(|n| login(&user(n), NEW_PASSWORD));
    trips.are(5, "login from a new device to a confirmed address", logins);
    report(&format!("round trips to MongoDB: {}", trips.seen()));
}

#[test]
fn every_route_of_the_account_waits_for_the_database_as_often_as_said() {
    let mut trips = Trips::new();
    let pair = [0, 1];
    let mut sessions = trips.sign_up(pair);
    let own = |sessions: &[String; 2], path: &str, fields: &[(&str, &str)]| {
        pair.map(|n| post(path, fields).with("Cookie", &sessions[n]))
    };
    for (path, waits) in [
        ("/account", 1),
        ("/account/sessions", 1),
        ("/account/history", 2),
    ] {
        let pages = pair.map(|n| get(path).with("Cookie", &sessions[n]));
        trips.are(waits, &format!("GET {path}"), pages);
    }
    let names = own(&sessions, "/account/name", &[("name", "Grace")]);
    trips.are(NAME, "name", names);

    let handles = pair.map(|n| trips.other_handle(n, &sessions[n]));
    let ends = pair.map(|n| {
        let fields = [("session", handles[n].as_str())];
        post("/account/sessions/end", &fields).with("Cookie", &sessions[n])
    });
    trips.are(NAME, "sessions/end", ends);
    let ends = own(&sessions, "/account/sessions/end-others", &[]);
    trips.are(NAME, "sessions/end-others", ends);

    let asked = own(&sessions, "/account/confirm-email", &[]);
    trips.are(ASK, "confirm-email", asked);
    let confirm = |trips: &Trips, sessions: &[String; 2], address: fn(usize) -> String, subject| {
        let uuids = pair.map(|n| trips.mailed(&address(n), subject));
        pair.map(|n| {
            let fields = [("uuid", uuids[n].as_str())];
            post("/auth/confirm-email", &fields).with("Cookie", &sessions[n])
        })
    };
    let uuids = pair.map(|n| trips.mailed(&user(n), subject::CONFIRM));
    let opened = uuids.map(|uuid| get(&format!("/auth/confirm-email?uuid={uuid}")));
    trips.are(1, "GET confirm-email with a uuid", opened);
    let confirmations = confirm(&trips, &sessions, user, subject::CONFIRM);
    trips.are(CONFIRM, "confirm-email of a signup", confirmations);

    let ask = |trips: &mut Trips, sessions: &[String; 2], waits, what: &str, fields: &[_]| {
        let requests = pair.map(|n| {
            let address = moved(n);
            let fields = [&[("email", address.as_str())], fields].concat();
            post("/account/email", &fields).with("Cookie", &sessions[n])
        });
        trips.are(waits, what, requests);
    };
    ask(&mut trips, &sessions, ASK, "email", &[]);
    pair.iter()
        .for_each(|n| trips.forget_password_of(&user(*n)));
    let password = [("current_password", PASSWORD)];
    ask(
        &mut trips,
        &sessions,
        ASK + 4,
        "email with the password",
        &password,
    );
    let confirmations = confirm(&trips, &sessions, moved, subject::CONFIRM_CHANGE);
    trips.are(MOVE, "confirm-email of a change", confirmations);

    let fields = [("current_password", PASSWORD), ("password", NEW_PASSWORD)];
    let changes = own(&sessions, "/account/password", &fields);
    sessions = trips.are(CHANGE, "password", changes);
    let deletions = pair.map(|n| {
        let fields = [
            ("email", moved(n)),
            ("current_password", NEW_PASSWORD.to_owned()),
        ];
        let fields = fields.each_ref().map(|(name, text)| (*name, text.as_str()));
        post("/account/delete", &fields).with("Cookie", &sessions[n])
    });
    let uuids = pair.map(|n| trips.mailed(&moved(n), subject::PASSWORD_CHANGED));
    let opened = uuids
        .clone()
        .map(|uuid| get(&format!("/auth/not-me?uuid={uuid}")));
    trips.are(1, "GET not-me with a uuid", opened);
    let [secured, _] = uuids.map(|uuid| post("/auth/not-me", &[("uuid", &uuid)]));
    let [_, deleted] = deletions;
    trips.are(4, "not-me", [secured]);
    trips.are(DELETE, "delete", [deleted]);
    report(&format!("round trips to MongoDB: {}", trips.seen()));
}

#[test]
fn every_route_of_upload_tokens_waits_for_the_database_as_often_as_said() {
    let mut trips = Trips::new();
    let pair = [0, 1];
    let sessions = trips.sign_up(pair);
    for n in pair {
        let uuid = trips.mailed(&user(n), subject::CONFIRM);
        let confirm = post("/auth/confirm-email", &[("uuid", &uuid)]);
        trips
            .registry
            .send(&confirm.with("Cookie", &sessions[n]))
            .assert_done("Email confirmed");
    }
    let own = |path: &str, fields: [&[(&str, &str)]; 2]| {
        pair.map(|n| post(path, fields[n]).with("Cookie", &sessions[n]))
    };
    let wanted = [("name", "CI"), ("packages", "*"), ("may", "publish")];
    trips.are(2, "tokens", own("/account/tokens", [&wanted; 2]));
    let first = [
        ("name", "CI"),
        ("packages", "stdlib"),
        ("may", "first-publish"),
    ];
    let texts = own("/account/tokens", [&first; 2]).map(|request| trips.made(&request));
    let others = own("/account/tokens", [&wanted; 2]).map(|request| trips.made(&request));

    let pages = pair.map(|n| get("/account/tokens").with("Cookie", &sessions[n]));
    trips.are(1, "GET /account/tokens", pages);
    let check = |text: &String| {
        let fields = [
            ("token", text.as_str()),
            ("package", "stdlib"),
            ("is_new", "true"),
        ];
        post("/auth/token/check", &fields)
    };
    trips.are(
        3,
        "token/check, first in an hour",
        texts.each_ref().map(check),
    );
    trips.are(1, "token/check", texts.each_ref().map(check));
    let bearer = |text: &String| {
        let request = get("/auth/whoami");
        request.with("Authorization", format!("Bearer {text}"))
    };
    trips.are(1, "whoami by token", texts.each_ref().map(bearer));
    for path in ["/auth/whoami", "/auth/forward"] {
        let asked = pair.map(|n| get(path).with("Cookie", &sessions[n]));
        trips.are(1, path, asked);
    }
    let uses = texts.each_ref().map(|text| {
        let fields = [("token", text.as_str()), ("package", "stdlib")];
        post("/auth/token/used", &fields)
    });
    trips.are(3, "token/used", uses);
    let ends = others.each_ref();
    let ends = ends.map(|text| post("/auth/token/end", &[("token", text)]));
    trips.are(6, "token/end", ends);

    let handles = pair.map(|n| trips.token_handle(&sessions[n]));
    let fields = handles
        .each_ref()
        .map(|handle| [("token", handle.as_str())]);
    let rotations = own("/account/tokens/rotate", [&fields[0], &fields[1]]);
    trips.are(2, "tokens/rotate", rotations);
    let ends = own("/account/tokens/end", [&fields[0], &fields[1]]);
    trips.are(2, "tokens/end", ends);
    let ends = own("/account/tokens/end-all", [&[]; 2]);
    trips.are(2, "tokens/end-all", ends);
    report(&format!("round trips to MongoDB: {}", trips.seen()));
}

const NAME: u128 = 2;
const ASK: u128 = 5;
const CONFIRM: u128 = 2;
const MOVE: u128 = 6;
const CHANGE: u128 = 7;
const DELETE: u128 = 7;

fn user(n: usize) -> String {
    format!("user-{n}@example.org")
}

/// The address that this user has later.
fn moved(n: usize) -> String {
    format!("moved-{n}@example.org")
}

/// A registry, and a line to its database on which each reply can be held up: each wait shows.
struct Trips {
    line: Proxy,
    stage: Stage,
    registry: Registry,
    seen: Vec<String>,
}

impl Trips {
    fn new() -> Self {
        let line = wait_for(Proxy::before(Mongod::shared().address()));
        let mut stage = Stage::mongo_at(&line.uri(), &Mongod::shared().uri());
        stage.setup = stage.setup.with("RATE_LIMITS", "on");
        let (registry, _) = stage.start();
        Self {
            line,
            stage,
            registry,
            seen: Vec::new(),
        }
    }

    fn seen(&self) -> String {
        self.seen.join(", ")
    }

    /// Makes accounts; their sessions. Connections are made by the way, so that nothing later waits for one.
    fn sign_up<const N: usize>(&self, users: [usize; N]) -> [String; N] {
        let sessions = users.map(|n| self.registry.sign_up(&user(n)).session());
        std::thread::scope(|scope| {
            for n in users {
                scope.spawn(move || {
                    assert_eq!(self.registry.log_in(&user(n), PASSWORD).status, 200)
                });
            }
        });
        sessions
    }

    /// The handle of another session of this user.
    fn other_handle(&self, n: usize, session: &str) -> String {
        assert_eq!(self.registry.log_in(&user(n), PASSWORD).status, 200);
        let page = get("/account/sessions").with("Cookie", session);
        let facts = self.registry.send(&page).body;
        let facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
        let sessions = facts["sessions"].as_array().unwrap();
        let other = sessions.iter().find(|session| session["current"] == false);
        other.unwrap()["handle"].as_str().unwrap().to_owned()
    }

    /// Sends the request that makes a token; its text.
    fn made(&self, request: &Request) -> String {
        let answer = self.registry.send(request).body;
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// The handle of the first upload token of this user.
    fn token_handle(&self, session: &str) -> String {
        let page = get("/account/tokens").with("Cookie", session);
        let facts = self.registry.send(&page).body;
        let facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
        let first = facts["tokens"].as_array().unwrap().last().unwrap();
        first["handle"].as_str().unwrap().to_owned()
    }

    /// Has the password of a user given long ago.
    fn forget_password_of(&self, email: &str) {
        let users = self.stage.database.as_ref().unwrap();
        let users = users.collection::<Document>("users");
        let long_ago =
            doc! { "$set": { "sessions.$[].authenticatedAt": DateTime::from_millis(1) } };
        wait_for(
            users
                .update_one(doc! { "email": email }, long_ago)
                .into_future(),
        )
        .unwrap();
    }

    /// The uuid in the last mail of this subject to this address.
    fn mailed(&self, address: &str, subject: &str) -> String {
        self.stage.wait_for_mail(|| true);
        let mails = self.stage.smtp.mails_to(address).into_iter().rev();
        let mut mails = mails.filter(|mail| mail.header("Subject").as_deref() == Some(subject));
        mails.next().and_then(|mail| mail.uuid()).expect(subject)
    }

    /// Sees that the quicker of these requests waits so often; the sessions they were given. No mail is on its way then,
    /// which would change the users too.
    fn are<const N: usize>(
        &mut self,
        waits: u128,
        route: &str,
        requests: [Request; N],
    ) -> [String; N] {
        self.stage.wait_for_mail(|| true);
        self.line.set(Fault::Delay(DELAY));
        let answers = requests.map(|request| {
            let begun = Instant::now();
            let answer = self.registry.send(&request);
            (begun.elapsed(), answer)
        });
        self.line.set(Fault::None);
        let times = answers
            .each_ref()
            .map(|(took, _)| took.as_millis() / DELAY.as_millis());
        assert_eq!(times.iter().min(), Some(&waits), "{route}");
        self.seen.push(format!("{route} {waits}"));
        answers.map(|(_, answer)| {
            // Who is logged in, and who opens a link in a browser, is sent on.
            assert!([200, 303].contains(&answer.status), "{route}: {answer:?}");
            answer.cookie("uuid").unwrap_or_default()
        })
    }
}
