//! The commands of an operator, on both stores, by the running server and without one.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "commands/backup.rs"]
mod backup;
#[path = "common/code_of_app.rs"]
mod code_of_app;
#[path = "commands/import.rs"]
mod import;
#[path = "common/key_file.rs"]
mod key_file;
#[path = "common/mongod.rs"]
mod mongod;
#[path = "commands/second_factors.rs"]
mod second_factors;
#[path = "commands/secret_keys.rs"]
mod secret_keys;
#[path = "common/socket.rs"]
mod socket;
#[path = "commands/upload_tokens.rs"]
mod upload_tokens;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use mongod::{Mongod, database_name};
use serde_json::Value;
use socket::{NEW_PASSWORD, PASSWORD, Registry, Setup, get, login, post};

const ADA: &str = "ada@example.org";

/// A registry on each store.
fn setups() -> [Setup; 2] {
    let mongo = Setup::new().with("MONGO_URI", &Mongod::shared().uri());
    [Setup::new(), mongo.with("MONGO_DB_NAME", &database_name())]
}

/// What a command printed where it was done.
#[track_caller]
fn done(setup: &Setup, command: &[&str]) -> String {
    let (said, told) = done_and_told(setup, command);
    assert_eq!(told, "", "{command:?}");
    said
}

/// The same, and what it told beside it.
#[track_caller]
fn done_and_told(setup: &Setup, command: &[&str]) -> (String, String) {
    let output = setup.command().args(command).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{command:?}: {told}");
    (String::from_utf8(output.stdout).unwrap(), told)
}

#[track_caller]
fn facts(setup: &Setup, command: &[&str]) -> Value {
    let command = [command, &["--json"]].concat();
    serde_json::from_str(&done(setup, &command)).unwrap()
}

/// What a command said where it was not done.
#[track_caller]
fn refused(setup: &Setup, command: &[&str]) -> String {
    let mut output = setup.command();
    output.stdin(std::process::Stdio::null());
    let output = output.args(command).output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
    String::from_utf8(output.stderr).unwrap()
}

/// What has happened to Ada, the newest first.
fn history(setup: &Setup) -> Vec<String> {
    let facts = facts(setup, &["user", "show", ADA]);
    let events = facts["history"].as_array().unwrap().iter();
    let events = events.map(|event| format!("{}, {}", event["kind"], event["device"]));
    events.map(|event| event.replace('"', "")).collect()
}

fn mail_with(registry: &Registry, words: &str) -> String {
    loop {
        let mail = registry.next_mail();
        if mail.contains(words) {
            return mail;
        }
    }
}

#[test]
fn a_user_who_cannot_log_in_is_found_and_let_in_again() {
    for setup in setups() {
        let registry = setup.start();
        let ada = registry.sign_up(ADA);
        for _ in 0..10 {
            let wrong = registry.log_in(ADA, "not her password");
            assert_eq!(wrong.status, 401);
        }
        assert_eq!(registry.log_in(ADA, PASSWORD).status, 429);

        let shown = facts(&setup, &["user", "show", ADA]);
        assert_eq!(shown["email"], ADA);
        assert_eq!(shown["failed_logins_in_7_days"], 10);
        assert!(shown["refused_until"].is_string(), "{shown}");
        assert_eq!(shown["closed"], false);
        assert_eq!(shown["disabled_at"], Value::Null);
        let id = shown["id"].as_str().unwrap();
        let listed = facts(&setup, &["user", "list"]);
        assert_eq!(
            (&listed["users"][0]["user"], &listed["next"]),
            (&id.into(), &Value::Null)
        );
        let after = facts(&setup, &["user", "list", "--after", id]);
        assert_eq!(after["users"], serde_json::json!([]));
        let text = done(&setup, &["user", "show", id]);
        assert!(text.starts_with(&format!("User {id}\n")), "{text}");
        assert!(text.contains("\n  failed_logins_in_7_days: 10\n"), "{text}");
        assert!(!text.contains("argon2"), "{text}");

        let unlocked = done(&setup, &["user", "unlock", id]);
        assert_eq!(unlocked, format!("User {id}: forgot the failed logins\n"));
        let shown = facts(&setup, &["user", "show", ADA]);
        assert_eq!(shown["refused_until"], Value::Null);
        let in_again = registry.log_in(ADA, PASSWORD);
        in_again.assert_done("Login successful");
        assert!(registry.is_logged_in(ada.session()));
        let happened = history(&setup);
        assert_eq!(happened[1], "unlocked, An operator of the registry");
        let page = get("/account/history").by_browser();
        let page = registry.send(&page.with("Cookie", in_again.session()));
        assert!(
            page.body.contains("Failed logins forgotten"),
            "{}",
            page.body
        );
    }
}

