//! A real MongoDB server, which ends with the tests however they end.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
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
    keeper: Child,
}

impl Mongod {
    /// The server all tests of this process share; each takes a [`database_name`] of its own.
    ///
    /// It refuses every query that uses no index.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Mongod, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start(&["--setParameter", "notablescan=true"]))
            .as_ref()
            .unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// Starts a server with further command-line options, or says in a sentence why it cannot.
    pub fn start(options: &[&str]) -> Result<Self, String> {
        let program = program()?;
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
            .spawn();
        let server = Self {
            port,
            keeper: keeper.expect("there is a shell"),
        };
        server.wait_until_it_listens(&dir)?;
        Ok(server)
    }

    fn wait_until_it_listens(&self, dir: &Path) -> Result<(), String> {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if started.elapsed() > START {
                let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
                return Err(format!("mongod does not start: {}", tail(&log)));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The connection string of the server.
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}", self.port)
    }
}

impl Drop for Mongod {
    /// Waits until the server is gone.
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// A database name nothing else uses.
pub fn database_name() -> String {
    format!("test-{}", uuid::Uuid::new_v4().simple())
}

fn program() -> Result<PathBuf, String> {
    if let Some(program) = env::var_os("MONGOD") {
        let program = PathBuf::from(program);
        return match program.is_file() {
            true => Ok(program),
            false => Err(format!("MONGOD: there is no file `{}`", program.display())),
        };
    }
    env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .map(|dir| dir.join("mongod"))
        .find(|file| file.is_file())
        .ok_or(
            "no mongod to test with: set MONGOD to the path of one, or run `make test`".to_owned(),
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
