//! `fpm-registry doctor`: each of its looks, at what is well and at what is broken.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../common/mongod.rs"]
mod mongod;
#[path = "../common/smtp.rs"]
mod smtp;
#[path = "../common/socket.rs"]
mod socket;
#[path = "../common/proxy.rs"]
mod tcp;

mod front;
mod keys;
mod mail;
mod proxy;
mod settings;
mod site;
mod store;

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::Value;
use socket::Setup;

/// What the doctor printed.
struct Examined {
    is_well: bool,
    lines: String,
}

impl Examined {
    /// The line about this; none if there is not exactly one.
    fn line(&self, looked_at: &str) -> Option<&str> {
        let is_about = |line: &&str| {
            line.get(9..)
                .is_some_and(|rest| rest.starts_with(looked_at))
        };
        let mut lines = self.lines.lines().filter(is_about);
        lines.next().filter(|_| lines.next().is_none())
    }

    #[track_caller]
    fn assert_line(&self, line: &str) {
        let is_there = self.lines.lines().any(|printed| printed == line);
        assert!(is_there, "no {line:?} in\n{}", self.lines);
        assert!(!line.starts_with("wrong") || !self.is_well);
    }
}

/// A registry at whose `PUBLIC_URL` nobody answers.
fn setup() -> Setup {
    Setup::new().with("PUBLIC_URL", "http://127.0.0.1:1")
}

/// Runs the doctor, who always has something to say and nothing to complain of.
#[track_caller]
fn examine(setup: &Setup, arguments: &[&str]) -> Examined {
    let mut command = setup.command();
    let output = command.arg("doctor").args(arguments).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    let lines = String::from_utf8(output.stdout).unwrap();
    let is_well = output.status.success();
    assert_eq!(
        is_well,
        !lines.lines().any(|line| line.starts_with("wrong"))
    );
    Examined { is_well, lines }
}

#[test]
fn programs_read_json() {
    let setup = setup();
    let output = setup.command().args(["doctor", "--json"]).output().unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = printed["findings"].as_array().unwrap();
    assert_eq!(
        findings[1],
        serde_json::json!({
            "verdict": "warning",
            "looked_at": "server",
            "found": "none answers this user at DATA_DIR/admin.sock",
            "change": "start it to have the proxy looked at too",
        })
    );
    assert_eq!(findings[0]["change"], Value::Null);
}

#[test]
fn what_never_answers_is_given_up_within_seconds() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let setup = setup()
        .with("MONGO_URI", &format!("mongodb://{address}"))
        .with("SMTP_URL", &format!("smtp://{address}"))
        .with("PUBLIC_URL", &format!("https://{address}"));
    let began = Instant::now();
    let examined = examine(&setup, &[]);
    assert!(began.elapsed() < Duration::from_secs(15));
    examined.assert_line(&format!(
        "wrong    store        MONGO_URI: no MongoDB server answers at {address}; correct this setting, or what it names"
    ));
    for looked_at in ["mail        ", "PUBLIC_URL  "] {
        examined.assert_line(&format!(
            "wrong    {looked_at} there was no answer within 6 s; see whether it runs, and whether a firewall is between"
        ));
    }
}