#[test]
fn a_disabled_user_is_out_until_enabled() {
    for setup in setups() {
        let registry = setup.start();
        let ada = registry.sign_up(ADA);
        let device = ada.cookie("device").unwrap();
        done(&setup, &["user", "confirm-email", ADA]);
        let id = facts(&setup, &["user", "disable", ADA])["user"].to_string();
        let id = id.trim_matches('"');

        assert!(!registry.is_logged_in(ada.session()));
        for request in [
            login(ADA, PASSWORD),
            login(ADA, PASSWORD).with("Cookie", &device),
            login(ADA, "not her password"),
            login("nobody@example.org", PASSWORD),
        ] {
            let answer = registry.send(&request);
            answer.assert_refused(401, "Invalid email or password", None);
        }
        mail_with(&registry, "account was disabled");
        let asked = registry.send(&post("/auth/forgot-password", &[("email", ADA)]));
        assert_eq!(asked.status, 200);
        for (act, why) in [
            ("disable", "this user is already disabled"),
            (
                "reset-link",
                "this user is disabled, enable the account first",
            ),
        ] {
            let said = refused(&setup, &["user", act, ADA]);
            assert_eq!(said, format!("fpm-registry: {why}\n"));
        }

        let enabled = done(&setup, &["user", "enable", ADA]);
        assert_eq!(enabled, format!("User {id}: enabled the account\n"));
        let said = refused(&setup, &["user", "enable", ADA]);
        assert_eq!(said, "fpm-registry: this user is not disabled\n");
        // The mail of a reset would have come before it.
        let mail = mail_with(&registry, "account was");
        assert!(mail.contains("was enabled again"), "{mail}");
        registry
            .log_in(ADA, PASSWORD)
            .assert_done("Login successful");
        let happened = history(&setup);
        assert_eq!(
            happened[1..4],
            ["enabled", "disabled", "email-confirmed"]
                .map(|kind| format!("{kind}, An operator of the registry"))
        );
    }
}

#[test]
fn an_address_is_confirmed_and_changed_for_a_user() {
    const NEW: &str = "ada@new.example";
    for setup in setups() {
        let registry = setup.start();
        registry.sign_up(ADA);
        registry.sign_up("eve@example.org");
        done(&setup, &["user", "confirm-email", ADA]);
        let said = refused(&setup, &["user", "confirm-email", ADA]);
        assert_eq!(
            said,
            "fpm-registry: the email of this user is already confirmed\n"
        );
        for (email, why) in [
            (ADA, "this is already the email of this user"),
            ("eve@example.org", "A user with this email already exists"),
            ("nonsense", "Enter a valid email address"),
        ] {
            let said = refused(&setup, &["user", "set-email", ADA, email]);
            assert_eq!(said, format!("fpm-registry: {why}\n"));
        }
        let set = facts(&setup, &["user", "set-email", ADA, NEW]);
        assert_eq!(set["email"], NEW);
        mail_with(&registry, "was changed");
        registry
            .log_in(NEW, PASSWORD)
            .assert_done("Login successful");
        let shown = facts(&setup, &["user", "show", NEW]);
        assert_eq!(shown["email_confirmed_at"], Value::Null);
        assert_eq!(shown["former_emails"][0]["email"], ADA);

        let ended = facts(&setup, &["user", "end-sessions", NEW]);
        assert_eq!(ended["ended"], 2);
        done(&setup, &["user", "reset-link", NEW]);
        mail_with(&registry, "/auth/reset-password?uuid=");
    }
}

