//! The reference for pages: an axum handler that gives the same bytes with the same headers, in a process of
//! its own.

use std::{
    env,
    io::{BufRead, BufReader, Read as _, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue},
    serve::ListenerExt,
};
use fpm_registry::{
    accounts::{store::Store, token::Digest},
    server::store::{open_embedded, open_mongo},
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
    read: Option<Read>,
}

/// What the handler reads for each answer, in turn: one record of a store, as a route would.
#[derive(Clone, Serialize, Deserialize)]
pub struct Read {
    /// The database of MongoDB, by its address and name; else the embedded store in `folder`.
    pub mongo: Option<(String, String)>,
    /// Where the embedded store is.
    pub folder: PathBuf,
    /// Of sessions or of upload tokens.
    pub digests: Vec<Digest>,
    /// Whether they are upload tokens.
    pub are_tokens: bool,
}

/// The running reference.
pub struct Baseline {
    pub address: SocketAddr,
    process: Child,
}

impl Baseline {
    /// Starts a server that answers everything like this.
    pub fn start(answer: &[u8]) -> Self {
        Self::reading(answer, None)
    }

    /// The same, after it has read a record.
    pub fn reading(answer: &[u8], read: Option<Read>) -> Self {
        let Answer { headers, body, .. } = Answer::parse(answer);
        // hyper writes these itself.
        let is_own = |name: &str| !["date", "content-length"].contains(&name);
        let headers = headers.into_iter().filter(|(name, _)| is_own(name));
        let given = Response {
            headers: headers.collect(),
            body,
            read,
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
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let reader = match given.read {
            Some(read) => Some(Arc::new(Reader::open(read).await)),
            None => None,
        };
        let router = Router::new().fallback(async move || {
            if let Some(reader) = reader {
                reader.read().await;
            }
            (headers, body)
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

/// Reads a record for each answer.
struct Reader {
    store: Arc<dyn Store>,
    read: Read,
    next: AtomicUsize,
}

impl Reader {
    async fn open(read: Read) -> Self {
        let store = match &read.mongo {
            Some((uri, name)) => open_mongo(uri, name).await,
            None => open_embedded(&read.folder),
        };
        Self {
            store: store.unwrap(),
            read,
            next: AtomicUsize::new(0),
        }
    }

    async fn read(&self) {
        let digests = &self.read.digests;
        let digest = &digests[self.next.fetch_add(1, Ordering::Relaxed) % digests.len()];
        let is_there = match self.read.are_tokens {
            true => self.store.token_holder(digest).await.unwrap().is_some(),
            false => self.store.visitor(digest).await.unwrap().is_some(),
        };
        assert!(is_there, "no record");
    }
}
