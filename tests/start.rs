//! The program itself: what it says of its settings, what it logs, and how it stops.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

/// The program with nothing set but a data folder of its own, and the assets for a built site.
struct Program {
    command: Command,
    folder: PathBuf,
}

impl Program {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("fpm-registry-{}", uuid::Uuid::new_v4()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_fpm-registry"));
        command
            .env_clear()
            .env("DATA_DIR", &folder)
            .env("LEPTOS_SITE_ADDR", "127.0.0.1:0")
            .env("LEPTOS_SITE_ROOT", "public")
            .env("LEPTOS_HASH_FILES", "false");
        Self { command, folder }
    }

    fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    fn with_flags(mut self, flags: &[&str]) -> Self {
        self.command.args(flags);
        self
    }

    fn output(mut self) -> Output {
        self.command.output().unwrap()
    }

    /// Starts it, and waits until it says where it listens.
    fn start(mut self) -> Running {
        let mut child = self.command.stdout(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let (_, rest) = line.split_once("listens on http://").expect(&line);
        let address = rest.split(';').next().unwrap().to_owned();
        Running {
            child,
            log,
            first_line: line,
            address,
            folder: self.folder,
        }
    }
}

struct Running {
    child: Child,
    log: BufReader<ChildStdout>,
    first_line: String,
    address: String,
    folder: PathBuf,
}

impl Drop for Running {
    /// So that a test that fails leaves nothing behind which holds the output of the suite open.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Posts a form, as curl does.
    fn post(&self, path: &str, cookie: &str, form: &str) -> String {
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ))
    }

    fn get(&self, path: &str) -> String {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
    }

    fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Stops it with SIGTERM; its exit code and everything it logged.
    fn stop(mut self) -> (Option<i32>, String) {
        let kill = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(kill.unwrap().success());
        let mut log = self.first_line.clone();
        self.log.read_to_string(&mut log).unwrap();
        let code = self.child.wait().unwrap().code();
        let _ = std::fs::remove_dir_all(&self.folder);
        (code, log)
    }
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
            "TRUSTED_PROXIES",
            "10.0.0.0/8,proxy",
            "TRUSTED_PROXIES must be networks such as 10.0.0.0/8, not `proxy`",
        ),
        (
            "RATE_LIMITS",
            "maybe",
            "RATE_LIMITS must be on or off, not `maybe`",
        ),
    ] {
        let output = Program::new().with(variable, value).output();
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
            "LEPTOS_SITE_ADDR",
            &taken,
            "LEPTOS_SITE_ADDR must be free to listen on",
        ),
    ] {
        let output = Program::new().with(variable, value).output();
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
    let output = Program::new().with_flags(&["--nonsense"]).output();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "fpm-registry: unexpected argument '--nonsense' found\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn help_lists_every_setting_and_hides_secrets() {
    let output = Program::new()
        .with("MONGO_URI", "mongodb://user:secret@127.0.0.1")
        .with("SMTP_URL", "smtps://user:secret@mail.example.org")
        .with_flags(&["--help"])
        .output();
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
    ] {
        assert!(
            help.contains(&format!("[env: {variable}")),
            "{variable} is not in {help}"
        );
    }
    assert!(!help.contains("secret"), "{help}");
}

#[test]
fn a_flag_wins_over_its_variable() {
    let registry = Program::new()
        .with("LEPTOS_SITE_ADDR", "127.0.0.1:1")
        .with_flags(&["--leptos-site-addr", "127.0.0.1:0"])
        .start();
    assert!(
        registry
            .get("/auth/login")
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    registry.stop();
}

#[test]
fn the_log_has_one_line_a_request_and_no_secret() {
    let registry = Program::new().start();
    let first = &registry.first_line;
    assert!(
        first.contains("store: embedded, in ") && first.contains("mail: files in "),
        "{first}"
    );

    let signup = "name=Ada&email=ada%40example.org&password=correct+horse+battery";
    let answer = registry.post("/auth/signup?next=secret-query", "", signup);
    let (_, cookie) = answer.split_once("set-cookie: ").expect(&answer);
    let cookie = cookie.split(';').next().unwrap().to_owned();
    registry.post(
        "/auth/login",
        &cookie,
        "email=ada%40example.org&password=wrong+horse",
    );
    registry.post("/auth/forgot-password", &cookie, "email=ada%40example.org");
    let outbox = registry.folder.join("outbox");
    let mail = loop {
        let files = std::fs::read_dir(&outbox)
            .unwrap()
            .map(|file| file.unwrap().path());
        if let Some(file) = files
            .into_iter()
            .find(|file| file.extension().is_some_and(|kind| kind == "eml"))
        {
            break std::fs::read_to_string(file).unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let uuid = &mail.split_once("?uuid=").unwrap().1[..36];
    let reset = format!("/auth/reset-password?uuid={uuid}&password=plum+tractor+glow");
    assert!(registry.get(&reset).starts_with("HTTP/1.1 200 OK\r\n"));

    let (code, log) = registry.stop();
    assert_eq!(code, Some(0), "SIGTERM is a graceful stop");
    for line in [
        "method=POST path=\"/auth/signup\" status=200 millis=",
        "method=POST path=\"/auth/login\" status=401 millis=",
        "method=POST path=\"/auth/forgot-password\" status=200 millis=",
        "method=GET path=\"/auth/reset-password\" status=200 millis=",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{line} in {log}");
    }
    let session = cookie.trim_start_matches("uuid=");
    for secret in [
        "horse",
        "plum",
        session,
        uuid,
        "ada@",
        "ada%40",
        "secret-query",
    ] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
    assert!(log.contains(".eml"), "the log names the file of the mail");
}
