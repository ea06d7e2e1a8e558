//! What an attacker meets: the program itself, spoken to over plain sockets.
//!
//! Each test names the requirements it proves; `SECURITY.md` has the table. The program is the one of this
//! build, or the one that `REGISTRY` names.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../common/authenticator.rs"]
mod authenticator;
#[path = "../common/code_of_app.rs"]
mod code_of_app;
#[path = "../common/forms.rs"]
mod forms;
#[path = "../common/mongod.rs"]
mod mongod;
#[path = "../common/socket.rs"]
mod socket;

mod account;
mod account_email;
mod account_not_me;
mod account_password;
mod bodies;
mod cookies;
mod csrf;
mod enumeration;
mod floods;
mod framing;
mod headers;
mod injection;
mod keys;
mod limits;
mod log;
mod mail;
mod passwords;
mod redirects;
mod reset_links;
mod routes;
mod second_factors;
mod sessions;
mod sizes;
mod slow_clients;
mod storage;
mod upload_tokens;

use std::{thread, time::Duration};

use mongod::Mongod;
use socket::Setup;

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";
const MADE_UP: &str = "936da01f-9abd-4d9d-80c7-02af85c822a8";
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND",
];
const RESET: &str = "/auth/reset-password";
const FORGOT: &str = "/auth/forgot-password";
const CONFIRM: &str = "/auth/confirm-email";
const NOT_ME: &str = "/auth/not-me";
const WRONG: &str = "Invalid email or password";
const UNREADABLE: &str = "The request cannot be read";
const NO_EMAIL: &str = "Email is required";
const LARGE: &str = "The request is too large";
const NO_METHOD: &str = "This method is not allowed here";
const SECOND: Duration = Duration::from_secs(1);

fn on_mongo(database: &str) -> Setup {
    let setup = Setup::unlimited().with("MONGO_URI", &Mongod::shared().uri());
    setup.with("MONGO_DB_NAME", database).with_key_file()
}

/// Does something so many times at once.
fn at_once<T: Send>(times: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..times).map(|n| scope.spawn(move || work(n))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// The inner text of all opening tags.
fn tags(page: &str) -> Vec<&str> {
    let parts = page.split('<').skip(1);
    parts.filter_map(|part| part.split('>').next()).collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// The status of each answer on one connection.
fn statuses(bytes: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(bytes);
    let starts = text.split("HTTP/1.1 ").skip(1);
    starts.map(|start| start[..3].parse().unwrap()).collect()
}
