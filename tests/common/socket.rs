//! The program itself, started as a process and spoken to over plain sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by it"
)]
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::{
    collections::HashSet,
    env, fs, io,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use url::form_urlencoded;

/// A password nobody is told is too easy, and another.
pub const PASSWORD: &str = "correct horse battery";
pub const NEW_PASSWORD: &str = "plum tractor glow";

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const JSON: &str = "application/json";
pub const PARTS: &str = "multipart/form-data; boundary=frontier";
/// What browsers accept.
pub const PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// What is said where the store is out of reach.
const LATER: &str = "The registry is not available right now, try again in a moment";

/// Where browsers would reach the registry.
pub const PUBLIC_URL: &str = "http://registry.example.org";
pub const PUBLIC_HTTPS_URL: &str = "https://registry.example.org";

/// How long an answer or a mail may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a stop may take: ten seconds for the requests in flight, five for the mail in hand.
const STOP: Duration = Duration::from_secs(15);

/// How a registry is started.
#[derive(Clone)]
pub struct Setup {
    variables: Vec<(&'static str, String)>,
    flags: &'static [&'static str],
    /// How many files it may open, where that is limited.
    pub open_files: Option<u32>,
    /// Whether it meets a fault that it is to log as an error.
    pub meets_faults: bool,
    /// Whether it meets damage that redb panics at.
    pub meets_damage: bool,
    folder: Arc<Folder>,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Setup {
    /// As in production, with a data folder of its own.
    pub fn new() -> Self {
        let name = format!("fpm-registry-{}", uuid::Uuid::new_v4().simple());
        Self {
            variables: Vec::new(),
            flags: &[],
            open_files: None,
            meets_faults: false,
            meets_damage: false,
            folder: Arc::new(Folder(env::temp_dir().join(name))),
        }
        .with("LEPTOS_SITE_ADDR", "127.0.0.1:0")
        .with("PUBLIC_URL", PUBLIC_URL)
    }

    /// Without limits on attempts, for many requests from one address.
    pub fn unlimited() -> Self {
        Self::new().with("RATE_LIMITS", "off")
    }

    pub fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.variables.push((variable, value.to_owned()));
        self
    }

    /// What it is told on its command line.
    pub fn with_flags(mut self, flags: &'static [&'static str]) -> Self {
        self.flags = flags;
        self
    }

    /// Where it keeps its data.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// Starts it, and waits until it says where it listens.
    pub fn start(&self) -> Registry {
        let started = self.try_start();
        started.unwrap_or_else(|log| panic!("the program ended: {log}"))
    }

    /// Starts it; what it said where it ended.
    pub fn try_start(&self) -> Result<Registry, String> {
        let (reader, writer) = io::pipe().unwrap();
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer);
        let mut process = command.spawn().expect("the program starts");
        drop(command);
        let mut reader = BufReader::new(reader);
        let mut log = String::new();
        let address = loop {
            let before = log.len();
            reader.read_line(&mut log).unwrap();
            let line = &log[before..];
            if line.is_empty() {
                process.wait().unwrap();
                return Err(log);
            }
            if let Some(address) = listens_on(line) {
                break address;
            }
        };
        let rest = thread::spawn(move || {
            reader.read_to_string(&mut log).unwrap();
            log
        });
        Ok(Registry {
            setup: self.clone(),
            is_https: self.is_https(),
            process,
            address,
            log: Some(rest),
            mails_read: Mutex::default(),
        })
    }

    /// The binary that `REGISTRY` names, with a built site; else that of this build, with the assets alone.
    pub fn command(&self) -> Command {
        let given = env::var_os("REGISTRY");
        let program = given.clone();
        let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_fpm-registry").into());
        let mut command = match self.open_files {
            None => Command::new(program),
            Some(most) => {
                let mut shell = Command::new("sh");
                let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
                shell.arg("-c").arg(script).arg(program);
                shell
            }
        };
        command
            .env_clear()
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("DATA_DIR", &self.folder.0);
        if given.is_none() {
            command
                .env("LEPTOS_SITE_ROOT", "public")
                .env("LEPTOS_HASH_FILES", "false");
        }
        command
            .envs(self.variables.iter().map(|(key, value)| (key, value)))
            .args(self.flags);
        command
    }

    fn is_https(&self) -> bool {
        let mut variables = self.variables.iter();
        variables.any(|(_, value)| value == PUBLIC_HTTPS_URL)
    }
}

