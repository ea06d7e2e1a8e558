//! Logging in.

use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::{
    Accounts, Caller, LoggedIn,
    audit::{AuditEvent, LoginFailure},
    email::Email,
    error::{Error, StoreError},
    fair_queue::{Priority, Requester},
    hasher::Place,
    id::UserId,
    limits::LoginAttempt,
    mail::MailKind,
    password::{Password, Verdict},
    store::Key,
    token::{Digest, Token},
    user::User,
};

/// How often a login is retried because the user's password changed meanwhile.
const LOGIN_ROUNDS: usize = 3;

impl Accounts {
    /// Logs a user in. The session that the caller had ends.
    pub async fn login(
        &self,
        caller: &Caller,
        email: &str,
        password: &str,
    ) -> Result<LoggedIn, Error> {
        let answer = self.attempt_login(caller, email, password).await;
        if let Err(Error::WrongLogin | Error::TooManyAttempts(_)) = &answer {
            random_delay().await;
        }
        answer
    }

    async fn attempt_login(
        &self,
        caller: &Caller,
        email: &str,
        password: &str,
    ) -> Result<LoggedIn, Error> {
        // Text that is not an address is treated like an unknown address.
        let email = match Email::parse(email) {
            Err(Error::EmailRequired) => return Err(Error::EmailRequired),
            parsed => parsed.ok(),
        };
        let password = Password::typed(password)?;
        let mut login = self.admit(caller, email).await?;
        let logged_in = self.complete_login(caller, &mut login, password).await;
        match &logged_in {
            Err(error @ (Error::Busy | Error::Unavailable(_))) => {
                self.limits.aborted(&mut login.attempt, error).await;
            }
            Err(_) => {
                let (email, user) = (login.email.as_ref(), login.user.as_ref());
                self.record_failure(caller, &login.attempt, email, user)
                    .await?;
            }
            Ok(_) => {}
        }
        logged_in
    }

    /// The user at this address and the device of the caller, if the user knows it.
    async fn known_device(
        &self,
        caller: &Caller,
        email: Option<&Email>,
    ) -> Result<Option<(User, Digest)>, Error> {
        let (Some(email), Some(device)) = (email, &caller.device) else {
            return Ok(None);
        };
        // A place is not reserved before it is clear that the device is known: it would be at the cost of others.
        let claimed = caller.requester(Priority::High);
        self.hasher.require_room(claimed).await?;
        let device = device.digest();
        let owner = self.users.find(Key::Device(email, &device)).await?;
        let now = self.clock.now();
        let user = owner.filter(|user| user.knows(&device, now));
        Ok(user.map(|user| (user, device)))
    }

    /// Reserves a place for the hash. Then counts the login against the limit of its device if the account knows it and
    /// it has attempts left, else against those of the account and the network.
    async fn admit(&self, caller: &Caller, email: Option<Email>) -> Result<AdmittedLogin, Error> {
        let known = self.known_device(caller, email.as_ref()).await?;
        let requester = caller.requester(match known {
            Some(_) => Priority::High,
            None => Priority::Normal,
        });
        let place = self.hasher.reserve(requester).await?;
        let from_device = match (&email, &known) {
            (Some(email), Some((_, device))) => {
                let limits = &self.limits;
                limits
                    .login_from_device(caller.network, email, device)
                    .await?
            }
            _ => None,
        };
        let attempt = match from_device {
            Some(attempt) => attempt,
            None => self.limits.login(caller.network, email.as_ref()).await?,
        };
        Ok(AdmittedLogin {
            email,
            user: None,
            found: known.map(|(user, _)| user),
            requester,
            place: Some(place),
            attempt,
        })
    }

    /// Makes the count of a failed login durable. Mails the owner a link if it was the last that unknown devices have.
    pub(super) async fn record_failure(
        &self,
        caller: &Caller,
        attempt: &LoginAttempt,
        email: Option<&Email>,
        user: Option<&UserId>,
    ) -> Result<(), Error> {
        let is_last = self.limits.failed(attempt, email).await?;
        if let (true, Some(email)) = (is_last, email) {
            self.audit(AuditEvent::AccountClosed, user, caller);
            self.queue_mail(MailKind::AccountClosed, email.clone())
                .await?;
        }
        Ok(())
    }

