//! The threads that look users up.
//!
//! Under load they find the next lookup in their queue, where a pool of threads would wake one for each, which costs more
//! than the lookup.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::available_parallelism,
};

use redb::ReadTransaction;
use tokio::sync::oneshot;

use super::{
    file::{RegistryFile, catch_redb_panic},
    tables::Result,
    worker::Worker,
};
use crate::{accounts::error::StoreError, server::store::deadline::within_deadline};

/// The fewest threads, so that one that waits for the disk does not hold up all others.
const MIN_READERS: usize = 4;

/// A queued read.
pub(super) type Look = Box<dyn FnOnce(&RegistryFile) + Send>;

/// The threads, which take turns.
pub(super) struct Readers {
    threads: Vec<Worker<Look>>,
    lookups: AtomicUsize,
}

impl Readers {
    /// Starts a thread for each core.
    pub(super) fn start(file: &Arc<RegistryFile>) -> Self {
        let start = |_| {
            let file = file.clone();
            Worker::start(move |looks| looks.into_iter().for_each(|look: Look| look(&file)))
        };
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            threads: (0..cores.max(MIN_READERS)).map(start).collect(),
            lookups: AtomicUsize::new(0),
        }
    }

    /// Queues a read; false if too many wait.
    pub(super) fn push(&self, look: Look) -> bool {
        let turn = self.lookups.fetch_add(1, Ordering::Relaxed);
        self.threads[turn % self.threads.len()].push(look)
    }
}

/// A read that sends what it finds, unless nobody waits for it any more.
pub(super) fn answering<T: Send + 'static>(
    look: impl Fn(&ReadTransaction) -> Result<T> + Send + 'static,
) -> (Look, oneshot::Receiver<Result<T>>) {
    let (answer, answered) = oneshot::channel();
    let look = move |file: &RegistryFile| {
        if !answer.is_closed() {
            drop(answer.send(catch_redb_panic(|| file.read(look))));
        }
    };
    (Box::new(look), answered)
}

/// Waits for what a read finds.
pub(super) async fn answer<T>(answered: oneshot::Receiver<Result<T>>) -> Result<T, StoreError> {
    within_deadline("the disk", answered)
        .await?
        .map_err(|_| StoreError("the read was interrupted".to_owned()))?
        .map_err(|error| StoreError(error.to_string()))
}