#[test]
fn an_account_is_made_for_somebody_and_deleted() {
    for setup in setups() {
        let registry = setup.start();
        let create = ["user", "create", "--name", "Ada", "--email", ADA];
        let id = facts(&setup, &create)["user"].to_string();
        let said = refused(&setup, &create);
        assert_eq!(
            said,
            "fpm-registry: A user with this email already exists\n"
        );
        registry
            .log_in(ADA, PASSWORD)
            .assert_refused(401, "Invalid email or password", None);
        let mail = mail_with(&registry, "/auth/reset-password?uuid=");
        let (_, link) = mail.split_once("/auth/reset-password?uuid=").unwrap();
        let chosen = [("uuid", &link[..36]), ("password", PASSWORD)];
        let chosen = registry.send(&post("/auth/reset-password", &chosen));
        assert_eq!(chosen.status, 200, "{}", chosen.body);
        registry
            .log_in(ADA, PASSWORD)
            .assert_done("Login successful");

        let said = refused(&setup, &["user", "delete", ADA]);
        assert_eq!(
            said,
            "fpm-registry: this cannot be undone, and there is no terminal to ask on: add --yes\n"
        );
        let deleted = done(&setup, &["user", "delete", ADA, "--yes"]);
        assert_eq!(
            deleted,
            format!("User {}: deleted the account\n", id.trim_matches('"'))
        );
        let mail = mail_with(&registry, "was deleted");
        assert!(mail.contains("by an operator of the registry"), "{mail}");
        let said = refused(&setup, &["user", "show", ADA]);
        assert_eq!(said, format!("fpm-registry: there is no user `{ADA}`\n"));
    }
}

#[test]
fn mail_that_cannot_be_delivered_is_listed_sent_again_and_deleted() {
    for setup in setups() {
        // Nobody listens there.
        let setup = setup.with("SMTP_URL", "smtp://127.0.0.1:1");
        let registry = setup.start();
        registry.sign_up(ADA);
        let listed = || facts(&setup, &["outbox", "list"])["mails"].clone();
        let tried = |times: u64| {
            let began = Instant::now();
            // An attempt is counted when it begins.
            let is_over = |mail: &Value| {
                mail["attempts"].as_u64() >= Some(times) && mail["state"] == "waiting"
            };
            while !is_over(&listed()[0]) {
                assert!(began.elapsed() < Duration::from_secs(20), "{}", listed());
            }
        };
        tried(1);
        let mail = listed()[0].clone();
        assert_eq!(
            (&mail["to"], &mail["kind"]),
            (&ADA.into(), &"confirm-email".into())
        );
        let id = mail["mail"].as_str().unwrap();
        let text = done(&setup, &["outbox", "list"]);
        assert!(
            text.starts_with("Mails in the outbox: 1\n  mails: \n"),
            "{text}"
        );
        assert!(text.contains(id), "{text}");
        assert_eq!(
            mail["reason"],
            "Connection error: Connection refused (os error 111)"
        );

        tried(2);
        let again = done(&setup, &["outbox", "retry", id]);
        assert_eq!(again, format!("Mail {id} is due now\n"));
        tried(3);
        let said = refused(&setup, &["outbox", "drop", id]);
        assert!(said.contains("add --yes"), "{said}");
        let dropped = done(&setup, &["outbox", "drop", id, "--yes"]);
        assert_eq!(dropped, format!("Mail {id} was deleted\n"));
        assert_eq!(listed(), serde_json::json!([]));
        for command in [["outbox", "retry", id], ["outbox", "retry", "nonsense"]] {
            let said = refused(&setup, &command);
            assert_eq!(
                said,
                format!(
                    "fpm-registry: there is no mail `{}` in the outbox, or it is being sent\n",
                    command[2]
                )
            );
        }
    }
}

