//! Hashes passwords on threads of their own, one for each core. Requests wait in a queue that networks share fairly,
//! because hashing is the most expensive work a client can cause (ASVS 2.4.1, 15.2.2).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::sleep};

use super::{
    error::Error,
    fair_queue::{FairQueue, PlaceId, Requester},
    legacy::LegacySalt,
    metrics::HashMetrics,
    password::{self, HashCost, Memory, Password, PasswordHash, Verdict},
    policy::PasswordPolicy,
};

/// How many requests for each core may wait for a hash: about a second, at some 25 ms a hash.
const WAITING_PER_CORE: usize = 32;
/// How long a refusal is delayed if the queue is full, so that a client that retries at once costs little.
const REFUSAL_DELAY: Duration = Duration::from_secs(1);
/// How long an idle thread holds its 19 MiB of memory for the next hash before it frees them.
const MEMORY_LIFE: Duration = Duration::from_secs(2);

/// Hashes and judges passwords.
pub struct Hasher {
    jobs: Arc<Jobs>,
    policy: Arc<PasswordPolicy>,
    cores: usize,
    /// Started by the first request, so that a command that hashes nothing has none.
    threads: OnceLock<Vec<JoinHandle<()>>>,
    metrics: HashMetrics,
    /// The salt of hashes of the first backend, if it is known.
    legacy_salt: Option<LegacySalt>,
    cost: HashCost,
}

/// Work that hashes, in memory that is reused from the hash before.
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

impl Hasher {
    /// A hasher with one thread for each core of this machine.
    pub fn new(policy: Arc<PasswordPolicy>, metrics: HashMetrics) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            jobs: Arc::new(Jobs::new(cores * WAITING_PER_CORE)),
            cores,
            threads: OnceLock::new(),
            policy,
            metrics,
            legacy_salt: None,
            cost: HashCost::STANDARD,
        }
    }

    fn start_threads(&self) {
        let _ = self.threads.get_or_init(|| {
            let start = |_| {
                let (jobs, metrics) = (self.jobs.clone(), self.metrics.clone());
                thread::spawn(move || work(&jobs, &metrics))
            };
            (0..self.cores).map(start).collect()
        });
    }

    /// Compares with hashes of the first backend too, whose salt this is.
    pub fn set_legacy_salt(&mut self, salt: Option<LegacySalt>) {
        self.legacy_salt = salt;
    }

    /// Hashes at this cost.
    pub fn set_cost(&mut self, cost: HashCost) {
        self.cost = cost;
    }

    /// Whether no thread has ended.
    pub fn is_alive(&self) -> bool {
        let mut started = self.threads.get().into_iter().flatten();
        !started.any(JoinHandle::is_finished)
    }

    /// How many requests have a place in the queue.
    pub fn waiting(&self) -> usize {
        self.jobs.lock().queue.taken()
    }

    /// [`Error::Busy`], after a delay, if there is no place for this requester now. Asked before its priority is looked
    /// up, so that a refusal costs nothing.
    pub async fn require_room(&self, requester: Requester) -> Result<(), Error> {
        let has_room = self.jobs.lock().queue.has_room(requester);
        match has_room {
            true => Ok(()),
            false => Err(self.refuse().await),
        }
    }

    /// Reserves a place in the queue. [`Error::Busy`], after a delay, if there is none for this requester. Reserved
    /// before the store is asked for anything, so that no request that is refused has cost more.
    pub async fn reserve(&self, requester: Requester) -> Result<Place, Error> {
        self.start_threads();
        match self.jobs.reserve(requester) {
            Some(place) => Ok(place),
            None => Err(self.refuse().await),
        }
    }

    /// Hashes a chosen password, if the policy allows it to an owner of whom `about` is known.
    pub async fn hash(
        &self,
        place: Place,
        password: Password,
        about: Vec<String>,
    ) -> Result<PasswordHash, Error> {
        let (policy, cost) = (self.policy.clone(), self.cost);
        let hashed = place.run(move |memory| {
            policy.check(&password, &about)?;
            Ok(password::hash_now(&password, cost, memory))
        });
        self.unless_evicted(hashed.await)?
    }

    /// Compares a typed password with a stored hash, at the same cost if there is none or one of another kind.
    pub async fn verify(
        &self,
        place: Place,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verdict, Error> {
        let (salt, cost) = (self.legacy_salt.clone(), self.cost);
        let verified = place.run(move |memory| {
            password::verify_now(&password, stored.as_ref(), salt.as_ref(), cost, memory)
        });
        self.unless_evicted(verified.await)
    }

    /// Delays and counts a refusal.
    async fn refuse(&self) -> Error {
        self.metrics.refused.inc();
        sleep(REFUSAL_DELAY).await;
        Error::Busy
    }

    /// The result of a task; [`Error::Busy`], which is counted, if its place was evicted.
    fn unless_evicted<T>(&self, ran: Option<T>) -> Result<T, Error> {
        if ran.is_none() {
            self.metrics.refused.inc();
        }
        ran.ok_or(Error::Busy)
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

/// Runs one job after the other until the hasher is dropped.
fn work(jobs: &Jobs, metrics: &HashMetrics) {
    let mut memory = Memory::new();
    while let Some(job) = jobs.next(&mut memory) {
        metrics.running.inc();
        let began = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            tracing::error!("password hashing panicked");
        }
        metrics.duration.observe(began.elapsed().as_secs_f64());
        metrics.running.dec();
    }
}

/// The jobs that wait for a thread.
struct Jobs {
    state: Mutex<State>,
    arrived: Condvar,
}

struct State {
    queue: FairQueue<Job>,
    is_closed: bool,
}

/// A place in the queue, for one hash. Given back if it is dropped.
pub struct Place {
    jobs: Arc<Jobs>,
    id: PlaceId,
}

impl Place {
    /// Runs `task` when it is this place's turn; none if it was evicted. Once started the task runs to its end, even if
    /// the request is gone.
    async fn run<T: Send + 'static>(
        self,
        task: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        // Dropping an evicted job closes its channel, which tells the request that waits for it.
        let job: Job = Box::new(move |memory| drop(answer.send(task(memory))));
        self.jobs.fill(self.id, job);
        answered.await.ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.jobs.lock().queue.release(self.id);
    }
}

impl Jobs {
    fn new(capacity: usize) -> Self {
        let state = State {
            queue: FairQueue::new(capacity),
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            arrived: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reserve(self: &Arc<Self>, requester: Requester) -> Option<Place> {
        let id = self.lock().queue.reserve(requester)?;
        let jobs = self.clone();
        Some(Place { jobs, id })
    }

    fn fill(&self, place: PlaceId, job: Job) {
        self.lock().queue.fill(place, job);
        self.arrived.notify_one();
    }

    /// Waits for the next job, and frees the memory if none comes soon. None once the hasher is dropped.
    fn next(&self, memory: &mut Memory) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            if memory.is_empty() {
                let woken = self.arrived.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.arrived.wait_timeout(state, MEMORY_LIFE);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() {
                *memory = Memory::new();
            }
        }
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests;
