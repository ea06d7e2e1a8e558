//! Limits on tries: the table of them, and how tries are counted (ASVS 6.3.1; NIST SP 800-63B-4, 3.2.2).
//!
//! Tries at an account are counted by the typed address, before anyone looks whether it has an account, so
//! that a refusal tells nothing. A try counts before its password is compared, and is taken back where the
//! password was right, so that many tries at once are no way past a limit.

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

use super::{
    Error,
    clock::{Clock, Timestamp},
    email::Email,
    store::{CountError, Store},
    token::Digest,
};

const QUARTER: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// Longer than anyone waits, and still a date every store can hold.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Failed logins to one account.
const LOGIN_OF_ACCOUNT: Limit = Limit::Slower {
    free: 10,
    first_wait: Duration::from_secs(30),
    longest_wait: QUARTER,
    most: 100,
    memory: YEAR,
};
/// Failed logins to an account from a device its owner has logged in with, while the account is closed to others.
const LOGIN_OF_DEVICE: Limit = Limit::Most {
    tries: 10,
    span: YEAR,
};
/// Failed logins from one network.
const LOGIN_OF_NETWORK: Limit = Limit::Most {
    tries: 100,
    span: QUARTER,
};
/// Reset links asked for one address.
const FORGOT_PASSWORD_OF_ADDRESS: Limit = Limit::Most {
    tries: 3,
    span: QUARTER,
};
/// Reset links asked for from one network.
const FORGOT_PASSWORD_OF_NETWORK: Limit = Limit::Most {
    tries: 20,
    span: HOUR,
};
/// Accounts asked for from one network.
const SIGNUP_OF_NETWORK: Limit = Limit::Most {
    tries: 20,
    span: HOUR,
};

/// How many tries are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So many tries in a span that begins with the first.
    Most {
        /// How many.
        tries: u32,
        /// In how long.
        span: Duration,
    },
    /// So many tries at any speed, then a wait after each that doubles.
    Slower {
        /// How many at any speed.
        free: u32,
        /// The wait after the last of them.
        first_wait: Duration,
        /// The longest wait.
        longest_wait: Duration,
        /// After this many there is no further try until the tries are forgotten.
        most: u32,
        /// How long after the last try they are forgotten, where there were less than `most`.
        memory: Duration,
    },
}

/// The tries counted under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub count: u32,
    /// When the next is allowed; [`Timestamp::PAST`] where it already is, also for a request that was stamped
    /// a moment before the one that was counted.
    pub open_at: Timestamp,
    /// When they are forgotten.
    pub expires_at: Timestamp,
}

impl Limit {
    /// The tries with one more at `now`; or when one more is allowed.
    pub fn count(self, tries: Option<Tries>, now: Timestamp) -> Result<Tries, Timestamp> {
        let live = tries.filter(|tries| tries.expires_at > now);
        if let Some(closed) = live.filter(|tries| tries.open_at > now) {
            return Err(closed.open_at);
        }
        let count = live.map_or(0, |tries| tries.count).saturating_add(1);
        Ok(match self {
            Self::Most { tries: most, span } => {
                let expires_at = live.map_or(now.plus(span), |tries| tries.expires_at);
                let open_at = if count < most {
                    Timestamp::PAST
                } else {
                    expires_at
                };
                Tries {
                    count,
                    open_at,
                    expires_at,
                }
            }
            Self::Slower { .. } => Tries {
                count,
                open_at: self.open_after(count, now),
                expires_at: now.plus(self.memory_after(count)),
            },
        })
    }

    /// When the next try is allowed after the `count`-th at `now`, in a limit that slows down.
    pub fn open_after(self, count: u32, now: Timestamp) -> Timestamp {
        match self.wait_after(count) {
            Duration::ZERO => Timestamp::PAST,
            wait => now.plus(wait),
        }
    }

    /// How long the next try has to wait after the `count`-th, in a limit that slows down.
    fn wait_after(self, count: u32) -> Duration {
        match self {
            Self::Slower { most, .. } if count >= most => FOR_EVER,
            Self::Slower {
                free,
                first_wait,
                longest_wait,
                ..
            } if count >= free => {
                let doubled = first_wait.saturating_mul(2_u32.saturating_pow(count - free));
                doubled.min(longest_wait)
            }
            _ => Duration::ZERO,
        }
    }