#[test]
fn limits_that_are_reached_are_listed_and_cleared() {
    for setup in setups() {
        let registry = setup.start();
        let ask = || registry.send(&post("/auth/forgot-password", &[("email", ADA)]));
        for _ in 0..3 {
            assert_eq!(ask().status, 200);
        }
        assert_eq!(ask().status, 429);
        let listed = || facts(&setup, &["limits", "list"])["limits"].clone();
        let limit = listed()[0].clone();
        assert_eq!(
            (listed().as_array().unwrap().len(), &limit["attempts"]),
            (1, &3.into())
        );
        let key = limit["limit"].as_str().unwrap();
        assert!(key.starts_with("mail:"), "{key}");
        assert_eq!(
            done(&setup, &["limits", "clear", ADA]).lines().next(),
            Some("Forgot the attempts")
        );
        assert_eq!(ask().status, 200);
        for _ in 0..2 {
            ask();
        }
        assert_eq!(ask().status, 429);
        done(&setup, &["limits", "clear", key]);
        assert_eq!(ask().status, 200);
        let cleared = facts(&setup, &["limits", "clear", "127.0.0.1"]);
        let of_network = [
            "login",
            "mail",
            "signup",
            "reset-password",
            "upload-token",
            "passkey",
        ];
        let of_network = of_network.map(|what| format!("{what}:127.0.0.1"));
        assert_eq!(cleared["cleared"], serde_json::json!(of_network));
        let said = refused(&setup, &["limits", "clear", "nonsense"]);
        assert_eq!(
            said,
            "fpm-registry: `nonsense` is no key of a limit, no email and no network address\n"
        );
    }
}

#[test]
fn without_a_server_commands_open_the_store() {
    for setup in setups() {
        let registry = setup.start();
        registry.sign_up(ADA);
        assert_eq!(registry.terminate().0, Some(0));
        done(&setup, &["user", "disable", ADA]);
        let registry = setup.start();
        registry
            .log_in(ADA, PASSWORD)
            .assert_refused(401, "Invalid email or password", None);
        assert_eq!(history(&setup)[0], "disabled, An operator of the registry");
    }
}

#[test]
fn the_socket_is_for_this_user_alone_and_outlives_no_server() {
    let setup = Setup::new();
    let socket = setup.folder().join("admin.sock");
    let registry = setup.start();
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    registry.stop();
    assert!(socket.exists(), "a killed server leaves it behind");
    let registry = setup.start();
    registry.sign_up(ADA);
    done(&setup, &["user", "show", ADA]);
    let (code, log) = registry.terminate();
    assert_eq!(code, Some(0));
    assert!(!socket.exists());
    assert!(!log.contains(ADA), "{log}");
}

#[test]
fn users_and_what_has_happened_to_them_are_found() {
    for setup in setups() {
        let registry = setup.start();
        for email in [ADA, "eve@example.org"] {
            registry.sign_up(email);
        }
        registry.log_in("eve@example.org", PASSWORD);
        done(&setup, &["user", "confirm-email", ADA]);
        done(&setup, &["user", "disable", ADA]);
        let [of_server, alone] = [Some(registry), None].map(|registry| {
            let emails = |filter: &[&str]| -> Vec<String> {
                let listed = facts(&setup, &[&["user", "list"], filter].concat());
                let users = listed["users"].as_array().unwrap().iter();
                let emails = users.map(|user| user["email"].as_str().unwrap().to_owned());
                let mut emails: Vec<_> = emails.collect();
                emails.sort();
                emails
            };
            let both = [ADA, "eve@example.org"];
            assert_eq!(emails(&["--match", "Example"]), both);
            assert_eq!(emails(&["--match", "EVE@"]), both[1..]);
            assert_eq!(emails(&["--disabled"]), both[..1]);
            assert_eq!(emails(&["--unconfirmed"]), both[1..]);
            assert_eq!(emails(&["--disabled", "--unconfirmed"]), both[2..]);

            let kinds = |filter: &[&str]| -> Vec<String> {
                let listed = facts(&setup, &[&["events", "list"], filter].concat());
                let events = listed["events"].as_array().unwrap().iter();
                let kinds = events.map(|event| event["kind"].as_str().unwrap().to_owned());
                kinds.collect()
            };
            let all = kinds(&[]);
            let newest = ["disabled", "email-confirmed", "new-device"];
            assert_eq!(all[..3], newest);
            assert_eq!(kinds(&["--hours", "1"]), all);
            assert_eq!(kinds(&["--user", ADA, "--kind", "disabled"]), ["disabled"]);
            let said = refused(&setup, &["events", "list", "--kind", "login-failed"]);
            let sentence = "there is no such kind of event: they are those of `events list`, such as password-reset";
            assert!(said.contains(sentence), "{said}");
            let of_eve = kinds(&["--user", "eve@example.org"]);
            assert_eq!(of_eve, ["new-device", "signed-up"]);
            drop(registry);
            all
        });
        assert_eq!(of_server, alone);
        let said = refused(&setup, &["events", "list", "--user", "nobody@example.org"]);
        assert_eq!(
            said,
            "fpm-registry: there is no user `nobody@example.org`\n"
        );
        let said = refused(&setup, &["events", "list", "--kind", "unknown"]);
        assert!(said.contains("there is no such kind of event"), "{said}");
    }
}

