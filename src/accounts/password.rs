//! Passwords: what may be chosen, and how they are hashed.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{self, Output, ParamsString, Salt},
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, feedback::Warning, zxcvbn};

use super::Error;

/// A password as typed, in Unicode normal form C (NIST SP 800-63B-4, 3.1.1.2), otherwise untouched.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// The shortest password that can be chosen, in characters (ASVS 6.2.1).
    pub const MIN_CHARS: usize = 8;
    /// The longest password that can be chosen, in characters (ASVS 6.2.9).
    pub const MAX_CHARS: usize = 256;

    /// A password to be compared with a stored hash: any text but none.
    pub fn typed(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            Err(Error::PasswordRequired)
        } else {
            Ok(Self(text.nfc().collect()))
        }
    }

    /// A password to be set, of a length within the limits; [`Hasher::hash`] judges its strength.
    pub fn chosen(text: &str) -> Result<Self, Error> {
        let password = Self::typed(text)?;
        match password.0.chars().count() {
            n if n < Self::MIN_CHARS => Err(Error::PasswordTooShort),
            n if n > Self::MAX_CHARS => Err(Error::PasswordTooLong),
            _ => Ok(password),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A stored password hash, an argon2id PHC string where this program wrote it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The hash stored as `text`, whatever it is.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The hash as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Whether a typed password is the stored one.
#[derive(Debug)]
pub enum Verdict {
    /// It is not, or there is none.
    Wrong,
    /// It is; where the stored hash is weaker than today's, a stronger one comes along.
    Right(Option<PasswordHash>),
    /// The stored text is no hash that can be compared with.
    Unreadable,
}

/// Memory of one hash in KiB, passes over it, and lanes (ASVS 11.4.2, argon2id).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many requests may wait for a hash for each core; at some 25 ms a hash, no longer than about a second.
const WAITING_PER_CORE: usize = 32;

/// How much of a password the strength estimate reads, since its time grows with the square of the length.
const ESTIMATED_CHARS: usize = 32;
/// Words everybody would try here first.
const SERVICE_WORDS: [&str; 4] = ["fpm-registry", "fpm", "registry", "fortran"];

/// Hashes passwords on threads of its own, one for each core, with a short queue before them.
#[derive(Clone)]
pub struct Hasher {
    queue: Sender<Job>,
    /// Compared with where there is no user, so that an unknown e-mail costs what a known one does.
    dummy: PasswordHash,
}

/// Work that hashes, in a memory that the hash before it has left.
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

impl Hasher {
    /// A hasher for this machine; makes one hash.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let (queue, jobs) = bounded(cores * WAITING_PER_CORE);
        for _ in 0..cores {
            let jobs = jobs.clone();
            thread::spawn(move || work(&jobs));
        }
        let dummy = hash_now("no user has this password", &mut Memory::new());
        Self { queue, dummy }
    }

    /// [`Error::Busy`] where too many wait for a hash already, so that a flood costs nothing but this look.
    pub fn has_room(&self) -> Result<(), Error> {
        match self.queue.is_full() {
            true => Err(Error::Busy),
            false => Ok(()),
        }
    }

    /// Hashes a chosen password, unless it is too easy to guess for someone who knows `about` its owner.
    pub async fn hash(
        &self,
        password: Password,
        about: Vec<String>,
    ) -> Result<PasswordHash, Error> {
        self.run(move |memory| match weakness(&password.0, &about) {
            Some(reason) => Err(Error::PasswordTooEasy(reason)),
            None => Ok(hash_now(&password.0, memory)),
        })
        .await?
    }

    /// Compares a typed password with a stored hash, at the same cost where there is none.
    pub async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verdict, Error> {
        let dummy = self.dummy.clone();
        self.run(move |memory| match stored {
            Some(stored) => verify_now(&password.0, &stored, &dummy, memory),
            None => {
                compare(&password.0, &dummy, memory);
                Verdict::Wrong
            }
        })
        .await
    }

    /// Runs `task` when a core is free; [`Error::Busy`] where too many wait already. It runs to its end, though
    /// nobody may wait for it any more.
    async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory| drop(answer.send(task(memory))));
        self.queue.try_send(job).map_err(|_| Error::Busy)?;
        answered.await.map_err(|_| Error::Busy)
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The memory of one hash.
type Memory = Vec<Block>;

/// How long a thread keeps its memory for the next hash, before the system gets it back.
const MEMORY_LIFE: Duration = Duration::from_secs(2);

/// Does one job after the other until the hasher is dropped.
fn work(jobs: &Receiver<Job>) {
    let mut memory = Memory::new();
    while let Some(job) = next_job(jobs, &mut memory) {
        if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
            tracing::error!("a hash panicked");
        }
    }
}

