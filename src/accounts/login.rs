//! Logging in.

use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::{
    Accounts, Caller, LoggedIn,
    email::Email,
    error::{Error, StoreError},
    fair_queue::Priority,
    limits::LoginAttempt,
    mail::MailKind,
    password::{Password, Verdict},
    store::Key,
    token::Token,
    user::User,
};

/// How often a login is begun anew because the user's hash changed under it.
const LOGIN_ROUNDS: usize = 3;

impl Accounts {
    /// Logs a user in; the session the caller had ends.
    pub async fn login(
        &self,
        caller: &Caller,
        email: &str,
        password: &str,
    ) -> Result<LoggedIn, Error> {
        let answer = self.attempt_login(caller, email, password).await;
        if let Err(Error::WrongLogin | Error::TooManyAttempts(_)) = &answer {
            blur().await;
        }
        answer
    }

    async fn attempt_login(
        &self,
        caller: &Caller,
        email: &str,
        password: &str,
    ) -> Result<LoggedIn, Error> {
        // Any text is as good as an unknown address.
        let email = match Email::parse(email) {
            Err(Error::EmailRequired) => return Err(Error::EmailRequired),
            parsed => parsed.ok(),
        };
        let password = Password::typed(password)?;
        // Whether a device is known is seen later, so that whoever shows one may find room.
        let hoped = match caller.device {
            Some(_) => Priority::High,
            None => Priority::Normal,
        };
        let _room = self.hasher.room_for(caller.requester(hoped)).await?;
        let mut login = self.admit(caller, email).await?;
        let entered = self.enter(caller, &mut login, password).await;
        match &entered {
            Err(Error::Busy | Error::Unavailable(_)) => {
                self.limits.undecided(&mut login.attempt).await;
            }
            Err(_) => self.fail(login).await?,
            Ok(_) => {}
        }
        entered
    }

    /// Lets a login through the limits: that of its device if the account knows it, whatever strangers have done
    /// to the account and neighbours to the network, else those of account and network.
    async fn admit(&self, caller: &Caller, email: Option<Email>) -> Result<Admitted, Error> {
        let known = match (&email, &caller.device) {
            (Some(email), Some(device)) => self.admit_device(caller, email, device).await?,
            _ => None,
        };
        if let Some(admitted) = known {
            return Ok(admitted);
        }
        Ok(Admitted {
            attempt: self.limits.login(caller.network, email.as_ref()).await?,
            email,
            found: None,
            priority: Priority::Normal,
        })
    }

    /// None if the account does not know the device, or the device has used up its attempts.
    async fn admit_device(
        &self,
        caller: &Caller,
        email: &Email,
        device: &Token,
    ) -> Result<Option<Admitted>, Error> {
        let device = device.digest();
        let now = self.clock.now();
        let owner = self.users.find(Key::Device(email, &device)).await?;
        let Some(user) = owner.filter(|user| user.knows(&device, now)) else {
            return Ok(None);
        };
        let own = self
            .limits
            .login_from_device(caller.network, email, &device);
        Ok(own.await?.map(|attempt| Admitted {
            email: Some(email.clone()),
            found: Some(user),
            attempt,
            priority: Priority::High,
        }))
    }

    /// Counts a failed login for good; the owner is mailed a way in if it closed the account to strangers.
    async fn fail(&self, login: Admitted) -> Result<(), Error> {
        let is_last = self.limits.failed(&login.attempt).await?;
        if let (true, Some(email)) = (is_last, login.email) {
            self.queue_mail(MailKind::AccountClosed, email).await?;
        }
        Ok(())
    }

    /// Compares the password and begins the session.
    async fn enter(
        &self,
        caller: &Caller,
        login: &mut Admitted,
        password: Password,
    ) -> Result<LoggedIn, Error> {
        let requester = caller.requester(login.priority);
        for _ in 0..LOGIN_ROUNDS {
            let user = match login.found.take() {
                Some(user) => Some(user),
                None => self.find(login.email.as_ref()).await?,
            };
            let stored = user.as_ref().map(|user| user.password.clone());
            let verdict = self.hasher.verify(password.clone(), stored, requester);
            let (user, upgraded) = match (user, verdict.await?) {
                (Some(user), Verdict::Right(upgraded)) => (user, upgraded),
                (user, verdict) => {
                    let user = user.as_ref().map_or("none", |user| user.id.as_str());
                    let reason = match verdict {
                        Verdict::Unreadable => "the stored password is no hash of argon2",
                        _ => "wrong email or password",
                    };
                    tracing::info!(user, client = %caller.network, reason, "login failed");
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
                // What was verified may be another password by now.
                let is_right = user.password == verified;
                is_right.then(|| {
                    let was_theirs = replaces.is_some_and(|old| user.session(&old).is_some());
                    user.log_in(session.clone(), device.clone(), replaces.as_ref());
                    if let Some(password) = &upgraded {
                        user.password = password.clone();
                    }
                    was_theirs
                })
            });
            let settle = self.limits.succeeded(&mut login.attempt, known.as_ref());
            let (recorded, ()) = tokio::join!(record, settle);
            if let Some(was_theirs) = recorded? {
                if !was_theirs {
                    self.end_session(replaces).await?;
                }
                tracing::info!(user = %id, client = %caller.network, "logged in");
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

/// A login that the limits let through.
struct Admitted {
    /// The typed address; none if it was no address.
    email: Option<Email>,
    /// The user, if already looked for.
    found: Option<User>,
    attempt: LoginAttempt,
    priority: Priority,
}

/// Waits a random while: a user who is found takes some 0.05 ms longer than one who is not, and as many attempts as the
/// limits allow tell nothing through this (ASVS 6.3.8).
async fn blur() {
    let millis = Uuid::new_v4().as_u128() % 8;
    sleep(Duration::from_millis(millis as u64)).await;
}
