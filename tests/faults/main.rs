//! What the registry does when something fails under it: the program itself, real stores and a real mail
//! server, spoken to over sockets.
//!
//! `RELIABILITY.md` has the table. Each scenario prints one line. Those that take long are ignored unless
//! `make faults` asks for them. The program is the one of this build, or the one that `REGISTRY` names.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../common/mongod.rs"]
mod mongod;
#[path = "../common/proxy.rs"]
mod proxy;
#[path = "../common/replica_set.rs"]
mod replica_set;
#[path = "../common/smtp.rs"]
mod smtp;
#[path = "../common/socket.rs"]
mod socket;

mod clients;
mod database;
mod disk;
mod files;
mod kills;
mod mail;
mod soak;
mod stage;
mod sweep;
mod trips;

use std::sync::OnceLock;

use tokio::runtime::Runtime;

/// Runs what is asynchronous; what it started goes on in the background.
fn wait_for<T>(work: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| Runtime::new().unwrap())
        .block_on(work)
}

/// Prints what a scenario did and that it went well.
fn report(line: &str) {
    println!("{line}: ok");
}

/// A number under `end`, by chance.
fn random(end: u64) -> u64 {
    let bits = uuid::Uuid::new_v4().as_u128() as u64;
    bits % end
}