/// Waits for a job, and drops the memory where none comes soon.
fn next_job(jobs: &Receiver<Job>, memory: &mut Memory) -> Option<Job> {
    match jobs.recv_timeout(MEMORY_LIFE) {
        Err(RecvTimeoutError::Timeout) => {
            *memory = Memory::new();
            jobs.recv().ok()
        }
        job => job.ok(),
    }
}

#[expect(
    clippy::expect_used,
    reason = "fails only where the system has no random numbers"
)]
fn hash_now(password: &str, memory: &mut Memory) -> PasswordHash {
    let (argon2, salt) = (argon2(), Salt::generate());
    let hash = digest(&argon2, password, &salt, memory);
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).expect("three numbers"),
        salt: Some(salt),
        hash: Some(hash.expect("argon2 hashes any password with its own salt")),
    };
    PasswordHash(hash.to_string())
}

fn verify_now(
    password: &str,
    stored: &PasswordHash,
    dummy: &PasswordHash,
    memory: &mut Memory,
) -> Verdict {
    match compare(password, stored, memory) {
        Some((_, false)) => Verdict::Wrong,
        Some((hash, true)) if is_weak(&hash) => Verdict::Right(Some(hash_now(password, memory))),
        Some((_, true)) => Verdict::Right(None),
        None => {
            compare(password, dummy, memory);
            Verdict::Unreadable
        }
    }
}

/// The stored hash, and whether it is that of the password, compared in constant time; none, and no time
/// spent, where argon2 cannot make such a hash.
fn compare(
    password: &str,
    stored: &PasswordHash,
    memory: &mut Memory,
) -> Option<(phc::PasswordHash, bool)> {
    let hash = phc::PasswordHash::new(&stored.0).ok()?;
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash
        .version
        .map_or(Ok(Version::default()), Version::try_from);
    let argon2 = Argon2::new(algorithm, version.ok()?, Params::try_from(&hash).ok()?);
    let output = hash.hash.as_ref()?;
    let is_right = digest(&argon2, password, hash.salt.as_ref()?, memory)? == *output;
    Some((hash, is_right))
}

fn digest(argon2: &Argon2, password: &str, salt: &Salt, memory: &mut Memory) -> Option<Output> {
    let params = argon2.params();
    let missing = params.block_count().saturating_sub(memory.len());
    memory.try_reserve_exact(missing).ok()?;
    memory.resize(memory.len() + missing, Block::new());
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..length)?;
    let password = password.as_bytes();
    let hashed = argon2.hash_password_into_with_memory(password, salt, output, memory);
    hashed.ok().and_then(|()| Output::new(output).ok())
}

/// Whether a hash was made with less than today's parameters.
fn is_weak(hash: &phc::PasswordHash) -> bool {
    let Ok(params) = Params::try_from(hash) else {
        return true;
    };
    hash.algorithm.as_str() != "argon2id"
        || params.m_cost() < MEMORY_KIB
        || params.t_cost() < PASSES
}

/// Why a password is too easy to guess, where it is (ASVS 6.2.4, 6.2.11).
fn weakness(password: &str, about: &[String]) -> Option<&'static str> {
    let words: Vec<&str> = about
        .iter()
        .map(String::as_str)
        .chain(SERVICE_WORDS)
        .collect();
    let read: String = password.chars().take(ESTIMATED_CHARS).collect();
    let estimate = zxcvbn(&read, &words);
    (estimate.score() < Score::Two).then(|| {
        estimate
            .feedback()
            .and_then(|feedback| feedback.warning())
            .map_or("add another word or two", reason)
    })
}

