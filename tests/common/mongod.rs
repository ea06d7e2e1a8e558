//! A real MongoDB server, which ends with the tests however they end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by it"
)]
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

/// Runs `mongod "$@"` in the directory `$dir` until standard input ends, which it does with the tests, and
/// again for every line of it. Says each time which process it is.
const KEEPER: &str = r#"
mongod=$1; shift
run() { "$mongod" --dbpath "$dir" "$@" </dev/null >>"$dir/log" 2>&1 & echo $!; }
run "$@"
while read -r again; do run "$@"; done
kill -9 $!
wait
rm -rf "$dir"
"#;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);

/// A running server with an empty data directory of its own.
pub struct Mongod {
    port: u16,
    dir: PathBuf,
    /// Its standard input is what keeps the server alive.
    keeper: Child,
    processes: BufReader<ChildStdout>,
    process: u32,
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
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(program)
            .args(["--port", &port.to_string(), "--bind_ip", "127.0.0.1"])
            .args(["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"])
            .args(["--setParameter", "diagnosticDataCollectionEnabled=false"])
            .args(options)
            .env("dir", &dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal must not reach the keeper before its work is done.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        let processes = BufReader::new(keeper.stdout.take().unwrap());
        let mut server = Self {
            port,
            dir,
            keeper,
            processes,
            process: 0,
        };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    fn wait_until_it_listens(&mut self) -> Result<(), String> {
        let mut process = String::new();
        self.processes.read_line(&mut process).unwrap();
        self.process = process.trim().parse().expect("the keeper's word");
        let started = Instant::now();
        while TcpStream::connect(self.address()).is_err() {
            if started.elapsed() > START {
                let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
                return Err(format!("mongod does not start: {}", tail(&log)));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The connection string of the server.
    pub fn uri(&self) -> String {
        format!("mongodb://{}", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// The id of its process.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Sends the server a signal such as `KILL`, `STOP` or `CONT`.
    pub fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, &self.process.to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// Starts the server again on what it has kept, after it was killed.
    pub fn restart(&mut self) {
        let keeper = self.keeper.stdin.as_mut().unwrap();
        keeper.write_all(b"again\n").unwrap();
        self.wait_until_it_listens().unwrap();
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