/// With every order of other commands a thief would have a way back.
#[test]
fn a_stolen_account_is_given_back_to_its_owner() {
    let thief = "thief@example.org";
    for setup in setups() {
        let registry = setup.start();
        let session = registry.sign_up(thief).session();
        done(&setup, &["user", "confirm-email", thief]);
        let recovered = done(&setup, &["user", "recover", thief, ADA]);
        let did = "gave the account back and queued a link to choose a password";
        assert!(
            recovered.ends_with(&format!(
                ": {did}\n  authenticator_app: none\n  email: {ADA}\n  passkeys: none\n  recovery_codes: none\n"
            )),
            "{recovered}"
        );
        let (mut told, mut reset) = (None, None);
        while told.is_none() || reset.is_none() {
            let mail = registry.next_mail();
            if mail.contains("gave the fpm-registry account") {
                told = Some(mail);
            } else if mail.contains("/auth/reset-password?uuid=") {
                reset = Some(mail);
            }
        }
        let (told, mail) = (told.unwrap(), reset.unwrap());
        assert!(told.contains(&format!("To: {thief}")), "{told}");
        assert!(!told.contains("uuid="), "{told}");
        assert!(!registry.is_logged_in(&session));
        for email in [thief, ADA] {
            assert_eq!(registry.log_in(email, PASSWORD).status, 401);
        }
        assert!(mail.contains(&format!("To: {ADA}")), "{mail}");
        let (_, uuid) = mail.split_once("/auth/reset-password?uuid=").unwrap();
        let reset = [("uuid", &uuid[..36]), ("password", NEW_PASSWORD)];
        let reset = registry.send(&post("/auth/reset-password", &reset));
        reset.assert_done("Password reset successful");
        let logged_in = registry.log_in(ADA, NEW_PASSWORD);
        logged_in.assert_done("Login successful");
        assert_eq!(history(&setup)[2], "recovered, An operator of the registry");
    }
}

#[test]
fn an_address_that_begins_like_a_flag_is_an_address() {
    let odd = "-h@evil.example";
    let setup = Setup::new();
    let registry = setup.start();
    let session = registry.sign_up(odd).session();
    let disabled = facts(&setup, &["user", "disable", odd]);
    assert!(!registry.is_logged_in(&session));
    assert_eq!(
        facts(&setup, &["limits", "clear", odd])["cleared"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    let deleted = done(&setup, &["user", "delete", "--yes", odd]);
    let id = disabled["user"].as_str().unwrap();
    assert_eq!(deleted, format!("User {id}: deleted the account\n"));
}

#[test]
fn no_name_looks_like_more_than_a_name() {
    let setup = Setup::new();
    let registry = setup.start();
    let fields = [
        ("name", "Eve, user \"0\""),
        ("email", "eve@example.org"),
        ("password", PASSWORD),
    ];
    registry
        .send(&post("/auth/signup", &fields))
        .assert_done("Signup successful");
    let listed = done(&setup, &["user", "list"]);
    let quoted = r#"name "Eve, user \"0\"", second_factors_end_at none, user "#;
    assert!(listed.contains(quoted), "{listed}");
}
