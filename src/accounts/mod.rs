//! The account service itself: what a user can do, and the rules. It knows no HTTP and no database.
//!
//! # Layout
//! - [`name`], [`email`], [`password`], [`token`]: parsed values, random tokens and their digests
//! - [`hasher`]: the threads that hash, behind a [`fair_queue`]; [`strength`]: what is too easy to guess
//! - [`clock`]: the one clock; [`network`]: where requests come from
//! - [`limits`]: how many attempts there are; [`attempts`]: how they are counted
//! - [`outbox`], [`mail`]: promised mail, and the trait of what sends it
//! - [`store`]: the trait of the database; [`sweeper`]: drops what has expired

pub mod attempts;
pub mod clock;
pub mod email;
pub mod fair_queue;
pub mod hasher;
pub mod limits;
pub mod mail;
pub mod name;
pub mod network;
pub mod outbox;
pub mod password;
pub mod store;
pub mod strength;
pub mod sweeper;
pub mod token;

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::sleep};
use uuid::Uuid;

use self::{
    clock::{Clock, Timestamp},
    email::Email,
    fair_queue::{Priority, Requester},
    hasher::Hasher,
    limits::{Limits, LoginAttempt, Wait},
    mail::Mailer,
    name::Name,
    network::Network,
    outbox::{MailKind, Outbox, QueuedMail},
    password::{Password, Verdict},
    store::{AddUserError, Device, Login, NewUser, Session, Store, StoreError, User},
    token::{Digest, Token},
};

/// How long a session lives (ASVS 7.3.2; NIST SP 800-63B-4 asks for at most 30 days).
pub const SESSION_LIFE: Duration = Duration::from_secs(30 * DAY);
/// How long a session lives without use (ASVS 7.3.1).
pub const SESSION_IDLE: Duration = Duration::from_secs(14 * DAY);
/// How long a reset link works after its mail was sent.
pub const RESET_LIFE: Duration = Duration::from_secs(30 * 60);
/// How long a device is remembered, so that others who fail to log in do not close the account to it.
pub const DEVICE_LIFE: Duration = Duration::from_secs(365 * DAY);
/// How often the use of a session is written down.
const TOUCH_EVERY: Duration = Duration::from_secs(3600);
const DAY: u64 = 24 * 3600;

/// How often a login is begun anew because the user's hash changed under it.
const LOGIN_ROUNDS: usize = 3;
/// How much of a device's own name is kept, in characters.
const USER_AGENT_CHARS: usize = 200;

/// Why something was refused. Each has one sentence; what status it gets is decided once, in `auth`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No name.
    #[error("Name is required")]
    NameRequired,
    /// A name past [`Name::MAX_CHARS`].
    #[error("Name must be at most {max} characters", max = Name::MAX_CHARS)]
    NameTooLong,
    /// A name with control characters.
    #[error("Name must not contain line breaks or control characters")]
    NameInvalid,
    /// No e-mail.
    #[error("Email is required")]
    EmailRequired,
    /// Not an e-mail address.
    #[error("Enter a valid email address")]
    EmailInvalid,
    /// The e-mail has an account.
    #[error("A user with this email already exists")]
    EmailTaken,
    /// No password.
    #[error("Password is required")]
    PasswordRequired,
    /// A password under [`Password::MIN_CHARS`].
    #[error("Password must be at least {min} characters", min = Password::MIN_CHARS)]
    PasswordTooShort,
    /// A password past [`Password::MAX_CHARS`].
    #[error("Password must be at most {max} characters", max = Password::MAX_CHARS)]
    PasswordTooLong,
    /// A password an attacker would try early.
    #[error("Password is too easy to guess: {0}")]
    PasswordTooEasy(&'static str),
    /// No user has this e-mail and password.
    #[error("Invalid email or password")]
    WrongLogin,
    /// The session or reset link does not live.
    #[error("User not found")]
    UserNotFound,
    /// A limit on attempts is reached.
    #[error("Too many attempts, {0}")]
    TooManyAttempts(Wait),
    /// More hashing is asked for than the machine can do.
    #[error("The registry is busy, try again in a moment")]
    Busy,
    /// The store failed; the cause is for the log.
    #[error("The registry is not available right now, try again in a moment")]
    Unavailable(#[from] StoreError),
}

/// Who sends a request.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// What the device calls itself.
    pub user_agent: String,
    /// The session the request carries, live or not.
    pub session: Option<Token>,
    /// The device's own token, known or not.
    pub device: Option<Token>,
    /// Where the request comes from.
    pub network: Network,
}

