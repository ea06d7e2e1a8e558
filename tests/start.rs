//! The program itself: what it says of its settings, what it logs, and how it stops.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "common/key_file.rs"]
mod key_file;
#[path = "start/keys.rs"]
mod keys;
#[path = "common/mongod.rs"]
mod mongod;
#[path = "common/socket.rs"]
mod socket;

use std::{
    fs,
    os::unix::net::UnixDatagram,
    process::{Command, Output},
    time::Duration,
};

use breached::BreachedPasswords;
use socket::{NEW_PASSWORD, PASSWORD, Setup, get, login, post};

fn output(setup: &Setup) -> Output {
    setup.command().output().unwrap()
}

#[test]
fn a_wrong_setting_ends_the_start_with_one_sentence() {
    for (variable, value, sentence) in [
        (
            "LEPTOS_SITE_ADDR",
            "localhost",
            "LEPTOS_SITE_ADDR must be an address and port such as 127.0.0.1:9090, not `localhost`",
        ),
        (
            "PUBLIC_URL",
            "https://user:secret@registry.example.org",
            "PUBLIC_URL must be scheme, host and port such as https://registry.example.org",
        ),
        (
            "MONGO_URI",
            "postgres://127.0.0.1",
            "MONGO_URI: not a MongoDB connection string such as mongodb://127.0.0.1:27017",
        ),
        (
            "MONGO_URI",
            "mongodb://user:secret@127.0.0.1:1",
            "MONGO_URI: no MongoDB server answers at 127.0.0.1:1",
        ),
        (
            "MONGO_URI",
            "mongodb://user:secret@db.example.org",
            "MONGO_URI would log in and send all data unencrypted: add tls=true, or tls=false if nobody else can \
             listen on the network between",
        ),
        (
            "SMTP_URL",
            "smtp://user:secret@mail.example.org",
            "SMTP_URL would send the password unencrypted: use smtps:// or add ?tls=required",
        ),
        (
            "MAIL_FROM",
            "nobody",
            "MAIL_FROM must be an email address such as fpm-registry <noreply@example.org>",
        ),
        (
            "LOG_FORMAT",
            "xml",
            "LOG_FORMAT must be text or json, not `xml`",
        ),
        (
            "TRUSTED_PROXIES",
            "10.0.0.0/8,proxy",
            "TRUSTED_PROXIES must be networks such as 10.0.0.0/8, not `proxy`",
        ),
        (
            "RATE_LIMITS",
            "maybe",
            "RATE_LIMITS must be on or off, not `maybe`",
        ),
        (
            "RUST_LOG",
            "fpm_registry=loud",
            "RUST_LOG must be filters such as warn or fpm_registry=debug,info, not `fpm_registry=loud`",
        ),
    ] {
        let output = output(&Setup::new().with(variable, value));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, format!("fpm-registry: {sentence}\n"));
        assert_eq!(output.status.code(), Some(1), "{variable}");
    }
}

