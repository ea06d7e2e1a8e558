//! A thread with a queue.

use std::{
    sync::mpsc::{self, Receiver, SyncSender},
    thread::JoinHandle,
};

/// The most jobs that wait. More than there are connections, so it is reached only if the disk hangs.
pub(super) const MAX_WAITING: usize = 8192;

/// A thread that works off its queue until this is dropped, which waits for it.
pub(super) struct Worker<J> {
    queue: Option<SyncSender<J>>,
    thread: Option<JoinHandle<()>>,
}

impl<J: Send + 'static> Worker<J> {
    /// Starts the thread, which gets the jobs.
    pub(super) fn start(work: impl FnOnce(Receiver<J>) + Send + 'static) -> Self {
        let (queue, jobs) = mpsc::sync_channel(MAX_WAITING);
        Self {
            queue: Some(queue),
            thread: Some(std::thread::spawn(move || work(jobs))),
        }
    }

    /// Queues a job; false if too many wait.
    pub(super) fn push(&self, job: J) -> bool {
        let queue = self.queue.as_ref();
        queue.is_some_and(|queue| queue.try_send(job).is_ok())
    }
}

impl<J> Drop for Worker<J> {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
