//! The account service itself: what users can do, and the rules. No HTTP and no database.
//!
//! # Layout
//! - `signup`, `login`, `session`, `reset_password`, `authenticate`, `profile`, `change_password`, `change_email`,
//!   `not_me`, `upload_tokens`, `second_factors`: what a user can do, a file each
//! - `due`: what is done to users by the clock
//! - [`user`]: the record of a user and every rule that changes it; [`id`]: ids and handles
//! - [`users`]: applies a rule to a stored user, again if another change came between
//! - [`record`]: how what is stored is declared; [`random`]: random bytes
//! - [`name`], [`email`], [`password`], [`token`]: parsed values, random tokens and their digests
//! - [`totp`], [`recovery_code`]: codes of second factors
//! - [`upload_token_text`], [`token_scope`], [`package`]: the text of an upload token, and what it is good for
//! - [`secret_keys`]: the keys by which secrets are encrypted at rest
//! - [`passkeys`]: adds passkeys and verifies them
//! - [`legacy`]: passwords of the first backend; [`import`]: its users
//! - [`hasher`]: the threads that hash passwords, behind a [`fair_queue`]
//! - [`policy`]: which passwords can be chosen; [`strength`]: what is too easy to guess
//! - [`error`]: why a request was refused; [`health`]: whether the accounts can work
//! - [`clock`]: timestamps and the clock; [`dates`]: how timestamps are written; [`lifetimes`]: when sessions and links
//!   expire; [`network`], [`device_name`]: of a client
//! - [`audit`]: the log of security events; [`metrics`] and [`counts`]: what is counted
//! - [`limits`]: enforces the rate limits; [`limit_table`]: all of them; [`attempts`]: how attempts are counted;
//!   [`attempt_keys`]: under which keys; [`wait`]: how long until the next
//! - [`mail`]: the mails, and the trait of what sends them; [`outbox`]: sends them, with retries
//! - [`operator`]: what an operator can do for users; [`export`]: all that is stored about a user
//! - [`facts`]: what the JSON for programs has in it
//! - [`store`]: the trait of the database; [`sweeper`]: deletes what has expired; [`keyed_lock`]: locks by key

pub mod attempt_keys;
pub mod attempts;
pub mod audit;
pub mod authenticate;
pub mod challenge;
pub mod clock;
pub mod counts;
pub mod dates;
pub mod device_name;
pub mod email;
pub mod error;
pub mod export;
pub mod facts;
pub mod fair_queue;
pub mod hasher;
pub mod health;
pub mod id;
pub mod import;
pub mod keyed_lock;
pub mod legacy;
pub mod lifetimes;
pub mod limit_table;
pub mod limits;
pub mod mail;
pub mod metrics;
pub mod name;
pub mod network;
pub mod operator;
pub mod outbox;
pub mod package;
pub mod passkey_use;
pub mod passkeys;
pub mod password;
pub mod policy;
pub mod random;
pub mod record;
pub mod recovery_code;
pub mod secret_keys;
pub mod security_event;
pub mod store;
pub mod strength;
pub mod sweeper;
pub mod token;
pub mod token_scope;
pub mod totp;
pub mod upload_token_text;
pub mod user;
pub mod users;
pub mod wait;

mod change_email;
mod change_password;
mod due;
mod login;
mod measure;
mod new_login;
mod not_me;
mod profile;
mod reset_password;
mod second_factors;
mod session;
mod signup;
mod upload_tokens;

use std::sync::Arc;

use tokio::sync::{Notify, OnceCell};

use self::{
    attempts::AttemptKey,
    audit::AuditEvent,
    clock::Clock,
    device_name::DeviceName,
    email::Email,
    error::Error,
    fair_queue::{Priority, Requester},
    hasher::{Hasher, Place},
    id::{Handle, UserId},
    legacy::LegacySalt,
    lifetimes::session_end,
    limits::Limits,
    mail::{MailKind, Mailer, QueuedMail},
    metrics::Metrics,
    network::Network,
    outbox::Outbox,
    passkeys::RelyingParty,
    password::{HashCost, Password, PasswordHash},
    policy::PasswordPolicy,
    record::Unknown,
    secret_keys::SecretKeys,
    store::Store,
    token::{Digest, Token},
    user::{Device, Session, User, event::Origin},
    users::Users,
};

/// The longest `User-Agent` that is stored, in characters.
const USER_AGENT_CHARS: usize = 200;

/// The sender of a request.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The `User-Agent` of the request.
    pub user_agent: String,
    /// The session the request carries, live or not.
    pub session: Option<Token>,
    /// The token of the device, known or not.
    pub device: Option<Token>,
    /// Where the request comes from.
    pub network: Network,
    /// The digest of the browser's form token, if it has one.
    pub form: Option<Digest>,
    /// Whose session it is, if that was already read for this request.
    pub account: Option<Arc<(User, Session)>>,
}

/// The tokens that a client gets when it has logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// The new session.
    pub session: Token,
    /// The device, if the user has not logged in with it before.
    pub device: Option<Token>,
}

/// What a right password leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// The user is logged in.
    Done(LoggedIn),
    /// The user has a second factor, and this is the token by which the browser goes on with it.
    Pending(Token),
}

/// What a client has for the second factor when it sends the password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SecondStep<'c> {
    /// A code.
    Code(&'c str),
    /// Nothing yet: a page asks for it next.
    Later,
    /// Nothing.
    None,
}