    /// Compares the password and starts the session.
    async fn complete_login(
        &self,
        caller: &Caller,
        login: &mut AdmittedLogin,
        password: Password,
    ) -> Result<LoggedIn, Error> {
        for _ in 0..LOGIN_ROUNDS {
            let place = match login.place.take() {
                Some(place) => place,
                None => self.hasher.reserve(login.requester).await?,
            };
            let user = match login.found.take() {
                Some(user) => Some(user),
                None => self.find(login.email.as_ref()).await?,
            };
            login.user = user.as_ref().map(|user| user.id.clone());
            let is_breached = self.policy.is_breached(&password);
            // Compared as that of nobody, or a right password would take the time of a stronger hash.
            let is_disabled = user.as_ref().is_some_and(|user| user.disabled_at.is_some());
            let comparable = user.as_ref().filter(|_| !is_disabled);
            let stored = comparable.map(|user| user.password.clone());
            let verdict = self.hasher.verify(place, password.clone(), stored);
            let (user, upgraded) = match (user, verdict.await?) {
                (Some(user), Verdict::Right(upgraded)) => (user, upgraded),
                (_, verdict) => {
                    let why = match verdict {
                        Verdict::Unreadable => LoginFailure::Unreadable,
                        Verdict::NoLegacySalt => LoginFailure::NoLegacySalt,
                        Verdict::Wrong if is_disabled => LoginFailure::Disabled,
                        Verdict::Wrong | Verdict::Right(_) => LoginFailure::Wrong,
                    };
                    self.audit(AuditEvent::LoginFailed(why), login.user.as_ref(), caller);
                    return Err(Error::WrongLogin);
                }
            };
            let (token, session) = self.new_session(caller);
            let known = caller.device.as_ref().map(Token::digest);
            let known = known.filter(|device| user.knows(device, self.clock.now()));
            let (device_token, device) = match known {
                Some(_) => (None, None),
                None => Some(self.new_device()).unzip(),
            };
            let (id, verified, replaces) =
                (user.id.clone(), user.password.clone(), caller.replaces());
            let record = self.users.change_from(user, |user| {
                // The password may have been changed since it was compared, or the user disabled.
                let is_right = user.password == verified && user.disabled_at.is_none();
                is_right.then(|| {
                    let was_own = replaces.is_some_and(|old| user.session(&old).is_some());
                    user.log_in(session.clone(), device.clone(), replaces.as_ref());
                    user.password_breached = is_breached;
                    if let Some(password) = &upgraded {
                        user.password = password.clone();
                    }
                    was_own
                })
            });
            let settle = self.limits.succeeded(&mut login.attempt, known.as_ref());
            let (recorded, ()) = tokio::join!(record, settle);
            if let Some(was_own) = recorded? {
                if !was_own {
                    self.end_session(replaces).await?;
                }
                let event = match known {
                    Some(_) => AuditEvent::LoggedIn,
                    None => AuditEvent::NewDevice,
                };
                self.audit(event, &id, caller);
                return Ok(LoggedIn {
                    session: token,
                    device: device_token,
                });
            }
        }
        Err(Error::Busy)
    }

    async fn find(&self, email: Option<&Email>) -> Result<Option<User>, StoreError> {
        match email {
            Some(email) => self.users.find(Key::Email(email)).await,
            None => Ok(None),
        }
    }
}

/// A login within the limits.
struct AdmittedLogin {
    /// The typed address, if it was one.
    email: Option<Email>,
    /// Whose address it is, once looked up.
    user: Option<UserId>,
    /// The user, if already looked up.
    found: Option<User>,
    requester: Requester,
    /// The place for the next hash, if already reserved.
    place: Option<Place>,
    attempt: LoginAttempt,
}

/// Waits a random time up to 8 ms. To find a user takes some 0.05 ms longer than to find none; under this noise the
/// few attempts that the limits allow cannot measure it (ASVS 6.3.8).
async fn random_delay() {
    let millis = Uuid::new_v4().as_u128() % 8;
    sleep(Duration::from_millis(millis as u64)).await;
}
