//! The examples for proxies, in a real nginx and a real Caddy: what a client forges does not get through.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    backend::Backend,
    folder::Folder,
    socket::{Answer, Request, Setup, get, try_send},
};

/// How long a proxy may take to start.
const START: Duration = Duration::from_secs(20);
/// A certificate with its key.
pub const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/smtp.pem");

/// What a client sends to pass for another client, or for a user.
const FORGED: [&str; 6] = [
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "Remote-User",
    "Remote_User",
    "remote.user",
];

fn forged(path: &str) -> Request {
    let add = |request: Request, name: &&str| request.with(name, "forged");
    FORGED.iter().fold(get(path), add)
}

/// What arrived instead of what was forged.
fn arrived(head: &str) -> Vec<String> {
    let lines = head.lines().map(str::to_ascii_lowercase);
    let is_forged = |line: &String| {
        let name = line.split(':').next().unwrap_or_default();
        let mut names = FORGED.iter();
        names.any(|forged| forged.eq_ignore_ascii_case(name))
    };
    lines.filter(is_forged).collect()
}

#[test]
fn nginx_passes_nothing_on_that_a_client_forged() {
    passes_nothing_on(Proxy::nginx);
}

#[test]
fn caddy_passes_nothing_on_that_a_client_forged() {
    passes_nothing_on(Proxy::caddy);
}

fn passes_nothing_on(start: fn(SocketAddr) -> Option<Proxy>) {
    let backend = Backend::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let Some(proxy) = start(backend.address) else {
        return;
    };
    assert_eq!(proxy.send(&forged("/auth/login")).status, 200);
    let head = backend.head();
    assert_eq!(arrived(&head), ["x-forwarded-for: 127.0.0.1"], "{head}");
    assert!(!head.contains("forged"), "{head}");
}

#[test]
fn pages_come_through_both_proxies() {
    let registry = Setup::new().with("TRUSTED_PROXIES", "127.0.0.1/32").start();
    for proxy in [
        Proxy::nginx(registry.address),
        Proxy::caddy(registry.address),
    ] {
        let Some(proxy) = proxy else { return };
        let page = proxy.send(&forged("/auth/login").by_browser());
        page.assert_page(200, "Log in");
    }
}

#[test]
fn nginx_logs_no_secret_of_a_link() {
    let Some(log) = log_of_links(Proxy::nginx) else {
        return;
    };
    let lines = log.matches(" GET /auth/reset-password ").count();
    assert_eq!(lines, 2, "{log}");
}

#[test]
fn caddy_logs_no_secret_of_a_link() {
    log_of_links(Proxy::caddy);
}

/// The log of a link that is followed while the server is there, and while it is not: without the secret.
fn log_of_links(start: fn(SocketAddr) -> Option<Proxy>) -> Option<String> {
    let backend = Backend::start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let proxy = start(backend.address)?;
    let link = "/auth/reset-password?uuid=936da01f-9abd-4d9d-80c7-02af85c822a8";
    let referer = format!("https://registry.example.org{link}");
    let request = get(link).with("Referer", referer);
    assert_eq!(proxy.send(&request).status, 200);
    backend.stop();
    assert_eq!(proxy.send(&request).status, 502);
    let log = proxy.end();
    assert!(!log.contains("936da01f"), "{log}");
    Some(log)
}

#[test]
fn nginx_takes_the_example_with_its_certificate() {
    let Some(nginx) = program("nginx") else {
        return;
    };
    let folder = Folder::new();
    let example = include_str!("../../deploy/nginx.conf");
    let main = nginx_files(&folder, &with_files_of(example, &folder));
    let output = command(&nginx, &folder)
        .arg("-t")
        .arg("-c")
        .arg(main)
        .output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("[warn]"), "{said}");
}

/// A running proxy; it is killed when it is dropped.
pub struct Proxy {
    process: Child,
    address: SocketAddr,
    folder: Folder,
}

impl Proxy {
    /// The example for nginx in front of this backend, without TLS.
    fn nginx(backend: SocketAddr) -> Option<Self> {
        Self::nginx_at(free_address(), backend, without_tls)
    }

    /// The example for nginx at this address in front of this backend, with what is changed in it.
    pub fn nginx_at(
        address: SocketAddr,
        backend: SocketAddr,
        change: impl Fn(String) -> String,
    ) -> Option<Self> {
        let program = program("nginx")?;
        let folder = Folder::new();
        let example = include_str!("../../deploy/nginx.conf")
            .replace("127.0.0.1:9090", &backend.to_string())
            .replace("listen 443 ssl", &format!("listen {address} ssl"));
        let main = nginx_files(&folder, &with_files_of(&change(example), &folder));
        let mut command = command(&program, &folder);
        command.arg("-c").arg(main).args(["-g", "daemon off;"]);
        Some(Self::start(command, address, folder))
    }

