//! The reference for logins: the same argon2id, and nothing else.

use std::{
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version, password_hash::phc};
use fpm_registry::accounts::password::PasswordHash;

use crate::{dataset::cpu_seconds, plan::cores};

/// Hashes one password again and again, with the parameters of a stored hash and memory of its own.
struct Hash {
    argon2: Argon2<'static>,
    memory: Vec<Block>,
}

impl Hash {
    fn like(stored: &PasswordHash) -> Self {
        let params = params(stored);
        Self {
            memory: vec![Block::new(); params.block_count()],
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
        }
    }

    /// How many there are in a second.
    fn per_second(&mut self, span: Duration) -> f64 {
        let began = Instant::now();
        let mut done = 0;
        while began.elapsed() < span {
            self.run();
            done += 1;
        }
        f64::from(done) / began.elapsed().as_secs_f64()
    }

    fn run(&mut self) {
        let mut output = [0; 32];
        self.argon2
            .hash_password_into_with_memory(
                b"correct horse battery",
                b"sixteen bytes of",
                &mut output,
                &mut self.memory,
            )
            .unwrap();
    }
}

/// A hash while the other cores have nothing to do.
pub struct Alone {
    /// How many there are in a second.
    pub per_second: f64,
    /// The time of a core one takes, which other programs on the machine lengthen less.
    pub cpu_millis: f64,
}

/// Hashes on one core for a while.
pub fn alone(stored: &PasswordHash, span: Duration) -> Alone {
    let mut hash = Hash::like(stored);
    hash.run();
    let (began, before) = (Instant::now(), cpu_seconds(std::process::id()));
    let per_second = hash.per_second(span);
    let hashes = per_second * began.elapsed().as_secs_f64();
    Alone {
        per_second,
        cpu_millis: (cpu_seconds(std::process::id()) - before) * 1000.0 / hashes,
    }
}

/// Hashes a second on all cores at once.
pub fn on_all_cores(stored: &PasswordHash, span: Duration) -> f64 {
    let threads = (0..cores()).map(|_| {
        let mut hash = Hash::like(stored);
        thread::spawn(move || hash.per_second(span))
    });
    let threads: Vec<_> = threads.collect();
    threads.into_iter().map(|one| one.join().unwrap()).sum()
}

/// The memory of one hash.
pub fn mib(stored: &PasswordHash) -> f64 {
    f64::from(params(stored).m_cost()) / 1024.0
}

fn params(stored: &PasswordHash) -> Params {
    Params::try_from(&phc::PasswordHash::new(stored.as_str()).unwrap()).unwrap()
}
