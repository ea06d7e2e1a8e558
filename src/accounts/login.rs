//! Logging in.

use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::{
    Accounts, Caller, Login, SecondStep,
    audit::{AuditEvent, LoginFailure},
    email::Email,
    error::{CodeRefusal, Error, StoreError},
    fair_queue::{Priority, Requester},
    hasher::Place,
    id::UserId,
    limits::LoginAttempt,
    mail::MailKind,
    new_login::Begun,
    password::{Password, PasswordHash, Verdict},
    store::Key,
    token::{Digest, Token},
    user::User,
};

/// How often a login is retried because the user's password changed meanwhile.
const LOGIN_ROUNDS: usize = 3;

impl Accounts {
    /// Logs a user in. The session that the caller had ends. Only after the right password it is told whether the user has
    /// a second factor.
    pub async fn login(
        &self,
        caller: &Caller,
        email: &str,
        password: &str,
        second: SecondStep<'_>,
    ) -> Result<Login, Error> {
        let answer = self.attempt_login(caller, email, password, second).await;
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
        second: SecondStep<'_>,
    ) -> Result<Login, Error> {
        // Text that is not an address is treated like an unknown address.
        let email = match Email::parse(email) {
            Err(Error::EmailRequired) => return Err(Error::EmailRequired),
            parsed => parsed.ok(),
        };
        let password = Password::typed(password)?;
        let mut login = self.admit(caller, email).await?;
        let completed = self.complete_login(caller, &mut login, password, second);
        let logged_in = completed.await;
        match &logged_in {
            Err(
                error @ (Error::Busy
                | Error::Unavailable(_)
                | Error::SecondFactor(CodeRefusal::Unreadable)),
            ) => {
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
        let device = known.as_ref().map(|(_, device)| device);
        let attempt = self.count_login(caller, email.as_ref(), device).await?;
        Ok(AdmittedLogin {
            email,
            user: None,
            found: known.map(|(user, _)| user),
            requester,
            place: Some(place),
            attempt,
        })
    }

    /// Counts a login against the limit of its device, if that is given and has attempts left, else against those of the
    /// account and the network.
    pub(super) async fn count_login(
        &self,
        caller: &Caller,
        email: Option<&Email>,
        device: Option<&Digest>,
    ) -> Result<LoginAttempt, Error> {
        if let (Some(email), Some(device)) = (email, device) {
            let own = self.limits.login_from_device(caller.network, email, device);
            if let Some(attempt) = own.await? {
                return Ok(attempt);
            }
        }
        self.limits.login(caller.network, email).await
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

    /// Compares the password and starts the session, or a login that waits for a second factor.
    async fn complete_login(
        &self,
        caller: &Caller,
        login: &mut AdmittedLogin,
        password: Password,
        second: SecondStep<'_>,
    ) -> Result<Login, Error> {
        for _ in 0..LOGIN_ROUNDS {
            let is_breached = self.policy.is_breached(&password);
            let (user, upgraded) = self
                .find_by_password(caller, login, password.clone())
                .await?;
            let new = self.new_login(caller, &user);
            let (origin, pending) = (self.origin(caller), Token::random());
            let (id, verified) = (user.id.clone(), user.password.clone());
            let has_second_factor = user.has_second_factor();
            let keys = self.keys_for(&user).await?;
            let record = self.users.change_from(user, |user| {
                // The password may have been changed since it was compared, or the user disabled.
                let is_right = user.password == verified && user.disabled_at.is_none();
                is_right.then(|| {
                    user.password_breached = is_breached;
                    if let Some(password) = &upgraded {
                        user.password = password.clone();
                    }
                    if !user.has_second_factor() {
                        return Completed::LoggedIn(new.begin(user));
                    }
                    let used = match second {
                        SecondStep::Code(code) => {
                            let is_known = new.known().is_some();
                            user.use_code(code, is_known, keys, &origin)
                        }
                        SecondStep::Later => {
                            let (digest, is_known) = (pending.digest(), new.known().is_some());
                            user.begin_pending_login(digest, caller.form, is_known, &origin);
                            return Completed::Pending;
                        }
                        SecondStep::None => Err(CodeRefusal::Required),
                    };
                    match used {
                        Ok(()) => Completed::LoggedIn(new.begin_with_second_factor(user)),
                        Err(refusal) => {
                            if new.known().is_none() {
                                user.note_password_alone(pending.digest(), &origin);
                            }
                            Completed::Refused(refusal)
                        }
                    }
                })
            });
            let attempt = &mut login.attempt;
            // Where the password is all that is asked for, the attempt is taken back meanwhile.
            let recorded = match has_second_factor {
                true => record.await?,
                false => {
                    let settle = self.limits.succeeded(attempt, new.known());
                    tokio::join!(record, settle).0?
                }
            };
            match recorded {
                None => {}
                Some(Completed::LoggedIn(begun)) => {
                    let finished = self.finish_login(caller, &id, attempt, new, &begun);
                    return finished.await.map(Login::Done);
                }
                Some(Completed::Pending) => {
                    self.ask_second_factor(caller, &id, attempt).await;
                    return Ok(Login::Pending(pending));
                }
                Some(Completed::Refused(refusal)) => {
                    match refusal {
                        CodeRefusal::Required => {
                            self.ask_second_factor(caller, &id, attempt).await;
                        }
                        _ => {
                            let why = AuditEvent::LoginFailed(refusal.into());
                            self.audit(why, &id, caller);
                        }
                    }
                    return Err(Error::SecondFactor(refusal));
                }
            }
        }
        Err(Error::Busy)
    }

    /// The password was right: takes the attempt back. The failures of the device stay, or who has only the password could
    /// have them forgotten at will.
    async fn ask_second_factor(&self, caller: &Caller, user: &UserId, attempt: &mut LoginAttempt) {
        self.limits.succeeded(attempt, None).await;
        self.audit(AuditEvent::SecondFactorAsked, user, caller);
    }

    /// The user with this address and password, and the stronger hash that is to take the place of the stored one.
    async fn find_by_password(
        &self,
        caller: &Caller,
        login: &mut AdmittedLogin,
        password: Password,
    ) -> Result<(User, Option<PasswordHash>), Error> {
        let place = match login.place.take() {
            Some(place) => place,
            None => self.hasher.reserve(login.requester).await?,
        };
        let user = match login.found.take() {
            Some(user) => Some(user),
            None => self.find(login.email.as_ref()).await?,
        };
        login.user = user.as_ref().map(|user| user.id.clone());
        // Compared as that of nobody, or a right password would take the time of a stronger hash.
        let is_disabled = user.as_ref().is_some_and(|user| user.disabled_at.is_some());
        let comparable = user.as_ref().filter(|_| !is_disabled);
        let stored = comparable.map(|user| user.password.clone());
        let verdict = self.hasher.verify(place, password, stored);
        let why = match (user, verdict.await?) {
            (Some(user), Verdict::Right(upgraded)) => return Ok((user, upgraded)),
            (_, Verdict::Unreadable) => LoginFailure::Unreadable,
            (_, Verdict::NoLegacySalt) => LoginFailure::NoLegacySalt,
            (_, Verdict::Wrong) if is_disabled => LoginFailure::Disabled,
            (_, Verdict::Wrong | Verdict::Right(_)) => LoginFailure::Wrong,
        };
        self.audit(AuditEvent::LoginFailed(why), login.user.as_ref(), caller);
        Err(Error::WrongLogin)
    }

    async fn find(&self, email: Option<&Email>) -> Result<Option<User>, StoreError> {
        match email {
            Some(email) => self.users.find(Key::Email(email)).await,
            None => Ok(None),
        }
    }
}

/// What became of a login with the right password.
enum Completed {
    /// A session was begun.
    LoggedIn(Begun),
    /// It waits for a second factor.
    Pending,
    /// The code was missing or refused.
    Refused(CodeRefusal),
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
