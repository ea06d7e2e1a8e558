//! The threads that look users up.
//!
//! Waking a thread costs more than a lookup. So the first thread gets all lookups as long as it keeps up: under load it
//! finds the next one in its queue.

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

/// How many reads a thread may have before another one is woken. If the disk hangs for one of them, the others wait too.
pub(super) const MAX_READS: usize = 4;

/// A queued read.
pub(super) type Look = Box<dyn FnOnce(&RegistryFile) + Send>;

/// The threads.
pub(super) struct Readers(Vec<Reader>);

struct Reader {
    thread: Worker<Look>,
    /// How many reads it has not finished.
    unfinished: Arc<AtomicUsize>,
}

impl Readers {
    /// Starts a thread for each core.
    pub(super) fn start(file: &Arc<RegistryFile>) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let readers = (0..cores.max(MIN_READERS)).map(|_| Reader::start(file.clone()));
        Self(readers.collect())
    }

    /// Queues a read; false if too many wait.
    pub(super) fn push(&self, look: Look) -> bool {
        // The first that keeps up, or else the one with the fewest.
        let excess = |reader: &&Reader| (reader.unfinished() + 1).saturating_sub(MAX_READS);
        let reader = self.0.iter().min_by_key(excess);
        reader.is_some_and(|reader| reader.push(look))
    }
}

impl Reader {
    fn start(file: Arc<RegistryFile>) -> Self {
        let unfinished = Arc::new(AtomicUsize::new(0));
        let count = unfinished.clone();
        let thread = Worker::start(move |looks| {
            for look in looks {
                let look: Look = look;
                look(&file);
                count.fetch_sub(1, Ordering::Relaxed);
            }
        });
        Self { thread, unfinished }
    }

    fn unfinished(&self) -> usize {
        self.unfinished.load(Ordering::Relaxed)
    }

    fn push(&self, look: Look) -> bool {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
        let is_queued = self.thread.push(look);
        if !is_queued {
            self.unfinished.fetch_sub(1, Ordering::Relaxed);
        }
        is_queued
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