    /// The example for Caddy in front of this backend, without TLS.
    fn caddy(backend: SocketAddr) -> Option<Self> {
        Self::caddy_at(free_address(), backend, |example| example)
    }

    /// The same at this address, with what is changed in the example.
    pub fn caddy_at(
        address: SocketAddr,
        backend: SocketAddr,
        change: impl Fn(String) -> String,
    ) -> Option<Self> {
        let program = program("caddy")?;
        let folder = Folder::new();
        let site = format!("http://:{}", address.port());
        let example = change(include_str!("../../deploy/Caddyfile").to_owned())
            .replace("127.0.0.1:9090", &backend.to_string())
            .replace("\nregistry.example.org", &format!("\n{site}"))
            .replacen("{\n", "{\n\tadmin off\n", 1);
        let file = folder.0.join("Caddyfile");
        fs::write(&file, example).unwrap();
        let mut command = command(&program, &folder);
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file);
        Some(Self::start(command, address, folder))
    }

    fn start(mut command: Command, address: SocketAddr, folder: Folder) -> Self {
        let log = fs::File::create(folder.0.join("said.log")).unwrap();
        let process = command.stdin(Stdio::null()).stderr(log).spawn().unwrap();
        let mut proxy = Self {
            process,
            address,
            folder,
        };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = proxy.process.try_wait().unwrap();
            let log = fs::read_to_string(proxy.folder.0.join("said.log")).unwrap();
            assert!(ended.is_none() && began.elapsed() < START, "{log}");
            thread::sleep(Duration::from_millis(10));
        }
        proxy
    }

    pub fn send(&self, request: &Request) -> Answer {
        try_send(self.address, request).unwrap()
    }

    /// Ends it, and gives all its logs.
    fn end(mut self) -> String {
        self.kill();
        let files = fs::read_dir(&self.folder.0).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let logs = files.filter(|file| file.extension().is_some_and(|ending| ending == "log"));
        logs.map(|log| fs::read_to_string(log).unwrap()).collect()
    }

    /// As a service manager ends it, so that nginx ends its workers too.
    fn kill(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let process = self.process.id().to_string();
            let _ = Command::new("kill").args(["-s", "TERM", &process]).status();
            let _ = self.process.wait();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The example for nginx without TLS.
pub fn without_tls(example: String) -> String {
    example.replace(" ssl;", ";")
}

/// A program below `PROXIES`; none if that is not set, which it says.
fn program(name: &str) -> Option<PathBuf> {
    let folder = env::var_os("PROXIES");
    if folder.is_none() {
        println!("not tested, since PROXIES names no folder with {name}");
    }
    folder.map(|folder| Path::new(&folder).join(name))
}

fn command(program: &Path, folder: &Folder) -> Command {
    let mut command = Command::new(program);
    command.current_dir(&folder.0).env("HOME", &folder.0);
    command
}

/// The example with paths and ports of the test.
fn with_files_of(example: &str, folder: &Folder) -> String {
    let lines = example
        .lines()
        .map(|line| match line.trim().split_once(' ') {
            Some((key @ ("ssl_certificate" | "ssl_certificate_key"), _)) => {
                format!("{key} {CERTIFICATE};\n")
            }
            _ => format!("{line}\n"),
        });
    lines
        .collect::<String>()
        .replace("/var/log/nginx", &folder.0.display().to_string())
        .replace("listen 80;", &format!("listen {};", free_address()))
        // A machine of tests may have no IPv6.
        .replace("listen [::]:80;", &format!("listen {};", free_address()))
        .replace("listen [::]:443", &format!("listen {}", free_address()))
        .replace(
            "listen 443 ssl;",
            &format!("listen {} ssl;", free_address()),
        )
}

/// Writes the example, and a main file around it that keeps all within the folder.
fn nginx_files(folder: &Folder, example: &str) -> PathBuf {
    fs::write(folder.0.join("example.conf"), example).unwrap();
    let temporary = ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"];
    let temporary =
        temporary.map(|kind| format!("{kind}_temp_path {}/{kind};", folder.0.display()));
    let main = format!(
        "pid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{}\ninclude {folder}/example.conf;\n}}\n",
        temporary.join("\n"),
        folder = folder.0.display(),
    );
    let file = folder.0.join("nginx.conf");
    fs::write(&file, main).unwrap();
    file
}

pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}
