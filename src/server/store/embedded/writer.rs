//! The one thread that writes.

use std::{
    iter,
    sync::mpsc::{self, RecvTimeoutError},
    time::{Duration, Instant},
};

use super::{
    file::{Job, RegistryFile, unless_damaged},
    tables::Commit,
};

/// The most writes in one transaction, so that the first of them is not kept waiting.
const MAX_BATCH: usize = 128;
/// How long attempts that nobody waits for may stand in memory alone.
const ATTEMPTS_DELAY: Duration = Duration::from_secs(1);

/// Writes until the store is dropped, which closes the file with all that was written.
pub(super) fn write_all(file: &RegistryFile, jobs: &mpsc::Receiver<Job>) {
    let mut delayed_since = None;
    while let Some(batch) = next_batch(jobs, delayed_since) {
        let is_due = delayed_since.is_some_and(|since: Instant| since.elapsed() >= ATTEMPTS_DELAY);
        match unless_damaged(|| file.write(batch, is_due)) {
            Ok((answers, commit)) => {
                delayed_since = match commit {
                    Commit::Nothing => delayed_since,
                    Commit::Delayed => delayed_since.or_else(|| Some(Instant::now())),
                    Commit::AtOnce => None,
                };
                answers.into_iter().for_each(|answer| answer());
            }
            Err(error) => {
                tracing::error!(%error, "writes did not reach the disk");
                delayed_since = None;
                file.reopen();
            }
        }
    }
}

/// The writes that wait, at least one until it is time for what was delayed; none when the store is dropped.
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