    /// How long after the `count`-th try they are remembered.
    pub fn memory_after(self, count: u32) -> Duration {
        match self {
            Self::Slower { most, .. } if count >= most => FOR_EVER,
            Self::Slower { memory, .. } => memory,
            Self::Most { span, .. } => span,
        }
    }
}

impl Tries {
    /// The tries with one less, and open; none where there is none left.
    pub fn take_back(self) -> Option<Self> {
        let count = self.count.checked_sub(1).filter(|count| *count > 0)?;
        Some(Self {
            count,
            open_at: Timestamp::PAST,
            ..self
        })
    }
}

/// What tries are counted under; holds no address in clear.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TryKey(String);

impl TryKey {
    fn of_address(what: &str, email: &Email) -> Self {
        let digest = Digest::of(email.as_str().as_bytes());
        Self(format!("{what}:{digest}"))
    }

    fn of_device(device: &Digest) -> Self {
        Self(format!("device:{device}"))
    }

    fn of_network(what: &str, network: Network) -> Self {
        Self(format!("{what}:{network}"))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for TryKey {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Where a request comes from, as far as one client is told from another: an IPv4 address, or the first 64
/// bits of an IPv6 address, which is what one customer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The network of a client's address.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
            }
        })
    }
}

impl Default for Network {
    fn default() -> Self {
        Self(Ipv4Addr::UNSPECIFIED.into())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// How long to wait before another try, in the words a client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(Duration);

impl Wait {
    fn until(open_at: Timestamp, now: Timestamp) -> Self {
        let millis = open_at.millis().saturating_sub(now.millis());
        Self(Duration::from_millis(millis.max(1).unsigned_abs()))
    }

    /// Whole seconds, rounded up. Where only a new password helps, how often it is worth asking.
    pub fn seconds(self) -> u64 {
        match self.is_for_ever() {
            true => QUARTER.as_secs(),
            false => self.0.as_millis().div_ceil(1000) as u64,
        }
    }

    fn is_for_ever(self) -> bool {
        self.0 > YEAR
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        match seconds.div_ceil(60) {
            _ if self.is_for_ever() => f.write_str("reset your password to log in"),
            _ if seconds == 1 => f.write_str("try again in a second"),
            _ if seconds <= 90 => write!(f, "try again in {seconds} seconds"),
            minutes if minutes <= 90 => write!(f, "try again in {minutes} minutes"),
            minutes if minutes <= 48 * 60 => {
                write!(f, "try again in {} hours", minutes.div_ceil(60))
            }
            minutes => write!(f, "try again in {} days", minutes.div_ceil(24 * 60)),
        }
    }
}

/// Counts tries, and refuses those past a limit.
pub struct Limits {
    store: Arc<dyn Store>,
    clock: Clock,
    lanes: Option<Lanes>,
}

/// A login that was let through to have its password compared. It counts as a failure until
/// [`Limits::succeeded`] or [`Limits::undecided`] says otherwise.
pub struct LoginTry(Option<Counted>);

struct Counted {
    network: TryKey,
    /// The account's key, or the device's; none where no account can have the address.
    own: Option<TryKey>,
    _lane: OwnedMutexGuard<()>,
}

impl LoginTry {
    fn new(network: TryKey, own: Option<TryKey>, lane: Option<OwnedMutexGuard<()>>) -> Self {
        Self(lane.map(|lane| Counted {
            network,
            own,
            _lane: lane,
        }))
    }
}

impl Limits {
    /// The limits in force, counted in `store`; or none, where `on` is false.
    pub fn new(store: Arc<dyn Store>, clock: Clock, on: bool) -> Self {
        Self {
            store,
            clock,
            lanes: on.then(Lanes::new),
        }
    }

    /// Lets a signup through.
    pub async fn signup(&self, network: Network) -> Result<(), Error> {
        let network = TryKey::of_network("signup", network);
        self.count(&[(&network, SIGNUP_OF_NETWORK)]).await
    }

    /// Lets a request for a reset link through.
    pub async fn forgot_password(&self, network: Network, email: &Email) -> Result<(), Error> {
        let address = TryKey::of_address("forgot-password", email);
        let network = TryKey::of_network("forgot-password", network);
        self.count(&[
            (&address, FORGOT_PASSWORD_OF_ADDRESS),
            (&network, FORGOT_PASSWORD_OF_NETWORK),
        ])
        .await
    }

    /// Lets a login through; `email` is none where what was typed is no address.
    pub async fn login(&self, network: Network, email: Option<&Email>) -> Result<LoginTry, Error> {
        let account = email.map(|email| TryKey::of_address(LOGIN, email));
        let from = TryKey::of_network(LOGIN, network);
        let tries = account.iter().map(|key| (key, LOGIN_OF_ACCOUNT));
        let tries: Vec<_> = tries.chain([(&from, LOGIN_OF_NETWORK)]).collect();
        let lane = self.enter(network, email).await?;
        self.count(&tries).await?;
        Ok(LoginTry::new(from, account, lane))
    }

    /// Lets someone ask whether a device is known, at the cost of a failed login, so that nobody can ask
    /// without end.
    pub async fn device(&self, network: Network) -> Result<(), Error> {
        let from = TryKey::of_network(LOGIN, network);
        self.count(&[(&from, LOGIN_OF_NETWORK)]).await
    }

    /// Lets a login through from a known device, for which [`Limits::device`] has counted.
    pub async fn login_from_device(
        &self,
        network: Network,
        email: &Email,
        device: &Digest,
    ) -> Result<LoginTry, Error> {
        let device = TryKey::of_device(device);
        let lane = self.enter(network, Some(email)).await?;
        self.count(&[(&device, LOGIN_OF_DEVICE)]).await?;
        let from = TryKey::of_network(LOGIN, network);
        Ok(LoginTry::new(from, Some(device), lane))
    }

    /// The password was right: the failures of the account and of the device it came from are forgotten,
    /// and the network has none more.
    pub async fn succeeded(&self, login: &mut LoginTry, email: &Email, device: Option<&Digest>) {
        if let Some(counted) = login.0.take() {
            let account = TryKey::of_address(LOGIN, email);
            let device = device.map(TryKey::of_device);
            let forgotten: Vec<&TryKey> = device.iter().chain([&account]).collect();
            self.settle(&forgotten, &[&counted.network]).await;
        }
    }

    /// The password was wrong: waits until the try survives a crash, so that nobody who is told of a failure gets
    /// the try back.
    pub async fn failed(&self, login: &LoginTry) -> Result<(), Error> {
        match login.0 {
            Some(_) => Ok(self.store.keep_tries().await?),
            None => Ok(()),
        }
    }

    /// The password was not compared, so that there was no failure.
    pub async fn undecided(&self, login: &mut LoginTry) {
        if let Some(counted) = login.0.take() {
            let taken_back: Vec<&TryKey> = counted.own.iter().chain([&counted.network]).collect();
            self.settle(&[], &taken_back).await;
        }
    }

    /// Opens an account that failed logins have closed, since its owner has shown a reset link.
    pub async fn reopen(&self, email: &Email) -> Result<(), Error> {
        let account = TryKey::of_address(LOGIN, email);
        Ok(self.store.settle_tries(&[&account], &[]).await?)
    }

    /// Waits for the lane of this client and account; none where nothing is limited.
    async fn enter(
        &self,
        network: Network,
        email: Option<&Email>,
    ) -> Result<Option<OwnedMutexGuard<()>>, Error> {
        match &self.lanes {
            Some(lanes) => lanes.enter(&(network, email)).await.map(Some),
            None => Ok(None),
        }
    }

    async fn count(&self, tries: &[(&TryKey, Limit)]) -> Result<(), Error> {
        if self.lanes.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        match self.store.count_tries(tries, now).await {
            Ok(()) => Ok(()),
            Err(CountError::Closed(open_at)) => Err(Error::TooManyTries(Wait::until(open_at, now))),
            Err(CountError::Store(error)) => Err(error.into()),
        }
    }

    /// Where this fails, a try stays counted that should not be: better than a login that fails for it.
    async fn settle(&self, forgotten: &[&TryKey], taken_back: &[&TryKey]) {
        if let Err(error) = self.store.settle_tries(forgotten, taken_back).await {
            tracing::warn!(%error, "a login stays counted as a failure");
        }
    }
}

/// What failed logins are counted under, beside an address or a network.
const LOGIN: &str = "login";

/// How long a login waits for others of the same client to the same account.
const LANE_PATIENCE: Duration = Duration::from_secs(2);
/// Enough that two clients seldom share one.
const LANES: usize = 1024;

/// Logins from one network to one account pass one after the other in this process, so that right ones at
/// once are not taken for failures. Hardly anyone waits for a stranger.
struct Lanes {
    places: Vec<Arc<Mutex<()>>>,
    hasher: RandomState,
}

impl Lanes {
    fn new() -> Self {
        Self {
            places: (0..LANES).map(|_| Arc::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    async fn enter(&self, whose: &impl Hash) -> Result<OwnedMutexGuard<()>, Error> {
        let place = self.hasher.hash_one(whose) as usize % LANES;
        let entrance = self.places[place].clone().lock_owned();
        timeout(LANE_PATIENCE, entrance)
            .await
            .map_err(|_| Error::Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_millis(n * 1000)
    }

    #[test]
    fn an_account_is_closed_for_longer_and_longer_and_in_the_end_for_good() {
        let waits: Vec<u64> = [1, 9, 10, 11, 12, 13, 14, 15, 99]
            .map(|count| LOGIN_OF_ACCOUNT.wait_after(count).as_secs())
            .to_vec();
        assert_eq!(waits, [0, 0, 30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(LOGIN_OF_ACCOUNT.wait_after(100), FOR_EVER);

        let mut tries = None;
        let mut now = second(0);
        for count in 1..=100 {
            let counted = LOGIN_OF_ACCOUNT.count(tries, now).unwrap();
            assert_eq!(counted.count, count);
            now = now.max(counted.open_at);
            tries = Some(counted);
        }
        let years_later = second(0).plus(YEAR).plus(YEAR);
        assert!(LOGIN_OF_ACCOUNT.count(tries, years_later).is_err());
    }

    #[test]
    fn a_refused_try_changes_nothing() {
        let limit = Limit::Most {
            tries: 1,
            span: Duration::from_secs(60),
        };
        let tries = limit.count(None, second(0)).unwrap();
        assert_eq!(limit.count(Some(tries), second(1)), Err(second(60)));
        assert_eq!(limit.count(Some(tries), second(59)), Err(second(60)));
        let anew = limit.count(Some(tries), second(60)).unwrap();
        assert_eq!((anew.count, anew.expires_at), (1, second(120)));
    }

    #[test]
    fn an_open_limit_is_open_to_a_try_of_an_earlier_moment() {
        let most = Limit::Most {
            tries: 3,
            span: Duration::from_secs(60),
        };
        for limit in [most, LOGIN_OF_ACCOUNT] {
            let later = limit.count(None, second(5)).unwrap();
            let earlier = limit.count(Some(later), second(4)).unwrap();
            assert_eq!(earlier.count, 2);
            let taken_back = earlier.take_back().unwrap();
            assert!(limit.count(Some(taken_back), second(3)).is_ok());
        }
    }

    #[test]
    fn an_ipv6_network_is_64_bits_and_a_mapped_address_is_ipv4() {
        for (address, network) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(Network::of(address.parse().unwrap()).to_string(), network);
        }
    }

    #[test]
    fn a_wait_is_said_in_words() {
        for (millis, words) in [
            (1, "try again in a second"),
            (1001, "try again in 2 seconds"),
            (30_000, "try again in 30 seconds"),
            (91_000, "try again in 2 minutes"),
            (900_000, "try again in 15 minutes"),
            (7_200_000, "try again in 2 hours"),
            (30_000_000_000, "try again in 348 days"),
        ] {
            let wait = Wait::until(Timestamp::from_millis(millis), second(0));
            assert_eq!(wait.to_string(), words);
        }
        let never = Wait::until(second(0).plus(FOR_EVER), second(0));
        assert_eq!(never.to_string(), "reset your password to log in");
    }

    #[test]
    fn a_key_holds_no_address() {
        let key = TryKey::of_address(LOGIN, &Email::parse("ada@example.org").unwrap());
        assert!(key.as_str().starts_with("login:"));
        assert!(!key.as_str().contains("ada"));
    }
}
