//! The thread that writes.

use std::{
    iter,
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant},
};

use super::{
    file::{Job, RegistryFile, catch_redb_panic},
    tables::Commit,
};

/// The most writes in one transaction, so that the first of them does not wait long.
const MAX_BATCH: usize = 128;
/// How long counters of attempts may be in memory only.
const ATTEMPTS_DELAY: Duration = Duration::from_secs(1);

/// Runs the queued writes until the store is dropped.
pub(super) fn write_all(file: &RegistryFile, jobs: &mpsc::Receiver<Job>) {
    let mut delayed_since = None;
    while let Some(batch) = next_batch(jobs, delayed_since) {
        let is_due = delayed_since.is_some_and(|since: Instant| since.elapsed() >= ATTEMPTS_DELAY);
        match catch_redb_panic(|| file.write(batch, is_due)) {
            Ok((answers, commit)) => {
                delayed_since = match commit {
                    Commit::Nothing => delayed_since,
                    Commit::Delayed => delayed_since.or_else(|| Some(Instant::now())),
                    Commit::AtOnce => None,
                };
                answers.into_iter().for_each(|answer| answer());
            }
            Err(error) => {
                tracing::error!(%error, "cannot write to the store file, reopening it");
                delayed_since = None;
                file.reopen();
            }
        }
    }
}

/// Waits for the next batch of writes. An empty one if it is time to commit delayed writes; none when the store is
/// dropped.
fn next_batch(jobs: &mpsc::Receiver<Job>, delayed_since: Option<Instant>) -> Option<Vec<Job>> {
    let first = match delayed_since {
        None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(since) => jobs.recv_timeout(ATTEMPTS_DELAY.saturating_sub(since.elapsed())),
    };
    match first {
        Ok(first) => Some(
            iter::once(first)
                .chain(jobs.try_iter())
                .take(MAX_BATCH)
                .collect(),
        ),
        Err(RecvTimeoutError::Timeout) => Some(Vec::new()),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}
