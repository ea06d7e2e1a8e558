//! The limits on attempts, and the counting of them (ASVS 6.1.1, 6.3.1; NIST SP 800-63B-4, 3.2.2).
//!
//! Attempts at an account are counted by the typed address, before anyone looks whether it has an account, so
//! that a refusal tells nothing. An attempt counts before its password is compared, and is taken back if the
//! password was right, so that many at once are no way past a limit. Nothing else makes the failures of strangers
//! less but time and a reset link: who fails and comes back learns nothing of what the owner did meanwhile.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    attempts::{AttemptKey, Attempts, Limit},
    clock::Clock,
    email::Email,
    error::Error,
    limit_table::{
        IN_A_ROW, LOGIN_IN_A_ROW, LOGIN_OF_ACCOUNT, LOGIN_OF_DEVICE, LOGIN_OF_NETWORK,
        MAIL_IN_A_DAY, MAIL_OF_ADDRESS, MAIL_OF_NETWORK, RESET_OF_LINK, RESET_OF_NETWORK,
        SIGNUP_OF_NETWORK,
    },
    network::Network,
    store::Store,
    striped_lock::{Guard, StripedLock},
    token::Digest,
    wait::Wait,
};

/// How long a login waits for others of its network to the same account.
const LONGEST_TURN: Duration = Duration::from_secs(2);
/// How long a refusal is held up, and how long it waits at most for those before it.
const HOLD_UP: Duration = Duration::from_millis(10);
const LONGEST_HOLD_UP: Duration = Duration::from_secs(1);

/// Counts attempts, and refuses those past a limit.
pub struct Limits {
    store: Arc<dyn Store>,
    clock: Clock,
    is_on: bool,
    /// Logins from one network to one account pass one after the other in this process, so that right ones at
    /// once are not taken for failures.
    logins: StripedLock,
    /// The refusals of a network go out one after the other.
    refusals: StripedLock,
}

/// A login that was let through to have its password compared. It counts as a failure until
/// [`Limits::succeeded`] or [`Limits::undecided`] says otherwise.
pub struct LoginAttempt(Option<Counted>);

struct Counted {
    keys: Vec<AttemptKey>,
    /// Whether a failure is the last that the account allows strangers.
    is_last: bool,
    _turn: Guard,
}

/// An attempt under one key and its limit.
type Attempt = (AttemptKey, Limit);

impl Limits {
    /// The limits in force, counted in `store`; or none, if `on` is false.
    pub fn new(store: Arc<dyn Store>, clock: Clock, on: bool) -> Self {
        Self {
            store,
            clock,
            is_on: on,
            logins: StripedLock::new(),
            refusals: StripedLock::new(),
        }
    }

    /// Lets a signup through.
    pub async fn signup(&self, network: Network) -> Result<(), Error> {
        let from = (network, SIGNUP, SIGNUP_OF_NETWORK);
        self.count(Vec::new(), from).await.map(drop)
    }

    /// Lets a request for a mail through.
    pub async fn mail(&self, network: Network, email: &Email) -> Result<(), Error> {
        let of_address = vec![
            (AttemptKey::of_address(MAIL, email), MAIL_OF_ADDRESS),
            (AttemptKey::of_address(MAIL_DAY, email), MAIL_IN_A_DAY),
        ];
        let from = (network, MAIL, MAIL_OF_NETWORK);
        self.count(of_address, from).await.map(drop)
    }

    /// Lets a new password be tried at a live reset link; the keys are for [`Limits::take_back`].
    pub async fn new_password(
        &self,
        network: Network,
        link: &Digest,
    ) -> Result<Vec<AttemptKey>, Error> {
        let of_link = vec![(AttemptKey::of_token(RESET, link), RESET_OF_LINK)];
        let from = (network, RESET, RESET_OF_NETWORK);
        Ok(keys(&self.count(of_link, from).await?))
    }

    /// Lets a login through from a device the account does not know; `email` is none if what was typed is no
    /// address.
    pub async fn login(
        &self,
        network: Network,
        email: Option<&Email>,
    ) -> Result<LoginAttempt, Error> {
        let Some(turn) = self.turn(network, email).await? else {
            return Ok(LoginAttempt(None));
        };
        let of_account = email.map(of_account).into_iter().flatten().collect();
        let from = (network, LOGIN, LOGIN_OF_NETWORK);
        let counted = self.count(of_account, from).await?;
        let is_last = |(key, attempts): &(AttemptKey, Attempts)| {
            key.is_of(LOGIN_ROW) && attempts.count == IN_A_ROW
        };
        Ok(LoginAttempt(Some(Counted {
            is_last: counted.iter().any(is_last),
            keys: keys(&counted),
            _turn: turn,
        })))
    }

