//! What to measure and for how long, from the environment.

use std::{env, fmt, time::Duration};

/// What the environment asks for.
pub struct Plan {
    /// `BENCH_SECONDS`: how long each figure is measured in a round.
    pub span: Duration,
    /// `BENCH_ROUNDS`: how often; the median counts.
    pub rounds: usize,
    /// `BENCH_USERS`: how many users the stores have, smallest first.
    pub users: Vec<u64>,
    /// `BENCH_TOKENS`: how many upload tokens each user has.
    pub tokens: u64,
    /// `BENCH_STORES`: `embedded`, `mongodb`.
    pub stores: Vec<StoreKind>,
    /// `BENCH_PARTS`: a list of [`Part`]s.
    parts: Vec<Part>,
}

/// Where users are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    Embedded,
    MongoDb,
}

/// A part of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Start,
    Memory,
    Login,
    Pages,
    Who,
    Growth,
    Processes,
}

impl Plan {
    pub fn read() -> Self {
        let number = |name, default| list(name, default)[0].parse().expect(name);
        let users = list("BENCH_USERS", "1000,100000,2000000");
        Self {
            span: Duration::from_secs_f64(number("BENCH_SECONDS", "3")),
            rounds: number("BENCH_ROUNDS", "5") as usize,
            users: users.iter().map(|n| n.parse().unwrap()).collect(),
            tokens: number("BENCH_TOKENS", "5") as u64,
            stores: chosen("BENCH_STORES", &[StoreKind::Embedded, StoreKind::MongoDb]),
            parts: chosen(
                "BENCH_PARTS",
                &[
                    Part::Start,
                    Part::Memory,
                    Part::Login,
                    Part::Pages,
                    Part::Who,
                    Part::Growth,
                    Part::Processes,
                ],
            ),
        }
    }

    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

/// What a variable lists by commas.
fn list(name: &str, default: &str) -> Vec<String> {
    let value = env::var(name).unwrap_or_else(|_| default.to_owned());
    value
        .split(',')
        .map(|item| item.trim().to_owned())
        .collect()
}

/// Those of all that a variable names; without it, all.
fn chosen<T: Copy + fmt::Display>(name: &str, all: &[T]) -> Vec<T> {
    let names: Vec<String> = all
        .iter()
        .map(|one| one.to_string().to_lowercase())
        .collect();
    let wanted = list(name, &names.join(","));
    let find = |wanted: &String| names.iter().position(|name| name == wanted);
    let unknown = |wanted: &String| panic!("{name}: `{wanted}` is none of {names:?}");
    let wanted = wanted.iter();
    wanted
        .map(|one| all[find(one).unwrap_or_else(|| unknown(one))])
        .collect()
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::MongoDb => "MongoDB",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The cores that all share: server, database and clients.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Says what is going on, beside the table.
pub fn progress(what: &str) {
    eprintln!("  {what}");
}
