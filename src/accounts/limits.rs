//! Counts attempts and enforces the rate limits (ASVS 6.1.1, 6.3.1; NIST SP 800-63B-4, 3.2.2).
//!
//! Attempts at an account are counted by the typed address, before it is looked up, so that a refusal does not tell
//! whether there is an account. An attempt is counted before its password is compared, and taken back if the password
//! was right, so that many attempts at once cannot pass a limit. A successful login does not reset the failures of
//! strangers, or they could tell from the count that the owner has logged in; only time or a reset link does.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    attempt_keys::{
        self, Attempt, DEVICE, FAILED, LOGIN, LOGIN_ROW, MAIL, PASSKEY, RESET, SIGNUP,
        UPLOAD_TOKEN, day, login_keys, mails_to, of_account, of_network,
    },
    attempts::{AttemptKey, Attempts, Limit},
    audit::AuditEvent,
    clock::Clock,
    email::Email,
    error::Error,
    keyed_lock::{Guard, KeyedLock},
    limit_table::{
        CHALLENGES_OF_NETWORK, CHALLENGES_OF_SESSION, FAILED_IN_A_DAY, IN_A_ROW, LOGIN_OF_DEVICE,
        LOGIN_OF_NETWORK, MAIL_OF_NETWORK, RESET_OF_LINK, RESET_OF_NETWORK, SIGNUP_OF_NETWORK,
        UNKNOWN_TOKEN_OF_NETWORK,
    },
    metrics::Metrics,
    network::Network,
    store::Store,
    token::Digest,
    user::User,
    wait::Wait,
};

/// How long a login waits for other logins from its network to the same account: long enough for as many as the hasher's
/// queue holds, even on a busy machine. More do not wait, since each has a place there.
const LOGIN_LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a refusal is delayed.
const REFUSAL_DELAY: Duration = Duration::from_millis(10);
/// How long a refusal waits at most for earlier refusals of its network.
const MAX_REFUSAL_WAIT: Duration = Duration::from_secs(1);

/// Counts attempts, and refuses those over a limit.
pub struct Limits {
    store: Arc<dyn Store>,
    clock: Clock,
    is_on: bool,
    /// Logins from one network to one account run one after the other in this process, so that many successful ones
    /// at once are not refused as failures.
    logins: KeyedLock,
    /// The refusals of a network are sent one after the other.
    refusals: KeyedLock,
    metrics: Metrics,
}

/// A login attempt within the limits. It counts as a failure until [`Limits::succeeded`] or [`Limits::aborted`] is
/// called.
pub struct LoginAttempt(Option<Counted>);

struct Counted {
    keys: Vec<AttemptKey>,
    /// Whether this is the last attempt that the account allows from unknown devices.
    is_last: bool,
    lock: Guard,
}

impl Limits {
    /// The limits, counted in `store`. Nothing is limited if `on` is false.
    pub fn new(store: Arc<dyn Store>, clock: Clock, on: bool, metrics: Metrics) -> Self {
        Self {
            store,
            clock,
            is_on: on,
            logins: KeyedLock::default(),
            refusals: KeyedLock::default(),
            metrics,
        }
    }

    /// Counts a signup.
    pub async fn signup(&self, network: Network) -> Result<(), Error> {
        let from = (network, SIGNUP, SIGNUP_OF_NETWORK);
        self.count(Vec::new(), from).await.map(drop)
    }