/// What a client is handed when it has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// Names the new session.
    pub session: Token,
    /// Names the device, where the user has not logged in with it before.
    pub device: Option<Token>,
}

/// What users can do with their accounts.
pub struct Accounts {
    store: Arc<dyn Store>,
    hasher: Hasher,
    limits: Limits,
    clock: Clock,
    mail_waiting: Arc<Notify>,
}

impl Accounts {
    /// The accounts kept in `store`, and the outbox that sends their mail through `mailer`. Without
    /// `rate_limits` attempts are not limited, as for load tests.
    pub fn new(
        store: Arc<dyn Store>,
        mailer: Arc<dyn Mailer>,
        clock: Clock,
        rate_limits: bool,
    ) -> (Self, Outbox) {
        let mail_waiting = Arc::new(Notify::new());
        let outbox = Outbox::new(store.clone(), mailer, clock.clone(), mail_waiting.clone());
        let accounts = Self {
            limits: Limits::new(store.clone(), clock.clone(), rate_limits),
            store,
            hasher: Hasher::new(),
            clock,
            mail_waiting,
        };
        (accounts, outbox)
    }

    /// Makes an account and logs it in.
    pub async fn signup(
        &self,
        caller: &Caller,
        name: &str,
        email: &str,
        password: &str,
    ) -> Result<LoggedIn, Error> {
        let name = Name::parse(name)?;
        let email = Email::parse(email)?;
        let requester = caller.requester(Priority::Normal);
        let _room = self.hasher.room_for(requester).await?;
        self.limits.signup(caller.network).await?;
        if self.store.user_by_email(&email).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let password = Password::chosen(password)?;
        let about = about(name.as_str(), &email);
        let password = self.hasher.hash(password, about, requester).await?;
        let (token, session) = self.new_session(caller);
        let (device_token, device) = self.new_device();
        let user = NewUser {
            name,
            email: email.clone(),
            password,
            session,
            device,
            replaces: caller.replaces(),
        };
        match self.store.add_user(user).await {
            Ok(()) => {
                tracing::info!(client = %caller.network, "signed up");
                // What strangers tried at the address before is not the owner's.
                if let Err(error) = self.limits.reopen(&email).await {
                    tracing::warn!(%error, "a new account begins with the failed logins of strangers");
                }
                Ok(LoggedIn {
                    session: token,
                    device: Some(device_token),
                })
            }
            Err(AddUserError::Taken) => Err(Error::EmailTaken),
            Err(AddUserError::Store(error)) => Err(error.into()),
        }
    }

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
        let owner = self.store.user_by_device(email, &device).await?;
        let Some(user) = owner.filter(|user| self.knows(user, &device)) else {
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
                    let user = user.as_ref().map_or("none", |user| &user.id);
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
            let known = known.filter(|device| self.knows(&user, device));
            let (device_token, device) = match known {
                Some(_) => (None, None),
                None => Some(self.new_device()).unzip(),
            };
            let record = self.store.add_session(Login {
                email: &user.email,
                verified: &user.password,
                upgraded,
                session,
                device,
                replaces: caller.replaces(),
            });
            let settle = self.limits.succeeded(&mut login.attempt, known.as_ref());
            let (recorded, ()) = tokio::join!(record, settle);
            if recorded? {
                tracing::info!(user = user.id, client = %caller.network, "logged in");
                return Ok(LoggedIn {
                    session: token,
                    device: device_token,
                });
            }
        }
        Err(Error::Busy)
    }

    /// Ends the caller's session.
    pub async fn logout(&self, caller: &Caller) -> Result<(), Error> {
        let token = caller.session.as_ref().ok_or(Error::UserNotFound)?;
        match self
            .store
            .remove_session(&token.digest(), self.clock.now())
            .await?
        {
            true => Ok(()),
            false => Err(Error::UserNotFound),
        }
    }

    /// Promises a mail with a reset link, if the address has an account. Does the same work either way.
    pub async fn forgot_password(&self, caller: &Caller, email: &str) -> Result<(), Error> {
        let email = Email::parse(email)?;
        self.limits.mail(caller.network, &email).await?;
        self.queue_mail(MailKind::ResetLink, email).await
    }

    /// Promises a mail, which goes out if the address has an account.
    async fn queue_mail(&self, kind: MailKind, to: Email) -> Result<(), Error> {
        let mail = QueuedMail::new(kind, to, self.clock.now());
        self.store.queue_mail(mail).await?;
        self.mail_waiting.notify_one();
        Ok(())
    }

    /// Sets a new password with a reset link, which then is used up. All sessions of the user end, failed
    /// logins are forgotten, and the only device known from then on is this one: the returned token names it.
    pub async fn reset_password(
        &self,
        caller: &Caller,
        token: Option<&Token>,
        password: &str,
    ) -> Result<Token, Error> {
        let digest = token.ok_or(Error::UserNotFound)?.digest();
        let requester = caller.requester(Priority::High);
        let _room = self.hasher.room_for(requester).await?;
        let user = self
            .store
            .user_by_reset(&digest, self.clock.now())
            .await?
            .ok_or(Error::UserNotFound)?;
        let attempt = self.limits.new_password(caller.network, &digest).await?;
        let password = Password::chosen(password)?;
        let about = about(&user.name, &user.email);
        let hashed = self.hasher.hash(password, about, requester).await;
        if let Err(Error::Busy) = hashed {
            self.limits.take_back(&attempt).await;
        }
        let password = hashed?;
        // First, so that a crash on the way leaves a link that works and no account that stays closed.
        self.limits.reopen(&user.email).await?;
        let now = self.clock.now();
        let notice = QueuedMail::new(MailKind::PasswordChanged, user.email, now);
        let (device_token, device) = self.new_device();
        match self
            .store
            .reset_password(&digest, password, device, notice, now)
            .await?
        {
            true => {
                tracing::info!(user = user.id, client = %caller.network, "password reset");
                self.mail_waiting.notify_one();
                Ok(device_token)
            }
            false => Err(Error::UserNotFound),
        }
    }

    /// The user whose session the caller carries. Where the request `is_use` of it, the session lives on.
    pub async fn visitor(&self, caller: &Caller, is_use: bool) -> Result<Option<User>, Error> {
        let Some(token) = &caller.session else {
            return Ok(None);
        };
        let digest = token.digest();
        let Some((user, session)) = self.store.user_by_session(&digest).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        if session.expires_at <= now {
            return Ok(None);
        }
        if is_use && session.used_at.plus(TOUCH_EVERY) <= now {
            let expires_at = session_end(session.created_at, now);
            let touched = self.store.touch_session(&digest, now, expires_at).await;
            if let Err(error) = touched {
                tracing::warn!(%error, "the use of a session was not noted");
            }
        }
        Ok(Some(user))
    }

    /// The user whose reset link this is, where it works.
    pub async fn reset_owner(&self, token: &Token) -> Result<Option<User>, Error> {
        let digest = token.digest();
        Ok(self.store.user_by_reset(&digest, self.clock.now()).await?)
    }

    async fn find(&self, email: Option<&Email>) -> Result<Option<User>, StoreError> {
        match email {
            Some(email) => self.store.user_by_email(email).await,
            None => Ok(None),
        }
    }

    /// Whether the user has logged in with this device, not too long ago.
    fn knows(&self, user: &User, device: &Digest) -> bool {
        let oldest = self.clock.now().minus(DEVICE_LIFE);
        let mut known = user.devices.iter();
        known.any(|known| known.digest == *device && known.created_at > oldest)
    }

    fn new_device(&self) -> (Token, Device) {
        let token = Token::random();
        let device = Device {
            digest: token.digest(),
            created_at: self.clock.now(),
        };
        (token, device)
    }

    fn new_session(&self, caller: &Caller) -> (Token, Session) {
        let token = Token::random();
        let now = self.clock.now();
        let session = Session {
            digest: token.digest(),
            created_at: now,
            used_at: now,
            expires_at: session_end(now, now),
            user_agent: caller.user_agent.chars().take(USER_AGENT_CHARS).collect(),
        };
        (token, session)
    }
}

/// Waits a random while: a user who is found takes some 0.05 ms longer than one who is not, and as many attempts as the
/// limits allow tell nothing through this (ASVS 6.3.8).
async fn blur() {
    let millis = Uuid::new_v4().as_u128() % 8;
    sleep(Duration::from_millis(millis as u64)).await;
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

impl Caller {
    /// Whose request it is, where networks share what it costs.
    fn requester(&self, priority: Priority) -> Requester {
        Requester {
            network: self.network,
            priority,
        }
    }

    fn replaces(&self) -> Option<Digest> {
        self.session.as_ref().map(Token::digest)
    }
}

/// When a session ends that began and was last used at these moments.
fn session_end(created_at: Timestamp, used_at: Timestamp) -> Timestamp {
    created_at
        .plus(SESSION_LIFE)
        .min(used_at.plus(SESSION_IDLE))
}

/// What an attacker would try first against this user.
fn about(name: &str, email: &Email) -> Vec<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let joined = words.concat();
    [name, &joined, email.as_str(), email.local_part()]
        .into_iter()
        .chain(words)
        .map(str::to_owned)
        .collect()
}