    /// Lets a login through from a device the account knows, whatever strangers and neighbours have done; none if
    /// it has used up its own attempts.
    pub async fn login_from_device(
        &self,
        network: Network,
        email: &Email,
        device: &Digest,
    ) -> Result<Option<LoginAttempt>, Error> {
        let Some(turn) = self.turn(network, Some(email)).await? else {
            return Ok(Some(LoginAttempt(None)));
        };
        let own = (AttemptKey::of_token(DEVICE, device), LOGIN_OF_DEVICE);
        match self.count_each(vec![own], Vec::new()).await {
            Ok(counted) => Ok(Some(LoginAttempt(Some(Counted {
                is_last: false,
                keys: keys(&counted),
                _turn: turn,
            })))),
            Err(Error::TooManyAttempts(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The password was right: the attempt is no failure, and the `known` device it came from has none more. What
    /// strangers did stays counted.
    pub async fn succeeded(&self, login: &mut LoginAttempt, known: Option<&Digest>) {
        if let Some(counted) = login.0.take() {
            let known = known.map(|device| AttemptKey::of_token(DEVICE, device));
            let forgotten: Vec<AttemptKey> = known.into_iter().collect();
            let mut taken_back = counted.keys;
            taken_back.retain(|key| !forgotten.contains(key));
            self.settle(&forgotten, &taken_back).await;
        }
    }

    /// The password was wrong: waits until the attempt survives a crash, so that nobody who is told of a failure
    /// gets the attempt back. Whether it was the last that the account allows strangers.
    pub async fn failed(&self, login: &LoginAttempt) -> Result<bool, Error> {
        match &login.0 {
            Some(counted) => {
                self.store.keep_attempts().await?;
                Ok(counted.is_last)
            }
            None => Ok(false),
        }
    }

    /// The password was not compared, so that there was no failure.
    pub async fn undecided(&self, login: &mut LoginAttempt) {
        if let Some(counted) = login.0.take() {
            self.take_back(&counted.keys).await;
        }
    }

    /// Makes attempts that came to nothing uncounted.
    pub async fn take_back(&self, keys: &[AttemptKey]) {
        self.settle(&[], keys).await;
    }

    /// Opens an account that failed logins have closed, since its owner has shown a reset link, or has just
    /// made it.
    pub async fn reopen(&self, email: &Email) -> Result<(), Error> {
        let keys = of_account(email).map(|(key, _)| key);
        Ok(self.store.settle_attempts(&keys, &[]).await?)
    }

    /// Waits for the turn of this network at this account; none if nothing is limited.
    async fn turn(&self, network: Network, email: Option<&Email>) -> Result<Option<Guard>, Error> {
        if !self.is_on {
            return Ok(None);
        }
        let at = (network, email);
        self.logins.lock(&at, LONGEST_TURN).await.map(Some)
    }

    /// Holds up a refusal behind others of the same network.
    async fn hold_up(&self, network: Network) {
        let [widest, ..] = network.levels();
        if let Ok(_turn) = self.refusals.lock(&widest, LONGEST_HOLD_UP).await {
            sleep(HOLD_UP).await;
        }
    }

    /// Counts an attempt under its `own` keys and those of the network it comes from. The refusals of a network come
    /// slowly, so that a client that sends the next attempt at once costs little.
    async fn count(
        &self,
        own: Vec<Attempt>,
        (network, what, limit): (Network, &str, Limit),
    ) -> Result<Vec<(AttemptKey, Attempts)>, Error> {
        let counted = self.count_each(own, of_network(what, network, limit)).await;
        if let Err(Error::TooManyAttempts(_)) = &counted {
            self.hold_up(network).await;
        }
        counted
    }

    /// Counts an attempt under its `own` keys and those of a network.
    ///
    /// Refused under its own, it still counts for the network, so that nobody can wait for an account to open at no
    /// cost. Refused for its network, it counts nowhere: neither for an account, nor for the neighbours.
    async fn count_each(
        &self,
        own: Vec<Attempt>,
        network: Vec<Attempt>,
    ) -> Result<Vec<(AttemptKey, Attempts)>, Error> {
        if !self.is_on {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let owned = own.len();
        let attempts = [own, network].concat();
        let verdicts = self.store.count_attempts(&attempts, now).await?;
        let is_network_closed = verdicts.iter().skip(owned).any(Result::is_err);
        let closed_until = verdicts.iter().filter_map(|verdict| verdict.err()).max();
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

    /// If this fails, an attempt stays counted that should not be: better than a login that fails for it.
    async fn settle(&self, forgotten: &[AttemptKey], taken_back: &[AttemptKey]) {
        if let Err(error) = self.store.settle_attempts(forgotten, taken_back).await {
            tracing::warn!(%error, "an attempt stays counted as a failure");
        }
    }
}

/// What attempts are counted under, beside an address, a token or a network.
const LOGIN: &str = "login";
const LOGIN_ROW: &str = "login-in-a-row";
const DEVICE: &str = "device";
const MAIL: &str = "mail";
const MAIL_DAY: &str = "mail-in-a-day";
const SIGNUP: &str = "signup";
const RESET: &str = "reset-password";

fn of_account(email: &Email) -> [Attempt; 2] {
    [
        (AttemptKey::of_address(LOGIN, email), LOGIN_OF_ACCOUNT),
        (AttemptKey::of_address(LOGIN_ROW, email), LOGIN_IN_A_ROW),
    ]
}

/// The attempts of a network and of the wider ones around it.
fn of_network(what: &str, network: Network, limit: Limit) -> Vec<Attempt> {
    let sizes = network.sizes().into_iter();
    sizes
        .map(|(network, size)| (AttemptKey::of_network(what, network), limit.times(size)))
        .collect()
}

fn keys(counted: &[(AttemptKey, Attempts)]) -> Vec<AttemptKey> {
    counted.iter().map(|(key, _)| key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_networks_have_wider_limits_and_an_ipv4_address_has_one() {
        let of = |address: &str| -> Vec<(String, Limit)> {
            let network = Network::of(address.parse().unwrap());
            let attempts = of_network(LOGIN, network, LOGIN_OF_NETWORK).into_iter();
            attempts
                .map(|(key, limit)| (key.as_str().to_owned(), limit))
                .collect()
        };
        let hundreds = |n| LOGIN_OF_NETWORK.times(n);
        assert_eq!(
            of("192.0.2.1"),
            [("login:192.0.2.1".to_owned(), hundreds(1))]
        );
        assert_eq!(
            of("2001:db8:1:234::5"),
            [
                ("login:2001:db8:1::/48".to_owned(), hundreds(4)),
                ("login:2001:db8:1:200::/56".to_owned(), hundreds(2)),
                ("login:2001:db8:1:234::/64".to_owned(), hundreds(1)),
            ]
        );
    }
}
