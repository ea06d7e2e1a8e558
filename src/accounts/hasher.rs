//! Hashes passwords on threads of their own, one for each core. Requests wait in a queue that networks share fairly,
//! because hashing is the most expensive work a client can cause (ASVS 2.4.1, 15.2.2).

use std::{
    collections::{HashMap, hash_map::Entry},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::sleep};

use super::{
    error::Error,
    fair_queue::{FairQueue, Requester},
    network::Network,
    password::{self, Memory, Password, PasswordHash, Verdict},
    strength::weakness,
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
    /// Compared with if there is no user, so that an unknown e-mail takes as long as a known one.
    dummy: PasswordHash,
}

/// Work that hashes, in memory that is reused from the hash before.
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

impl Hasher {
    /// Starts one thread for each core of this machine, and makes the dummy hash.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let jobs = Arc::new(Jobs::new(cores * WAITING_PER_CORE));
        for _ in 0..cores {
            let jobs = jobs.clone();
            thread::spawn(move || work(&jobs));
        }
        let dummy = password::dummy_hash();
        Self { jobs, dummy }
    }

    /// A permit for a request that will need a hash, to be held until it is answered. [`Error::Busy`], after a delay,
    /// if there is no room for this requester.
    pub async fn permit(&self, requester: Requester) -> Result<Permit, Error> {
        match self.jobs.permit(requester) {
            Some(permit) => Ok(permit),
            None => {
                sleep(REFUSAL_DELAY).await;
                Err(Error::Busy)
            }
        }
    }

    /// Hashes a chosen password, unless it is too easy to guess for someone who knows `about` its owner.
    pub async fn hash(
        &self,
        password: Password,
        about: Vec<String>,
        requester: Requester,
    ) -> Result<PasswordHash, Error> {
        self.run(requester, move |memory| {
            match weakness(password.as_str(), &about) {
                Some(reason) => Err(Error::PasswordTooEasy(reason)),
                None => Ok(password::hash_now(&password, memory)),
            }
        })
        .await?
    }

    /// Compares a typed password with a stored hash, at the same cost if there is none.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
        requester: Requester,
    ) -> Result<Verdict, Error> {
        let dummy = self.dummy.clone();
        self.run(requester, move |memory| {
            password::verify_now(&password, stored.as_ref(), &dummy, memory)
        })
        .await
    }

    /// Runs `task` when it is this requester's turn. [`Error::Busy`] if there is no room for it, or if it was evicted
    /// while it waited. Once started it runs to its end, even if the request is gone.
    async fn run<T: Send + 'static>(
        &self,
        requester: Requester,
        task: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory| drop(answer.send(task(memory))));
        // Dropping an evicted job closes its channel, which tells the request that waits for it.
        drop(self.jobs.push(requester, job));
        answered.await.map_err(|_| Error::Busy)
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

/// Runs one job after the other until the hasher is dropped.
fn work(jobs: &Jobs) {
    let mut memory = Memory::new();
    while let Some(job) = jobs.next(&mut memory) {
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            tracing::error!("password hashing panicked");
        }
    }
}

/// The jobs that wait for a thread.
struct Jobs {
    capacity: usize,
    state: Mutex<State>,
    arrived: Condvar,
}

struct State {
    queue: FairQueue<Job>,
    /// How many permits each of the widest networks holds: what requests cost before they hash is limited too.
    permits: HashMap<Network, usize>,
    is_closed: bool,
}