/// A running registry; it is killed when it is dropped.
pub struct Registry {
    pub setup: Setup,
    pub address: SocketAddr,
    pub is_https: bool,
    process: Child,
    log: Option<JoinHandle<String>>,
    mails_read: Mutex<HashSet<PathBuf>>,
}

impl Registry {
    /// A registry that does not limit attempts.
    pub fn start() -> Self {
        Setup::unlimited().start()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request on a connection of its own; its answer has to have the headers every answer has.
    pub fn send(&self, request: &Request) -> Answer {
        let answer = Answer::parse(&self.exchange(&request.bytes()));
        answer.assert_guarded(self.is_https);
        answer
    }

    /// Sends these bytes, and gives all that comes back until the connection is closed.
    pub fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // Who is answered early cannot send the rest.
        let _ = stream.write_all(bytes);
        read_all(&mut stream)
    }

    /// Makes an account; the answer has its session.
    pub fn sign_up(&self, email: &str) -> Answer {
        let answer = self.send(&signup(email));
        answer.assert_done("Signup successful");
        answer
    }

    pub fn log_in(&self, email: &str, password: &str) -> Answer {
        self.send(&login(email, password))
    }

    /// Whether a request with this `Cookie` header is that of a logged-in user.
    pub fn is_logged_in(&self, cookie: impl AsRef<[u8]>) -> bool {
        let page = self.send(&get("/").with("Cookie", cookie));
        assert_eq!(page.status, 200, "{}", page.body);
        let is = page.body.contains("You are logged in as");
        assert_ne!(is, page.body.contains("You are not logged in."));
        is
    }

    /// The next mail in the outbox nobody has read yet, which may still be on its way.
    pub fn next_mail(&self) -> String {
        let started = Instant::now();
        loop {
            if let Some(mail) = self.unread_mail() {
                return mail;
            }
            assert!(started.elapsed() < PATIENCE, "no mail comes");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// A mail in the outbox nobody has read yet.
    pub fn unread_mail(&self) -> Option<String> {
        let mut read = self.mails_read.lock().unwrap();
        let outbox = self.setup.folder.0.join("outbox");
        let mut files = fs::read_dir(outbox).unwrap().map(|f| f.unwrap().path());
        let is_mail = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "eml");
        let unread = files.find(|file| is_mail(file) && !read.contains(file))?;
        let mail = fs::read_to_string(&unread).unwrap();
        read.insert(unread);
        Some(mail)
    }

    /// Asks for a reset link and takes its uuid out of the mail.
    pub fn reset_uuid(&self, email: &str) -> String {
        let answer = self.send(&post("/auth/forgot-password", &[("email", email)]));
        assert_eq!(answer.status, 200, "{}", answer.body);
        loop {
            if let Some((_, rest)) = self.next_mail().split_once("?uuid=") {
                return rest[..36].to_owned();
            }
        }
    }

    /// Everything it keeps on disk, mails excepted.
    pub fn stored(&self) -> Vec<u8> {
        let files = fs::read_dir(&self.setup.folder.0).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let files = files.filter(|path| path.is_file());
        files.flat_map(|file| fs::read(file).unwrap()).collect()
    }

    /// The most memory it ever held, in MiB.
    pub fn peak_mib(&self) -> u64 {
        self.mib("VmHWM:")
    }

    /// The memory it holds, in MiB.
    pub fn rss_mib(&self) -> u64 {
        self.mib("VmRSS:")
    }

    fn mib(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process())).unwrap();
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix(what));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() / 1024
    }

    /// How many files and connections it has open.
    pub fn open_files(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.process()));
        files.unwrap().count()
    }

    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal such as `TERM`.
    pub fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, &self.process().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// Waits until it has ended by itself, which has to be within [`STOP`].
    pub fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < STOP, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it; everything it logged, which has to be sound.
    pub fn stop(mut self) -> String {
        let log = self.kill();
        self.assert_sound(&log);
        log
    }

    /// Stops it as a service manager does; its exit code and everything it logged, which has to be sound.
    pub fn terminate(mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        let code = self.wait().code();
        (code, self.stop())
    }

    fn assert_sound(&self, log: &str) {
        let Setup {
            meets_faults,
            meets_damage,
            ..
        } = self.setup;
        let mut panics = log.lines().filter(|line| line.contains("panicked"));
        let is_sound = panics.all(|line| meets_damage && line.contains("/redb-"))
            && (meets_faults || !log.contains(" ERROR "));
        assert!(is_sound, "{log}");
    }

    fn kill(&mut self) -> String {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let log = self.log.take().map(|log| log.join().unwrap());
        log.unwrap_or_default()
    }
}

