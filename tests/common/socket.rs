//! The program itself, started as a process and spoken to over plain sockets: how it is set up and run.
//!
//! [`exchange`] has what it is asked and what it answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by it"
)]
#![allow(dead_code, reason = "each suite uses a part of it")]

mod exchange;

use std::{
    collections::HashSet,
    env,
    fs::{self, Permissions},
    io,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

pub use exchange::*;
use fpm_registry::accounts::secret_keys::SecretKeys;

/// Where browsers would reach the registry.
pub const PUBLIC_URL: &str = "http://registry.example.org";
pub const PUBLIC_HTTPS_URL: &str = "https://registry.example.org";

/// How long an answer or a mail may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a stop may take: ten seconds for the requests in flight, five for the mail in hand.
const STOP: Duration = Duration::from_secs(15);

/// What a pipe holds, in bytes.
const PIPE: usize = 64 * 1024;

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

    /// With a key file, so that authenticator apps are offered with MongoDB too.
    pub fn with_key_file(self) -> Self {
        fs::create_dir_all(self.folder()).unwrap();
        let file = self.folder().join("secret.key");
        fs::write(&file, SecretKeys::random_file_text()).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        self.with("SECRET_KEY_FILE", file.to_str().unwrap())
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
        self.try_start_by(self.command())
    }

    /// The same by a command of one's own.
    pub fn try_start_by(&self, mut command: Command) -> Result<Registry, String> {
        let (reader, writer) = io::pipe().unwrap();
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
        let rest = thread::spawn(move || rest_of(reader, log));
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

/// A log to its end, a few hundred lines at a time: a reader that wakes up for each takes much of the cores in a measurement.
fn rest_of(mut reader: impl Read, log: String) -> String {
    let mut log = log.into_bytes();
    let mut lines = vec![0; PIPE];
    loop {
        match reader.read(&mut lines).unwrap() {
            0 => return String::from_utf8(log).unwrap(),
            read => log.extend_from_slice(&lines[..read]),
        }
        thread::sleep(Duration::from_millis(5));
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
            if let Some((_, rest)) = self.next_mail().split_once("/auth/reset-password?uuid=") {
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