#[test]
fn what_cannot_be_used_ends_the_start_with_one_sentence() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    for (variable, value, start) in [
        ("DATA_DIR", "/proc/nowhere", "DATA_DIR"),
        (
            "BREACHED_FILTER",
            "nowhere",
            "BREACHED_FILTER must be a file that cargo xtask breached made, but nowhere cannot be read: ",
        ),
        (
            "LEPTOS_SITE_ROOT",
            "nowhere",
            "LEPTOS_SITE_ROOT must be a built site",
        ),
        (
            "LEPTOS_HASH_FILES",
            "true",
            "LEPTOS_HASH_FILES needs hash.txt beside the binary",
        ),
        (
            "LEPTOS_RELOAD_PORT",
            "many",
            "The LEPTOS_ variables must hold what Leptos can read: ",
        ),
        (
            "LEPTOS_SITE_ADDR",
            &taken,
            "LEPTOS_SITE_ADDR must be free to listen on",
        ),
    ] {
        let output = output(&Setup::new().with(variable, value));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.starts_with(&format!("fpm-registry: {start}")),
            "{said}"
        );
        assert_eq!(
            (said.lines().count(), output.status.code()),
            (1, Some(1)),
            "{said}"
        );
    }
    let output = output(&Setup::new().with_flags(&["--nonsense"]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "fpm-registry: unexpected argument '--nonsense' found\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

/// Writes the filter of this one password into the folder of a registry.
fn filter_of(password: &str, setup: &Setup) -> String {
    let filter = BreachedPasswords::of_list([password].into_iter()).unwrap();
    fs::create_dir_all(setup.folder()).unwrap();
    let path = setup.folder().join("breached.filter");
    fs::write(&path, filter.to_file()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_filter_of_breached_passwords_that_cannot_be_used_ends_the_start_with_one_sentence() {
    let setup = Setup::new();
    let path = filter_of(PASSWORD, &setup);
    let whole = fs::read(&path).unwrap();
    let newer = [&whole[..8], &[2], &whole[9..]].concat();
    for (file, why) in [
        (&whole[..whole.len() - 1], "is damaged"),
        (
            &newer,
            "is a filter in a format that this version does not know",
        ),
        (b"password\n", "is no filter of breached passwords"),
        (&[], "is no filter of breached passwords"),
    ] {
        fs::write(&path, file).unwrap();
        let output = output(&setup.clone().with("BREACHED_FILTER", &path));
        let said = String::from_utf8(output.stderr).unwrap();
        let told = "BREACHED_FILTER must be a file that cargo xtask breached made, but";
        assert_eq!(said, format!("fpm-registry: {told} {path} {why}\n"));
        assert_eq!(output.status.code(), Some(1), "{why}");
    }
}

#[test]
fn who_logs_in_with_a_breached_password_is_warned_until_it_is_changed() {
    const ADA: &str = "ada@example.org";
    const WARNING: &str = "Your password is in lists of leaked passwords";
    let setup = Setup::unlimited();
    let registry = setup.start();
    let fields = [("name", "Ada"), ("email", ADA), ("password", PASSWORD)];
    let signup = registry.send(&post("/auth/signup", &fields));
    signup.assert_done("Signup successful");
    let not_breached = registry.send(&login(ADA, PASSWORD));
    registry.terminate();

    let filter = filter_of(PASSWORD, &setup);
    let registry = setup.with("BREACHED_FILTER", &filter).start();
    let page = |path: &str, session: &str| {
        let page = registry.send(&get(path).by_browser().with("Cookie", session));
        assert_eq!(page.status, 200, "{path}");
        page.body
    };
    let breached = registry.send(&login(ADA, PASSWORD));
    assert_eq!((breached.status, &breached.body), (200, &not_breached.body));
    let session = breached.session();
    for path in ["/", "/account", "/account/sessions", "/account/history"] {
        let page = page(path, &session);
        assert_eq!(page.matches(WARNING).count(), 1, "{path}: {page}");
        assert!(page.contains("<a href=\"/account#password\">"), "{page}");
    }
    assert!(!page("/", "").contains(WARNING), "of others");

    let fields = [("current_password", PASSWORD), ("password", NEW_PASSWORD)];
    let change = post("/account/password", &fields).with("Cookie", &session);
    let changed = registry.send(&change);
    changed.assert_done("Password changed");
    for session in [changed, registry.send(&login(ADA, NEW_PASSWORD))].map(|told| told.session()) {
        assert!(!page("/account", &session).contains(WARNING));
    }
}

#[test]
fn help_lists_every_setting_and_hides_secrets() {
    let setup = Setup::new()
        .with("MONGO_URI", "mongodb://user:s3cret@127.0.0.1")
        .with("SMTP_URL", "smtps://user:s3cret@mail.example.org")
        .with("LEGACY_SALT", "s3cret")
        .with_flags(&["--help"]);
    let output = output(&setup);
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for variable in [
        "LEPTOS_SITE_ADDR",
        "PUBLIC_URL",
        "MONGO_URI",
        "MONGO_DB_NAME",
        "DATA_DIR",
        "SMTP_URL",
        "MAIL_FROM",
        "TRUSTED_PROXIES",
        "RATE_LIMITS",
        "BREACHED_FILTER",
        "LEGACY_SALT",
        "SECRET_KEY_FILE",
        "RUST_LOG",
        "LOG_FORMAT",
    ] {
        assert!(
            help.contains(&format!("[env: {variable}")),
            "{variable} is not in {help}"
        );
    }
    assert!(!help.contains("s3cret"), "{help}");
}

#[test]
fn a_flag_wins_over_its_variable() {
    let registry = Setup::new()
        .with("LEPTOS_SITE_ADDR", "127.0.0.1:1")
        .with_flags(&["--leptos-site-addr", "127.0.0.1:0"])
        .start();
    assert_eq!(registry.send(&get("/auth/login")).status, 200);
}

#[test]
fn the_log_has_one_line_a_request_and_no_secret() {
    const ADA: &str = "ada@example.org";
    let registry = Setup::new().start();
    let fields = [("name", "Ada"), ("email", ADA), ("password", PASSWORD)];
    let signup = registry.send(&post("/auth/signup?next=secret-query", &fields));
    let session = signup.session();
    let wrong = login(ADA, "wrong horse").with("Cookie", &session);
    assert_eq!(registry.send(&wrong).status, 401);
    let uuid = registry.reset_uuid(ADA);
    let reset = format!("/auth/reset-password?uuid={uuid}&password=plum+tractor+glow");
    assert_eq!(registry.send(&get(&reset)).status, 200);

    let (code, log) = registry.terminate();
    assert_eq!(code, Some(0), "SIGTERM is a graceful stop");
    let mut first = log.lines();
    let made = first.next().unwrap();
    assert!(made.contains(": made the key file `"), "{made}");
    let listens = first.next().unwrap();
    assert!(
        listens.contains("store: embedded, in ") && listens.contains("mail: files in "),
        "{listens}"
    );
    for line in [
        "method=POST path=\"/auth/signup\" status=200 millis=",
        "method=POST path=\"/auth/login\" status=401 millis=",
        "method=POST path=\"/auth/forgot-password\" status=200 millis=",
        "method=GET path=\"/auth/reset-password\" status=200 millis=",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{line} in {log}");
    }
    let session = session.trim_start_matches("uuid=");
    for secret in [
        "horse",
        "plum",
        session,
        &uuid,
        "ada@",
        "ada%40",
        "secret-query",
    ] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
    assert!(log.contains(".eml"), "the log names the file of the mail");
}

#[test]
fn security_events_are_lines_of_closed_kinds_that_name_the_user_by_id() {
    let registry = Setup::new().with("LOG_FORMAT", "json").start();
    let ada = "ada@example.org";
    registry.sign_up(ada);
    for email in [ada, "eve@example.org"] {
        assert_eq!(registry.send(&login(email, "wrong horse")).status, 401);
    }
    let device = registry.log_in(ada, PASSWORD).cookie("device").unwrap();
    registry.send(&login(ada, PASSWORD).with("Cookie", device));
    let uuid = registry.reset_uuid(ada);
    let reset = [("uuid", &*uuid), ("password", NEW_PASSWORD)];
    assert_eq!(
        registry.send(&post("/auth/reset-password", &reset)).status,
        200
    );

    let (_, log) = registry.terminate();
    let lines = log.lines().map(serde_json::from_str);
    let mut lines: Vec<serde_json::Value> = lines.collect::<Result<_, _>>().unwrap();
    lines.retain(|line| line["target"] == "audit");
    let ada = lines[0]["fields"]["user"].as_str().unwrap();
    assert!(ada.len() == 24 && !log.contains("example.org"), "{log}");
    let events: Vec<_> = lines
        .iter()
        .map(|line| {
            let fields = &line["fields"];
            assert_eq!(fields["client"], "127.0.0.1");
            ["event", "user"].map(|name| fields[name].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        events,
        [
            ["signed-up", ada],
            ["login-failed", ada],
            ["login-failed", "none"],
            ["new-device", ada],
            ["logged-in", ada],
            ["reset-asked", "none"],
            ["password-reset", ada],
        ]
    );
}

#[test]
fn a_service_manager_is_told_when_it_listens() {
    let setup = Setup::new();
    let path = setup.folder().with_extension("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let setup = setup.with("NOTIFY_SOCKET", path.to_str().unwrap());
    let registry = setup.start();
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut told = [0; 100];
    let length = manager.recv(&mut told).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(told[..length].trim_ascii(), b"READY=1");
    assert_eq!(registry.send(&get("/auth/login")).status, 200);
}

#[test]
fn every_line_of_a_request_has_its_id_which_is_not_the_clients() {
    let registry = Setup::new().start();
    let failed = login("ada@example.org", "wrong horse").with("X-Request-Id", "forged");
    let ids = [failed.clone(), failed, get("/nowhere")].map(|request| {
        let answer = registry.send(&request);
        let ids = answer.all("x-request-id");
        assert_eq!(ids.len(), 1, "{answer:?}");
        ids[0].to_owned()
    });
    let (_, log) = registry.terminate();
    assert!(!log.contains("forged"), "{log}");
    for (id, lines) in ids.iter().zip([2, 2, 1]) {
        let is_ours = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_ours, "{id}");
        let of_it = format!("request{{id=\"{id}\"}}: ");
        assert_eq!(log.matches(&of_it).count(), lines, "{id} in {log}");
    }
}

#[test]
fn the_log_is_json_if_that_is_asked_for() {
    let registry = Setup::new().with("LOG_FORMAT", "json").start();
    let answer = registry.send(&get("/\"nowhere"));
    let (_, log) = registry.terminate();
    let lines = log.lines().map(serde_json::from_str);
    let lines: Vec<serde_json::Value> = lines.collect::<Result<_, _>>().unwrap();
    let id = answer.header("x-request-id");
    let of_it = lines.iter().find(|line| line["span"]["id"] == id);
    let line = of_it.expect("a line of the request");
    let fields = &line["fields"];
    assert_eq!(fields["message"], "request");
    assert_eq!(fields["path"], "/\"nowhere");
    assert_eq!(fields["status"], 404);
}

#[test]
fn lines_for_the_journal_have_a_priority_and_no_time() {
    // As systemd names the stream (sd-daemon(3)); the second is another one.
    for (stream, begins) in [
        ("$(stat -L -c %d:%i /proc/$$/fd/1)", "<4> WARN fpm_registry"),
        ("1:2", "20"),
    ] {
        let setup = Setup::new();
        let program = setup.command();
        let mut shell = Command::new("sh");
        let script = format!("JOURNAL_STREAM={stream} exec \"$0\"");
        shell.args(["-c", &script]).arg(program.get_program());
        for (name, value) in program.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let (_, log) = setup.try_start_by(shell).unwrap().terminate();
        let made = log.lines().next().unwrap();
        assert!(made.starts_with(begins), "{log}");
        assert!(made.contains("made the key file"), "{log}");
    }
}

#[test]
fn the_log_cuts_a_long_path() {
    let registry = Setup::new().start();
    let path = format!("/{}", "x".repeat(8000));
    assert_eq!(registry.send(&get(&path)).status, 404);
    let (_, log) = registry.terminate();
    let line = log.lines().find(|line| line.contains("/xxx")).unwrap();
    assert!(
        line.contains(&path[..200]) && !line.contains(&path[..201]),
        "{line}"
    );
}

#[test]
fn https_without_a_trusted_proxy_is_warned_of() {
    const WARNING: &str = "all clients count as one network";
    for (url, proxies, warnings) in [
        ("https://registry.example.org", "", 1),
        ("https://registry.example.org", "127.0.0.1/32", 0),
        ("http://registry.example.org", "", 0),
    ] {
        let setup = Setup::new().with("PUBLIC_URL", url);
        let (_, log) = setup.with("TRUSTED_PROXIES", proxies).start().terminate();
        assert_eq!(log.matches(WARNING).count(), warnings, "{log}");
    }
}

#[test]
fn the_log_says_why_browsers_under_another_name_are_refused() {
    let registry = Setup::new()
        .with("PUBLIC_URL", "http://registry.example.org")
        .start();
    let long = format!("http://{}.lan", "a".repeat(200));
    for origin in ["http://registry.lan:9090", "http://café.lan", &long] {
        let sent = login("ada@example.org", PASSWORD).with("Origin", origin);
        assert_eq!(registry.send(&sent).status, 403);
    }
    let other_site = login("ada@example.org", PASSWORD)
        .with("Origin", "http://evil.example")
        .with("Sec-Fetch-Site", "cross-site");
    assert_eq!(registry.send(&other_site).status, 403);

    let (_, log) = registry.terminate();
    let told: Vec<&str> = log
        .lines()
        .filter_map(|line| {
            line.split_once("cross-site request refused, its Origin is not that of PUBLIC_URL ")
        })
        .map(|(_, told)| told)
        .collect();
    let short = &long[..100];
    let told_of = |origin| format!("origin={origin} public_url=\"http://registry.example.org\"");
    assert_eq!(
        told,
        ["http://registry.lan:9090", r"http://caf\xc3\xa9.lan", short].map(told_of),
        "{log}"
    );
}