impl Drop for Registry {
    /// Whatever a test sent, nothing may have panicked or failed within. Where the test has failed already, the
    /// errors of the log may tell why.
    fn drop(&mut self) {
        let log = self.kill();
        if thread::panicking() {
            let errors = log.lines().filter(|line| line.contains(" ERROR "));
            errors.for_each(|line| eprintln!("{line}"));
        } else {
            self.assert_sound(&log);
        }
    }
}

/// The address in what the program says once it listens.
pub fn listens_on(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("listens on http://")?;
    let (address, _) = rest.split_once(';')?;
    Some(address.parse().unwrap())
}

/// Sends a request to whoever listens there: the whole answer, or why there is none.
pub fn try_send(address: SocketAddr, request: &Request) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&request.bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Answer::parse_whole(&bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// All that comes until the connection is closed, in whichever way.
pub fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut some = [0; 4096];
    loop {
        match stream.read(&mut some) {
            Ok(0) => return all,
            Ok(n) => all.extend_from_slice(&some[..n]),
            Err(error) if is_closed(&error) => return all,
            Err(error) => panic!("neither answered nor closed: {error}"),
        }
    }
}

pub fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset
    )
}

/// A request, as it goes over the wire.
#[derive(Clone)]
pub struct Request {
    head: Vec<u8>,
    body: Option<Vec<u8>>,
}

pub fn request(method: &str, path: &str) -> Request {
    let head = format!("{method} {path} HTTP/1.1\r\nHost: registry.example.org\r\n");
    Request {
        head: head.into(),
        body: None,
    }
}

pub fn get(path: &str) -> Request {
    request("GET", path)
}

/// A form, as curl sends it.
pub fn post(path: &str, fields: &[(&str, &str)]) -> Request {
    post_as(FORM, path, fields)
}

/// The same fields in any of the three encodings.
pub fn post_as(content_type: &str, path: &str, fields: &[(&str, &str)]) -> Request {
    let request = request("POST", path).with("Content-Type", content_type);
    request.with_body(encode(content_type, fields))
}

pub fn signup(email: &str) -> Request {
    let fields = [("name", "Ada"), ("email", email), ("password", PASSWORD)];
    post("/auth/signup", &fields)
}

pub fn login(email: &str, password: &str) -> Request {
    post("/auth/login", &[("email", email), ("password", password)])
}

pub fn encode(content_type: &str, fields: &[(&str, &str)]) -> String {
    match content_type {
        JSON => {
            let members = fields
                .iter()
                .map(|(key, value)| (key.to_string(), (*value).into()));
            serde_json::Value::Object(members.collect()).to_string()
        }
        PARTS => {
            let parts = fields.iter().map(|(name, value)| part(name, value));
            parts.collect::<String>() + "--frontier--\r\n"
        }
        _ => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(fields).finish()
        }
    }
}

