//! The clients: as light as can be, since they share the cores with what they measure.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::{Builder, Runtime},
    task::JoinSet,
};

use crate::{dataset::scattered, plan::cores};

/// Makes the `n`-th request of the run.
pub type Ask = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// How long the load runs before it counts.
const WARM_UP: Duration = Duration::from_millis(400);

/// Requests of the whole run, so that no two are the same.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// What came back.
#[derive(Default)]
pub struct Answers {
    /// How long each answer took that came in the time that counts.
    took: Vec<Duration>,
    /// How many of these were 503.
    pub refused: usize,
    /// How many came in all, in the warm-up too.
    pub all: usize,
    span: Duration,
}

impl Answers {
    /// Successes a second.
    pub fn per_second(&self) -> f64 {
        (self.took.len() - self.refused) as f64 / self.span.as_secs_f64()
    }

    /// The time within which this share of the answers came, in milliseconds.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut took = self.took.clone();
        took.sort();
        let place = (took.len() as f64 * share) as usize;
        took[place.min(took.len() - 1)].as_secs_f64() * 1000.0
    }

    fn add(&mut self, other: Self) {
        self.took.extend(other.took);
        self.refused += other.refused;
        self.all += other.all;
    }
}

/// Asks on every connection as soon as it is answered, for `span` after a warm-up.
pub fn saturate(servers: &[SocketAddr], connections: usize, span: Duration, ask: &Ask) -> Answers {
    let from = Instant::now() + WARM_UP;
    let mut all = Answers::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores())
            .map(|thread| {
                let servers = servers.iter().copied().cycle();
                let ours = servers.skip(thread).step_by(cores());
                let ours: Vec<_> = ours.take(connections.div_ceil(cores())).collect();
                scope.spawn(move || runtime().block_on(saturate_here(ours, from, span, ask)))
            })
            .collect();
        for thread in threads {
            all.add(thread.join().expect("no answer is wrong"));
        }
    });
    all.span = span;
    all
}

async fn saturate_here(
    servers: Vec<SocketAddr>,
    from: Instant,
    span: Duration,
    ask: &Ask,
) -> Answers {
    let mut connections = JoinSet::new();
    for server in servers {
        connections.spawn(ask_on(server, from, span, ask.clone()));
    }
    let mut all = Answers::default();
    for answers in connections.join_all().await {
        all.add(answers);
    }
    all
}

async fn ask_on(server: SocketAddr, from: Instant, span: Duration, ask: Ask) -> Answers {
    let mut connection = Connection::open(server).await;
    let mut answers = Answers::default();
    loop {
        let request = next(&ask);
        let began = Instant::now();
        let status = connection.exchange(&request).await;
        let now = Instant::now();
        let is_answer = matches!(status, 200 | 503);
        assert!(is_answer, "{}", String::from_utf8_lossy(&connection.answer));
        answers.all += 1;
        if now >= from + span {
            return answers;
        }
        if now >= from {
            answers.took.push(now - began);
            answers.refused += usize::from(status == 503);
        }
    }
}

/// Asks at random moments, so many times a second, whether or not earlier requests are answered; an answer
/// takes from the moment its request was due.
pub fn arrive(server: SocketAddr, per_second: f64, span: Duration, ask: &Ask) -> Answers {
    runtime().block_on(async {
        let idle = Arc::new(Mutex::new(Vec::new()));
        let begin = Instant::now();
        let mut due = begin;
        let mut asked = JoinSet::new();
        for n in 0.. {
            due += pause(n, per_second);
            if due > begin + span {
                break;
            }
            tokio::time::sleep_until(due.into()).await;
            asked.spawn(ask_once(server, due, next(ask), idle.clone()));
        }
        Answers {
            took: asked.join_all().await,
            span,
            ..Answers::default()
        }
    })
}

async fn ask_once(
    server: SocketAddr,
    due: Instant,
    request: Vec<u8>,
    idle: Arc<Mutex<Vec<Connection>>>,
) -> Duration {
    let list = || idle.lock().unwrap_or_else(PoisonError::into_inner);
    let waiting = list().pop();
    let mut connection = match waiting {
        Some(connection) => connection,
        None => Connection::open(server).await,
    };
    assert_eq!(connection.exchange(&request).await, 200);
    let took = due.elapsed();
    list().push(connection);
    took
}

/// The time between two that come at random.
fn pause(n: u64, per_second: f64) -> Duration {
    const PARTS: u64 = 1 << 32;
    let chance = (scattered(n, PARTS) + 1) as f64 / PARTS as f64;
    Duration::from_secs_f64(-chance.ln() / per_second)
}

/// Asks once.
pub fn fetch(server: SocketAddr, request: &[u8]) -> Vec<u8> {
    runtime().block_on(async {
        let mut connection = Connection::open(server).await;
        connection.exchange(request).await;
        connection.answer
    })
}

fn next(ask: &Ask) -> Vec<u8> {
    ask(ASKED.fetch_add(1, Ordering::Relaxed))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A connection that stays open.
struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            answer: Vec::with_capacity(1 << 16),
        }
    }

    /// Sends a request, and waits for its answer; gives its status.
    async fn exchange(&mut self, request: &[u8]) -> u16 {
        self.stream.write_all(request).await.unwrap();
        self.answer.clear();
        while length(&self.answer).is_none_or(|length| self.answer.len() < length) {
            let read = self.stream.read_buf(&mut self.answer).await.unwrap();
            assert!(read > 0, "the connection was closed");
        }
        let status = self
            .answer
            .get(9..12)
            .and_then(|code| str::from_utf8(code).ok());
        status.and_then(|code| code.parse().ok()).expect("a status")
    }
}

/// How long an answer is, once its head is whole.
fn length(answer: &[u8]) -> Option<usize> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = str::from_utf8(&answer[..end]).expect("a head is text");
    let is_length = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case("content-length");
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let (_, length) = lines.find(is_length).expect("a length");
    let body: usize = length.parse().expect("a number");
    Some(end + 4 + body)
}