/// Allows one request to use the hasher, until it is dropped.
pub struct Permit {
    jobs: Arc<Jobs>,
    network: Network,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.jobs.lock();
        if let Entry::Occupied(mut count) = state.permits.entry(self.network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl Jobs {
    fn new(capacity: usize) -> Self {
        let state = State {
            queue: FairQueue::new(capacity),
            permits: HashMap::new(),
            is_closed: false,
        };
        Self {
            capacity,
            state: Mutex::new(state),
            arrived: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn permit(self: &Arc<Self>, requester: Requester) -> Option<Permit> {
        let [network, ..] = requester.network.levels();
        let mut state = self.lock();
        if !state.queue.has_room(requester) {
            return None;
        }
        let permits = state.permits.entry(network).or_default();
        if *permits >= self.capacity {
            return None;
        }
        *permits += 1;
        let jobs = self.clone();
        Some(Permit { jobs, network })
    }

    /// Adds a job. Returns the job that it evicted, or the job itself if there is no room.
    fn push(&self, requester: Requester, job: Job) -> Option<Job> {
        let evicted = self.lock().queue.push(requester, job);
        self.arrived.notify_one();
        evicted
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
mod tests {
    use std::time::Instant;

    use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
    use futures_util::future::join_all;

    use super::*;
    use crate::accounts::{fair_queue::Priority, password::hash_now};

    const ANYONE: Requester = Requester {
        network: Network::UNKNOWN,
        priority: Priority::Normal,
    };

    #[tokio::test]
    async fn a_hash_is_an_argon2id_phc_string_with_its_own_salt() {
        let hasher = Hasher::new();
        let password = Password::chosen("correct horse battery").unwrap();
        let one = hasher.hash(password.clone(), vec![], ANYONE).await.unwrap();
        let two = hasher.hash(password, vec![], ANYONE).await.unwrap();
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(one, two);
    }

    #[test]
    fn the_memory_of_a_hash_is_used_again_soon_and_given_back_later() {
        let jobs = Jobs::new(1);
        let send_job = || assert!(jobs.push(ANYONE, Box::new(|_| ())).is_none());
        let mut memory = vec![Block::new()];
        send_job();
        assert!(jobs.next(&mut memory).is_some());
        assert_eq!(memory.len(), 1);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(MEMORY_LIFE + Duration::from_millis(500));
                send_job();
            });
            assert!(jobs.next(&mut memory).is_some());
        });
        assert_eq!(memory.capacity(), 0);
        jobs.close();
        assert!(jobs.next(&mut memory).is_none());
    }

    #[tokio::test]
    async fn many_requests_of_one_network_gives_way_to_another() {
        let hasher = Hasher::new();
        let typed = || Password::typed("correct horse battery").unwrap();
        let many: Vec<_> = (0..2 * hasher.jobs.capacity)
            .map(|_| hasher.verify(typed(), None, ANYONE))
            .collect();
        let many = join_all(many);
        let elsewhere = Requester {
            network: Network::of([192, 0, 2, 1].into()),
            ..ANYONE
        };
        let other = async {
            tokio::task::yield_now().await;
            assert!(hasher.jobs.permit(elsewhere).is_some());
            let began = Instant::now();
            assert!(hasher.verify(typed(), None, elsewhere).await.is_ok());
            began.elapsed()
        };
        let began = Instant::now();
        let (many, other) = tokio::join!(many, other);
        assert!(other < began.elapsed() / 4, "{other:?}");
        assert!(
            many.iter()
                .any(|verdict| matches!(verdict, Err(Error::Busy)))
        );
    }

    #[test]
    fn a_network_has_no_more_permits_than_the_queue_holds() {
        let jobs = Arc::new(Jobs::new(2));
        let one = jobs.permit(ANYONE);
        let other = jobs.permit(ANYONE);
        assert!(one.is_some() && other.is_some());
        assert!(jobs.permit(ANYONE).is_none());
        drop(one);
        assert!(jobs.permit(ANYONE).is_some());
        drop(other);
        assert!(jobs.lock().permits.is_empty());
    }

    #[tokio::test]
    async fn the_whole_password_counts_and_normal_forms_are_one() {
        let hasher = Hasher::new();
        let long = format!("{}é", "x".repeat(255));
        let hash = hash_now(&Password::chosen(&long).unwrap(), &mut Memory::new());
        let verdict = async |text: &str| {
            hasher
                .verify(Password::typed(text).unwrap(), Some(hash.clone()), ANYONE)
                .await
                .unwrap()
        };
        assert!(matches!(verdict(&long).await, Verdict::Right(None)));
        let decomposed = format!("{}e\u{301}", "x".repeat(255));
        assert!(matches!(verdict(&decomposed).await, Verdict::Right(None)));
        for wrong in [
            format!("{long}x"),
            format!(" {long}"),
            long.to_uppercase(),
            "x".repeat(255),
        ] {
            assert!(matches!(verdict(&wrong).await, Verdict::Wrong));
        }
    }

    #[tokio::test]
    async fn a_weaker_hash_is_replaced_and_an_unreadable_one_is_told_apart() {
        let hasher = Hasher::new();
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8192, 1, 1, None).unwrap(),
        );
        let stored =
            PasswordHash::from_stored(weak.hash_password(b"correct horse").unwrap().to_string());
        let typed = Password::typed("correct horse").unwrap();
        let Verdict::Right(Some(stronger)) = hasher
            .verify(typed.clone(), Some(stored), ANYONE)
            .await
            .unwrap()
        else {
            panic!("the weak hash was not replaced");
        };
        assert!(
            stronger
                .as_str()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
    }

    #[tokio::test]
    async fn a_stored_text_that_is_no_hash_of_argon2_takes_the_time_of_one() {
        let hasher = Hasher::new();
        let took = async |stored: Option<PasswordHash>| {
            let typed = Password::typed("correct horse battery").unwrap();
            let started = Instant::now();
            let verdict = hasher.verify(typed, stored, ANYONE).await.unwrap();
            (verdict, started.elapsed())
        };
        let (_, of_nobody) = took(None).await;
        for stored in [
            "9f86d081884c7d659a2feaa0c55ad015",
            "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ",
            "$argon2id$v=19$m=1,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
        ] {
            let (verdict, time) = took(Some(PasswordHash::from_stored(stored.to_owned()))).await;
            assert!(
                matches!(verdict, Verdict::Unreadable),
                "{stored}: {verdict:?}"
            );
            assert!(
                time > of_nobody / 4,
                "{stored}: {time:?}, nobody: {of_nobody:?}"
            );
        }
    }
}