    /// Whether a mail may go to an address that nobody asked for as such, and counts it.
    pub async fn has_mail(&self, email: &Email) -> Result<bool, Error> {
        match self.count_each(mails_to(email), Vec::new(), None).await {
            Ok(_) => Ok(true),
            Err(Error::TooManyAttempts(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Counts a request for a mail.
    pub async fn mail(&self, network: Network, email: &Email) -> Result<(), Error> {
        let from = (network, MAIL, MAIL_OF_NETWORK);
        self.count(mails_to(email), from).await.map(drop)
    }

    /// Counts a new password that is tried at a live reset link, or in an account. The keys are for
    /// [`Limits::take_back`].
    pub async fn new_password(
        &self,
        network: Network,
        place: &Digest,
    ) -> Result<Vec<AttemptKey>, Error> {
        let at_place = vec![(AttemptKey::of_token(RESET, place), RESET_OF_LINK)];
        let from = (network, RESET, RESET_OF_NETWORK);
        Ok(keys(&self.count(at_place, from).await?))
    }

    /// Counts a challenge that a passkey is to answer: against the limit of its network, or of the session or pending login
    /// that asks for it, which neighbours of the same network must not keep out.
    pub async fn challenge(
        &self,
        network: Network,
        asked_by: Option<&Digest>,
    ) -> Result<(), Error> {
        let Some(asked_by) = asked_by else {
            let from = (network, PASSKEY, CHALLENGES_OF_NETWORK);
            return self.count(Vec::new(), from).await.map(drop);
        };
        let own = vec![(
            AttemptKey::of_token(PASSKEY, asked_by),
            CHALLENGES_OF_SESSION,
        )];
        self.count_each(own, Vec::new(), None).await.map(drop)
    }

    /// Counts an upload token that nobody has.
    pub async fn unknown_token(&self, network: Network) -> Result<(), Error> {
        let from = (network, UPLOAD_TOKEN, UNKNOWN_TOKEN_OF_NETWORK);
        self.count(Vec::new(), from).await.map(drop)
    }

    /// Counts a login from a device that the account does not know. `email` is none if the typed text is not an
    /// address.
    pub async fn login(
        &self,
        network: Network,
        email: Option<&Email>,
    ) -> Result<LoginAttempt, Error> {
        let Some(lock) = self.lock_login(network, email).await? else {
            return Ok(LoginAttempt(None));
        };
        let of_account = email.map(of_account).into_iter().flatten().collect();
        let from = (network, LOGIN, LOGIN_OF_NETWORK);
        let counted = self.count(of_account, from).await;
        let counted = counted.inspect_err(|error| refuse_waiting(&lock, error))?;
        let is_last = |(key, attempts): &(AttemptKey, Attempts)| {
            key.is_of(LOGIN_ROW) && attempts.count == IN_A_ROW
        };
        Ok(LoginAttempt(Some(Counted {
            is_last: counted.iter().any(is_last),
            keys: keys(&counted),
            lock,
        })))
    }

    /// Counts a login from a device that the account knows, against the limit of the device alone: failures of
    /// strangers and of its network do not matter. None if the device has used up its own attempts.
    pub async fn login_from_device(
        &self,
        network: Network,
        email: &Email,
        device: &Digest,
    ) -> Result<Option<LoginAttempt>, Error> {
        let Some(lock) = self.lock_login(network, Some(email)).await? else {
            return Ok(Some(LoginAttempt(None)));
        };
        let own = (AttemptKey::of_token(DEVICE, device), LOGIN_OF_DEVICE);
        match self.count_each(vec![own], Vec::new(), None).await {
            Ok(counted) => Ok(Some(LoginAttempt(Some(Counted {
                is_last: false,
                keys: keys(&counted),
                lock,
            })))),
            Err(Error::TooManyAttempts(_)) => Ok(None),
            Err(error) => {
                refuse_waiting(&lock, &error);
                Err(error)
            }
        }
    }

    /// The password was right: takes the attempt back, and forgets the failures of the `known` device it came from.
    pub async fn succeeded(&self, login: &mut LoginAttempt, known: Option<&Digest>) {
        if let Some(counted) = login.0.take() {
            let known = known.map(|device| AttemptKey::of_token(DEVICE, device));
            let forgotten: Vec<AttemptKey> = known.into_iter().collect();
            let mut taken_back = counted.keys;
            taken_back.retain(|key| !forgotten.contains(key));
            let settled = self.settle(&forgotten, &taken_back).await;
            let _ = settled.inspect_err(|error| refuse_waiting(&counted.lock, error));
        }
    }

    /// The password was wrong: waits until the count survives a crash, so that nobody gets attempts back by crashing
    /// the server. Whether it was the last attempt that the account allows from unknown devices. The history of the
    /// address's owner counts it too.
    pub async fn failed(&self, login: &LoginAttempt, email: Option<&Email>) -> Result<bool, Error> {
        let Some(counted) = &login.0 else {
            return Ok(false);
        };
        let recorded = self.record_failed(email).await;
        recorded.inspect_err(|error| refuse_waiting(&counted.lock, error))?;
        Ok(counted.is_last)
    }

    async fn record_failed(&self, email: Option<&Email>) -> Result<(), Error> {
        if let Some(email) = email {
            let now = self.clock.now();
            let failed = AttemptKey::of_day(FAILED, email, day(now));
            let failed = [(failed, FAILED_IN_A_DAY)];
            drop(self.store.count_attempts(&failed, now).await?);
        }
        Ok(self.store.flush_attempts().await?)
    }

    /// How many logins failed at this address today and in the six days before.
    pub async fn failed_logins(&self, email: &Email) -> Result<u64, Error> {
        let now = self.clock.now();
        let days = (day(now) - 6)..=day(now);
        let keys: Vec<_> = days
            .map(|day| AttemptKey::of_day(FAILED, email, day))
            .collect();
        Ok(self.store.attempts(&keys, now).await?)
    }

    /// The password was not compared, because of `error`: takes the attempt back.
    pub async fn aborted(&self, login: &mut LoginAttempt, error: &Error) {
        if let Some(counted) = login.0.take() {
            refuse_waiting(&counted.lock, error);
            self.take_back(&counted.keys).await;
        }
    }

    /// Uncounts attempts that were not carried out.
    pub async fn take_back(&self, keys: &[AttemptKey]) {
        let _ = self.settle(&[], keys).await;
    }

    /// Forgets the failed logins to an account, because its owner has used a reset link or has just signed up.
    pub async fn reopen(&self, email: &Email) -> Result<(), Error> {
        let keys = login_keys(email);
        Ok(self.store.settle_attempts(&keys, &[]).await?)
    }

    /// Forgets the failed logins to an account from anywhere, its known devices too.
    pub async fn unlock(&self, user: &User) -> Result<(), Error> {
        let of_devices = user.devices.iter();
        let of_devices = of_devices.map(|device| AttemptKey::of_token(DEVICE, &device.digest));
        let keys: Vec<_> = login_keys(&user.email)
            .into_iter()
            .chain(of_devices)
            .collect();
        Ok(self.store.settle_attempts(&keys, &[]).await?)
    }

    /// Waits for the lock of logins from this network to this account. None if limits are off.
    async fn lock_login(
        &self,
        network: Network,
        email: Option<&Email>,
    ) -> Result<Option<Guard>, Error> {
        if !self.is_on {
            return Ok(None);
        }
        let at = (network, email);
        self.logins.lock(&at, LOGIN_LOCK_TIMEOUT).await.map(Some)
    }

    /// Delays a refusal behind earlier ones of the same network, so that a client that retries at once costs little.
    pub async fn delay_refusal(&self, network: Network) {
        let [widest, ..] = network.levels();
        if let Ok(_lock) = self.refusals.lock(&widest, MAX_REFUSAL_WAIT).await {
            sleep(REFUSAL_DELAY).await;
        }
    }

    /// Counts an attempt under its `own` keys and those of its network.
    async fn count(
        &self,
        own: Vec<Attempt>,
        (network, what, limit): (Network, &'static str, Limit),
    ) -> Result<Vec<(AttemptKey, Attempts)>, Error> {
        let of_network = of_network(what, network, limit);
        self.count_each(own, of_network, Some(network)).await
    }

    /// Counts an attempt under its `own` keys and those of a network.
    ///
    /// If its own limit refuses it, it still counts for the network, so that polling a closed account is not free. If
    /// the network's limit refuses it, it counts nowhere.
    async fn count_each(
        &self,
        own: Vec<Attempt>,
        network: Vec<Attempt>,
        client: Option<Network>,
    ) -> Result<Vec<(AttemptKey, Attempts)>, Error> {
        if !self.is_on {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let owned = own.len();
        let attempts = [own, network].concat();
        let verdicts = self.store.count_attempts(&attempts, now).await?;
        let is_network_closed = verdicts.iter().skip(owned).any(Result::is_err);
        let closed = attempts.iter().zip(&verdicts);
        let closed = closed.filter_map(|((key, _), verdict)| Some((verdict.err()?, key)));
        let closed = closed.max_by_key(|(open_at, _)| *open_at);
        if let Some((_, key)) = closed {
            self.record_refusal(key, client);
        }
        let closed_until = closed.map(|(open_at, _)| open_at);
        let counted = attempts.into_iter().zip(verdicts).enumerate();
        let counted = counted.filter_map(|(position, ((key, _), verdict))| {
            let is_refused = position < owned || is_network_closed;
            Some((is_refused, (key, verdict.ok()?)))
        });
        let Some(open_at) = closed_until else {
            return Ok(counted.map(|(_, counted)| counted).collect());
        };
        let refused = counted.filter(|(is_refused, _)| *is_refused);
        let refused: Vec<AttemptKey> = refused.map(|(_, (key, _))| key).collect();
        if !refused.is_empty() {
            self.take_back(&refused).await;
        }
        Err(Error::TooManyAttempts(Wait::until(open_at, now)))
    }

    /// Counts a refusal by the limit that lasts longest, and logs it if there is a client to name.
    fn record_refusal(&self, key: &AttemptKey, client: Option<Network>) {
        if let Some(what) = attempt_keys::kind(key) {
            let refusals = &self.metrics.rate_limit_refusals;
            refusals.get_or_create(&[("limit", what)]).inc();
            if client.is_some() {
                let refused = AuditEvent::RateLimited(what);
                self.metrics.audit.record(refused, None, client);
            }
        }
    }

    /// A failure is logged, and fails nothing: an attempt that stays counted is better than a login that fails.
    async fn settle(
        &self,
        forgotten: &[AttemptKey],
        taken_back: &[AttemptKey],
    ) -> Result<(), Error> {
        let settled = self.store.settle_attempts(forgotten, taken_back).await;
        let settled = settled.inspect_err(|error| {
            tracing::warn!(%error, "cannot take back an attempt, it stays counted");
        });
        Ok(settled?)
    }
}

/// A store that is out of reach of one login is so for those that wait for it: else each would wait for the store in turn.
fn refuse_waiting(lock: &Guard, error: &Error) {
    if let Error::Unavailable(_) = error {
        lock.close();
    }
}

fn keys(counted: &[(AttemptKey, Attempts)]) -> Vec<AttemptKey> {
    counted.iter().map(|(key, _)| key.clone()).collect()
}
