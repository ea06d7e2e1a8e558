//! Hashes passwords on threads of their own, one for each core. Requests wait in a queue that networks share fairly,
//! because hashing is the most expensive work a client can cause (ASVS 2.4.1, 15.2.2).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::sleep};

use super::{
    error::Error,
    fair_queue::{FairQueue, PlaceId, Requester},
    password::{self, Memory, Password, PasswordHash, Verdict},
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
    /// Compared with if there is no user, so that an unknown e-mail takes as long as a known one.
    dummy: PasswordHash,
}

/// Work that hashes, in memory that is reused from the hash before.
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

impl Hasher {
    /// Starts one thread for each core of this machine, and makes the dummy hash.
    pub fn new(policy: Arc<PasswordPolicy>) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let jobs = Arc::new(Jobs::new(cores * WAITING_PER_CORE));
        for _ in 0..cores {
            let jobs = jobs.clone();
            thread::spawn(move || work(&jobs));
        }
        let dummy = password::dummy_hash();
        Self {
            jobs,
            policy,
            dummy,
        }
    }

    /// [`Error::Busy`], after a delay, if there is no place for this requester now. Asked before its priority is looked
    /// up, so that a refusal costs nothing.
    pub async fn require_room(&self, requester: Requester) -> Result<(), Error> {
        let has_room = self.jobs.lock().queue.has_room(requester);
        match has_room {
            true => Ok(()),
            false => Err(refuse().await),
        }
    }

    /// Reserves a place in the queue. [`Error::Busy`], after a delay, if there is none for this requester. Reserved
    /// before the store is asked for anything, so that no request that is refused has cost more.
    pub async fn reserve(&self, requester: Requester) -> Result<Place, Error> {
        match self.jobs.reserve(requester) {
            Some(place) => Ok(place),
            None => Err(refuse().await),
        }
    }

    /// Hashes a chosen password, if the policy allows it to an owner of whom `about` is known.
    pub async fn hash(
        &self,
        place: Place,
        password: Password,
        about: Vec<String>,
    ) -> Result<PasswordHash, Error> {
        let policy = self.policy.clone();
        place
            .run(move |memory| {
                policy.check(&password, &about)?;
                Ok(password::hash_now(&password, memory))
            })
            .await?
    }

    /// Compares a typed password with a stored hash, at the same cost if there is none.
    pub async fn verify(
        &self,
        place: Place,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verdict, Error> {
        let dummy = self.dummy.clone();
        place
            .run(move |memory| password::verify_now(&password, stored.as_ref(), &dummy, memory))
            .await
    }
}

/// Delays a refusal.
async fn refuse() -> Error {
    sleep(REFUSAL_DELAY).await;
    Error::Busy
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
    /// Runs `task` when it is this place's turn. [`Error::Busy`] if it was evicted. Once started the task runs to its
    /// end, even if the request is gone.
    async fn run<T: Send + 'static>(
        self,
        task: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        // Dropping an evicted job closes its channel, which tells the request that waits for it.
        let job: Job = Box::new(move |memory| drop(answer.send(task(memory))));
        self.jobs.fill(self.id, job);
        answered.await.map_err(|_| Error::Busy)
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
mod tests {
    use std::time::Instant;

    use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
    use futures_util::future::join_all;

    use super::*;
    use crate::accounts::{fair_queue::Priority, network::Network, password::hash_now};

    const ANYONE: Requester = Requester {
        network: Network::UNKNOWN,
        priority: Priority::Normal,
    };

    /// A hasher nobody else uses, with a place.
    async fn hasher() -> (Hasher, Place) {
        let hasher = Hasher::new(Arc::default());
        let place = hasher.reserve(ANYONE).await.unwrap();
        (hasher, place)
    }

    #[tokio::test]
    async fn a_hash_is_an_argon2id_phc_string_with_its_own_salt() {
        let (hasher, place) = hasher().await;
        let password = Password::chosen("correct horse battery").unwrap();
        let one = hasher.hash(place, password.clone(), vec![]).await.unwrap();
        let place = hasher.reserve(ANYONE).await.unwrap();
        let two = hasher.hash(place, password, vec![]).await.unwrap();
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(one, two);
    }

    #[test]
    fn the_memory_of_a_hash_is_used_again_soon_and_given_back_later() {
        let jobs = Arc::new(Jobs::new(1));
        let send_job = || {
            let place = jobs.reserve(ANYONE).unwrap();
            jobs.fill(place.id, Box::new(|_| ()));
        };
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
    async fn many_requests_of_one_network_give_way_to_another() {
        let hasher = Hasher::new(Arc::default());
        let log_in = async |requester: Requester| {
            let place = hasher.reserve(requester).await?;
            let typed = Password::typed("correct horse battery").unwrap();
            hasher.verify(place, typed, None).await
        };
        let many = join_all((0..200).map(|_| log_in(ANYONE)));
        let elsewhere = Requester {
            network: Network::of([192, 0, 2, 1].into()),
            ..ANYONE
        };
        let other = async {
            tokio::task::yield_now().await;
            let began = Instant::now();
            assert!(log_in(elsewhere).await.is_ok());
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

    #[tokio::test]
    async fn a_place_that_is_dropped_is_free_again() {
        let jobs = Arc::new(Jobs::new(1));
        let place = jobs.reserve(ANYONE);
        assert!(place.is_some());
        assert!(jobs.reserve(ANYONE).is_none());
        drop(place);
        assert!(jobs.reserve(ANYONE).is_some());
    }

    #[tokio::test]
    async fn the_whole_password_counts_and_normal_forms_are_one() {
        let hasher = Hasher::new(Arc::default());
        let long = format!("{}é", "x".repeat(255));
        let hash = hash_now(&Password::chosen(&long).unwrap(), &mut Memory::new());
        let verdict = async |text: &str| {
            let place = hasher.reserve(ANYONE).await.unwrap();
            let typed = Password::typed(text).unwrap();
            hasher
                .verify(place, typed, Some(hash.clone()))
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
        let (hasher, place) = hasher().await;
        let weak = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(8192, 1, 1, None).unwrap(),
        );
        let stored =
            PasswordHash::from_stored(weak.hash_password(b"correct horse").unwrap().to_string());
        let typed = Password::typed("correct horse").unwrap();
        let Verdict::Right(Some(stronger)) = hasher
            .verify(place, typed.clone(), Some(stored))
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
        let hasher = Hasher::new(Arc::default());
        let took = async |stored: Option<PasswordHash>| {
            let typed = Password::typed("correct horse battery").unwrap();
            let place = hasher.reserve(ANYONE).await.unwrap();
            let started = Instant::now();
            let verdict = hasher.verify(place, typed, stored).await.unwrap();
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