pub fn part(name: &str, value: &str) -> String {
    format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

impl Request {
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value.as_ref());
        self.head.extend_from_slice(b"\r\n");
        self
    }

    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// As a browser without scripts sends it.
    pub fn by_browser(self) -> Self {
        self.with("Accept", PAGE)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut whole = self.clone().with("Connection", "close");
        if let Some(body) = &self.body {
            whole = whole.with("Content-Length", body.len().to_string());
        }
        let body = self.body.iter().flatten();
        let head = whole.head.into_iter().chain(*b"\r\n");
        head.chain(body.copied()).collect()
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn parse(bytes: &[u8]) -> Self {
        let (answer, body) = Self::read(bytes).expect("a whole head");
        let length = answer.header("content-length").parse();
        if !body.is_empty() && length.is_ok() {
            assert_eq!(length, Ok(body.len()), "{answer:?}");
        }
        answer
    }

    /// An answer, unless it was cut off.
    pub fn parse_whole(bytes: &[u8]) -> Option<Self> {
        let (answer, body) = Self::read(bytes)?;
        let length = body.len().to_string();
        (answer.header("content-length") == length).then_some(answer)
    }

    /// An answer and the bytes of its body, which may be cut off; nothing where its head is.
    #[track_caller]
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, body) = (&bytes[..end], &bytes[end + 4..]);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let start = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = start.and_then(|start| start.get(..3)).expect("a status");
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_ascii_lowercase(), value.to_owned())
        });
        let answer = Self {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(body).into_owned(),
        };
        assert_eq!(answer.header("transfer-encoding"), "");
        Some((answer, body))
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).collect()
    }

    /// A header, which may come once at most; nothing where it does not.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let all = self.all(name);
        assert!(all.len() <= 1, "{name} comes more than once: {all:?}");
        all.first().copied().unwrap_or_default()
    }

    /// `name=value` of a cookie that is set.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.all("set-cookie");
        let pairs = cookies.iter().filter_map(|cookie| cookie.split(';').next());
        let mut ours = pairs.filter(|pair| pair.split('=').next() == Some(name));
        ours.next().map(str::to_owned)
    }

    /// `uuid=…` of the session that began.
    #[track_caller]
    pub fn session(&self) -> String {
        self.cookie("uuid").expect("a session cookie")
    }

    /// What the scripts of a page are known by.
    pub fn nonce(&self) -> Option<&str> {
        let policy = self.header("content-security-policy");
        let (_, rest) = policy.split_once("'nonce-")?;
        rest.split('\'').next()
    }

    /// A success, for a program.
    #[track_caller]
    pub fn assert_done(&self, message: &str) {
        let body = serde_json::json!({"message": message, "code": 200});
        self.assert_json(200, body);
    }

    /// A refusal, for a program.
    #[track_caller]
    pub fn assert_refused(&self, code: u16, message: &str, field: Option<&str>) {
        let mut body = serde_json::json!({"message": message, "code": code});
        if let Some(field) = field {
            body["field"] = field.into();
        }
        self.assert_json(code, body);
        assert_eq!(self.cookie("uuid").as_deref().unwrap_or("uuid="), "uuid=");
    }

    /// That the store is out of reach, for a program.
    #[track_caller]
    pub fn assert_later(&self) {
        self.assert_refused(503, LATER, None);
        assert_eq!(self.header("retry-after"), "5");
    }

    /// The same as a page.
    #[track_caller]
    pub fn assert_later_page(&self) {
        self.assert_page(503, LATER);
        assert_eq!(self.header("retry-after"), "5");
    }

    #[track_caller]
    fn assert_json(&self, code: u16, body: serde_json::Value) {
        assert_eq!(self.status, code, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(
            serde_json::from_str(&self.body).ok(),
            Some(body),
            "{}",
            self.body
        );
    }

    /// A page with this status that says these words.
    #[track_caller]
    pub fn assert_page(&self, code: u16, words: &str) {
        assert_eq!(self.status, code, "{}", self.body);
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        assert!(self.body.contains(words), "{words} is not in {}", self.body);
    }

    /// A redirect, for a page client.
    #[track_caller]
    pub fn assert_leads_to(&self, location: &str) {
        assert_eq!(self.status, 303, "{}", self.body);
        assert_eq!(self.header("location"), location);
    }

    /// The headers every answer has, whatever it is.
    #[track_caller]
    fn assert_guarded(&self, is_https: bool) {
        let policy = match self.nonce() {
            None => "default-src 'none'; frame-ancestors 'none'".to_owned(),
            Some(nonce) => format!(
                "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
                 style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                 base-uri 'none'; frame-ancestors 'none'"
            ),
        };
        let https_only = match is_https {
            true => "max-age=63072000; includeSubDomains",
            false => "",
        };
        let is_file = !self.header("etag").is_empty();
        let cache = self.header("cache-control");
        assert!(
            is_file && cache.starts_with("public, ") || cache == "no-store",
            "{cache}"
        );
        for (name, value) in [
            ("content-security-policy", policy.as_str()),
            ("strict-transport-security", https_only),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            (
                "permissions-policy",
                "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            ),
            ("access-control-allow-origin", ""),
            ("server", ""),
            ("x-powered-by", ""),
        ] {
            assert_eq!(self.header(name), value, "{name} of {self:?}");
        }
    }
}