/// What users can do with their accounts.
pub struct Accounts {
    store: Arc<dyn Store>,
    users: Arc<Users>,
    hasher: Hasher,
    policy: Arc<PasswordPolicy>,
    secret_keys: Option<SecretKeys>,
    /// Set once the store knows that the first key encrypts.
    key_noted: OnceCell<()>,
    relying_party: Option<RelyingParty>,
    limits: Limits,
    clock: Clock,
    mail_waiting: Arc<Notify>,
    metrics: Metrics,
}

impl Accounts {
    /// The accounts in `store`, with passwords as `policy` allows, and the outbox that sends their mail through
    /// `mailer`. Without `rate_limits` attempts are not limited, for load tests.
    pub fn new(
        store: Arc<dyn Store>,
        mailer: Arc<dyn Mailer>,
        clock: Clock,
        policy: PasswordPolicy,
        rate_limits: bool,
    ) -> (Self, Outbox) {
        let mail_waiting = Arc::new(Notify::new());
        let policy = Arc::new(policy);
        let users = Arc::new(Users::new(store.clone()));
        let wake = mail_waiting.clone();
        let metrics = Metrics::default();
        let outbox = Outbox {
            store: store.clone(),
            users: users.clone(),
            mailer,
            clock: clock.clone(),
            wake,
            deliveries: metrics.deliveries.clone(),
        };
        let accounts = Self {
            limits: Limits::new(store.clone(), clock.clone(), rate_limits, metrics.clone()),
            store,
            users,
            hasher: Hasher::new(policy.clone(), metrics.hashes.clone()),
            policy,
            secret_keys: None,
            key_noted: OnceCell::new(),
            relying_party: None,
            clock,
            mail_waiting,
            metrics,
        };
        (accounts, outbox)
    }

    /// Lets users of the first backend log in with the passwords they had there.
    pub fn with_legacy_salt(mut self, salt: Option<LegacySalt>) -> Self {
        self.hasher.set_legacy_salt(salt);
        self
    }

    /// Hashes passwords at this cost instead of the standard one.
    pub fn with_hash_cost(mut self, cost: HashCost) -> Self {
        self.hasher.set_cost(cost);
        self
    }

    /// Offers authenticator apps, whose secrets are encrypted by these keys.
    pub fn with_secret_keys(mut self, keys: Option<SecretKeys>) -> Self {
        self.secret_keys = keys;
        self
    }

    /// The keys of the secrets of authenticator apps; without them, none can be added or used.
    pub fn secret_keys(&self) -> Option<&SecretKeys> {
        self.secret_keys.as_ref()
    }

    /// Lets users have passkeys for this site.
    pub fn with_relying_party(mut self, site: Option<RelyingParty>) -> Self {
        self.relying_party = site;
        self
    }

    /// Logs and counts what a caller did, to this user if it is known to whom.
    fn audit<'u>(&self, event: AuditEvent, user: impl Into<Option<&'u UserId>>, caller: &Caller) {
        let audit = &self.metrics.audit;
        audit.record(event, user.into(), Some(caller.network));
    }

    /// Queues a mail, which is sent if the address has an account.
    async fn queue_mail(&self, kind: MailKind, to: Email) -> Result<(), Error> {
        self.queue(QueuedMail::new(kind, to, self.clock.now()))
            .await
    }

    async fn queue(&self, mail: QueuedMail) -> Result<(), Error> {
        self.store.queue_mail(mail).await?;
        self.mail_waiting.notify_one();
        Ok(())
    }

    /// Delays the answer to an attempt that a limit refused. Nothing is held meanwhile that others wait for.
    pub async fn delay_refusal(&self, network: Network) {
        self.limits.delay_refusal(network).await;
    }

    /// When and where from a caller asks.
    fn origin(&self, caller: &Caller) -> Origin {
        Origin {
            at: self.clock.now(),
            network: caller.network.coarse(),
            device: DeviceName::of_user_agent(&caller.user_agent),
        }
    }

    /// Judges and hashes a new password of a user; the attempt is taken back if the machine had no time for it.
    async fn hash_chosen(
        &self,
        place: Place,
        user: &User,
        password: Password,
        attempt: &[AttemptKey],
    ) -> Result<PasswordHash, Error> {
        let about = about(&user.name, &user.email);
        let hashed = self.hasher.hash(place, password, about).await;
        if let Err(Error::Busy) = hashed {
            self.limits.take_back(attempt).await;
        }
        hashed
    }

    fn new_device(&self) -> (Token, Device) {
        let token = Token::random();
        let device = Device {
            digest: token.digest(),
            created_at: self.clock.now(),
            unknown: Unknown::new(),
        };
        (token, device)
    }

    fn new_session(&self, caller: &Caller) -> (Token, Session) {
        let token = Token::random();
        let now = self.clock.now();
        let session = Session {
            handle: Handle::random(),
            digest: token.digest(),
            created_at: now,
            used_at: now,
            expires_at: session_end(now, now),
            authenticated_at: now,
            second_factor_at: None,
            network: caller.network.coarse(),
            user_agent: caller.user_agent.chars().take(USER_AGENT_CHARS).collect(),
            unknown: Unknown::new(),
        };
        (token, session)
    }
}

impl Caller {
    /// The requester, for the queue that networks share.
    fn requester(&self, priority: Priority) -> Requester {
        Requester {
            network: self.network,
            priority,
        }
    }

    /// The session that a new one replaces.
    fn replaces(&self) -> Option<Digest> {
        self.session.as_ref().map(Token::digest)
    }
}

/// The words that an attacker would try first against this user.
fn about(name: &str, email: &Email) -> Vec<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let joined = words.concat();
    [name, &joined, email.as_str(), email.local_part()]
        .into_iter()
        .chain(words)
        .map(str::to_owned)
        .collect()
}