fn reason(warning: Warning) -> &'static str {
    use Warning::*;
    match warning {
        StraightRowsOfKeysAreEasyToGuess | ShortKeyboardPatternsAreEasyToGuess => {
            "it follows the keys of a keyboard"
        }
        RepeatsLikeAaaAreEasyToGuess | RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "it repeats itself"
        }
        ThisIsATop10Password | ThisIsATop100Password | ThisIsACommonPassword => {
            "it is one of the most common passwords"
        }
        ThisIsSimilarToACommonlyUsedPassword => "it is close to a common password",
        SequencesLikeAbcAreEasyToGuess => "it is a simple sequence",
        RecentYearsAreEasyToGuess | DatesAreOftenEasyToGuess => "it is built on a date",
        AWordByItselfIsEasyToGuess => "it is little more than one word",
        NamesAndSurnamesByThemselvesAreEasyToGuess | CommonNamesAndSurnamesAreEasyToGuess => {
            "it is built on a name"
        }
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher;

    use super::*;

    #[test]
    fn length_is_counted_in_characters() {
        assert!(matches!(Password::chosen(""), Err(Error::PasswordRequired)));
        assert!(matches!(
            Password::chosen("7 chars"),
            Err(Error::PasswordTooShort)
        ));
        assert!(Password::chosen("🦆🦆🦆🦆🦆🦆🦆🦆").is_ok());
        assert!(Password::chosen(&"x".repeat(256)).is_ok());
        assert!(matches!(
            Password::chosen(&"x".repeat(257)),
            Err(Error::PasswordTooLong)
        ));
    }

    #[test]
    fn easy_passwords_are_refused_with_a_reason() {
        let about = [
            "ada".to_owned(),
            "ada@example.org".to_owned(),
            "Ada Lovelace".to_owned(),
        ];
        for easy in [
            "password",
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfgh",
            "ada@example.org",
            "Ada Lovelace",
            "fpm-registry",
            "fortranfortran",
            "aaaaaaaaaaaa",
            "letmein123",
        ] {
            assert!(weakness(easy, &about).is_some(), "{easy}");
        }
        for good in [
            "correct horse battery",
            "plum tractor",
            "Wk3$pq!z",
            "пароль-на-ночь",
        ] {
            assert_eq!(weakness(good, &about), None, "{good}");
        }
    }

    #[test]
    fn a_crafted_password_is_judged_quickly() {
        let started = std::time::Instant::now();
        let _ = weakness(&"password1!".repeat(25), &[]);
        assert!(started.elapsed().as_millis() < 1000);
    }

    #[tokio::test]
    async fn a_hash_is_an_argon2id_phc_string_with_its_own_salt() {
        let hasher = Hasher::new();
        let password = Password::chosen("correct horse battery").unwrap();
        let one = hasher.hash(password.clone(), vec![]).await.unwrap();
        let two = hasher.hash(password, vec![]).await.unwrap();
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(one, two);
    }

    #[test]
    fn the_memory_of_a_hash_is_used_again_soon_and_given_back_later() {
        let (queue, jobs) = bounded(1);
        let send_job = || {
            let job: Job = Box::new(|_| ());
            queue.send(job).unwrap();
        };
        let mut memory = vec![Block::new()];
        send_job();
        assert!(next_job(&jobs, &mut memory).is_some());
        assert_eq!(memory.len(), 1);
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(MEMORY_LIFE + Duration::from_millis(500));
                send_job();
            });
            assert!(next_job(&jobs, &mut memory).is_some());
        });
        assert_eq!(memory.capacity(), 0);
    }

    #[tokio::test]
    async fn the_whole_password_counts_and_normal_forms_are_one() {
        let hasher = Hasher::new();
        let long = format!("{}é", "x".repeat(255));
        let hash = hash_now(&Password::chosen(&long).unwrap().0, &mut Memory::new());
        let verdict = async |text: &str| {
            hasher
                .verify(Password::typed(text).unwrap(), Some(hash.clone()))
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
        let stored = PasswordHash(weak.hash_password(b"correct horse").unwrap().to_string());
        let typed = Password::typed("correct horse").unwrap();
        let Verdict::Right(Some(stronger)) =
            hasher.verify(typed.clone(), Some(stored)).await.unwrap()
        else {
            panic!("the weak hash was kept");
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
            let started = std::time::Instant::now();
            let verdict = hasher.verify(typed, stored).await.unwrap();
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
