//! The reference for pages: an axum handler that gives the same bytes with the same headers, in a process of
//! its own.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Instant,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue},
    serve::ListenerExt,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::{dataset, socket::Answer};

/// What makes this program the reference.
pub const ARGUMENT: &str = "baseline-handler";

/// What the handler answers.
#[derive(Serialize, Deserialize)]
struct Response {
    headers: Vec<(String, String)>,
    body: String,
}

/// The running reference.
pub struct Baseline {
    pub address: SocketAddr,
    process: Child,
}

impl Baseline {
    /// Starts a server that answers everything like this.
    pub fn start(answer: &[u8]) -> Self {
        let Answer { headers, body, .. } = Answer::parse(answer);
        // hyper writes these itself.
        let is_own = |name: &str| !["date", "content-length"].contains(&name);
        let headers = headers.into_iter().filter(|(name, _)| is_own(name));
        let given = Response {
            headers: headers.collect(),
            body,
        };
        let mut process = Command::new(env::current_exe().unwrap())
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let text = serde_json::to_vec(&given).unwrap();
        process.stdin.take().unwrap().write_all(&text).unwrap();
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        Self {
            address: line.trim().parse().unwrap(),
            process,
        }
    }

    /// Seconds of a core it has used.
    pub fn cpu_seconds(&self) -> f64 {
        dataset::cpu_seconds(self.process.id())
    }

    /// Milliseconds from the start of a process to its first answer.
    pub fn start_millis(answer: &[u8]) -> f64 {
        let began = Instant::now();
        let baseline = Self::start(answer);
        crate::load::fetch(baseline.address, &dataset::get("/", ""));
        began.elapsed().as_secs_f64() * 1000.0
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The reference's own `main`.
pub fn serve() {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).unwrap();
    let given: Response = serde_json::from_slice(&text).unwrap();
    let headers = given.headers.into_iter().map(|(name, value)| {
        let name = HeaderName::try_from(name).unwrap();
        (name, HeaderValue::try_from(value).unwrap())
    });
    let headers: HeaderMap = headers.collect();
    let body = Bytes::from(given.body);
    let router = Router::new().fallback(async move || (headers, body));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}
