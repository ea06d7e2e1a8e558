//! A real MongoDB server, which ends with the tests however they end.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

/// Runs `mongod "$@"` in the directory `$dir` until standard input ends, which it does with the tests.
const KEEPER: &str = r#"
mongod=$1; shift
"$mongod" --dbpath "$dir" "$@" </dev/null >"$dir/log" 2>&1 &
cat >/dev/null
kill -9 $!
wait
rm -rf "$dir"
"#;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);

/// A running server with an empty data directory of its own.
pub struct Mongod {
    port: u16,
    /// Its standard input is what keeps the server alive.
    _keeper: Child,
}

impl Mongod {
    /// The server all tests of this process share; each takes a [`database_name`] of its own.
    ///
    /// It refuses every query that uses no index.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Mongod> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&["--setParameter", "notablescan=true"]))
    }

    /// Starts a server with further command-line options.
    pub fn start(options: &[&str]) -> Self {
        let program = program();
        let port = free_port();
        let dir =
            env::temp_dir().join(format!("fpm-registry-mongod-{port}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("the temporary directory can be written");
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(program)
            .args(["--port", &port.to_string(), "--bind_ip", "127.0.0.1"])
            .args(["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"])
            .args(["--setParameter", "diagnosticDataCollectionEnabled=false"])
            .args(options)
            .env("dir", &dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal must not reach the keeper before its work is done.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if started.elapsed() > START {
                let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
                panic!("mongod does not start; its log ends with\n{}", tail(&log));
            }
            sleep(Duration::from_millis(20));
        }
        Self {
            port,
            _keeper: keeper,
        }
    }

    /// The connection string of the server.
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}", self.port)
    }
}

/// A database name nothing else uses.
pub fn database_name() -> String {
    format!("test-{}", uuid::Uuid::new_v4().simple())
}

fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = || {
        env::split_paths(&path)
            .map(|dir| dir.join("mongod"))
            .find(|file| file.is_file())
    };
    env::var_os("MONGOD").map(PathBuf::from).or_else(in_path).expect(
        "no MongoDB server to test with: set MONGOD to the path of a mongod, or run `make test`",
    )
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("there is a free port")
        .port()
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
