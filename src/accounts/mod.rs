//! The account service itself: what a user can do, and the rules. It knows no HTTP and no database.
//!
//! # Layout
//! - [`name`], [`email`], [`password`], [`token`]: parsed values, random tokens and their digests
//! - [`hasher`]: the threads that hash, behind a [`fair_queue`]; [`strength`]: what is too easy to guess
//! - [`error`]: why something was refused
//! - [`clock`]: the one clock; [`lifetimes`]: how long things live; [`network`]: where requests come from
//! - [`limits`]: refuses attempts; [`limit_table`]: how many there are; [`attempts`]: how they are counted;
//!   [`wait`]: until the next
//! - [`mail`]: the mails, and the trait of what sends them; [`outbox`]: when they are sent
//! - [`user`]: the record of a user and every rule that changes it; [`id`]: what it is named by
//! - [`users`]: how a change is made; [`striped_lock`]: one after the other
//! - `signup`, `login`, `session`, `reset_password`: what a user can do, a file each
//! - [`store`]: the trait of the database; [`sweeper`]: drops what has expired

pub mod attempts;
pub mod clock;
pub mod email;
pub mod error;
pub mod fair_queue;
pub mod hasher;
pub mod id;
pub mod lifetimes;
pub mod limit_table;
pub mod limits;
pub mod mail;
pub mod name;
pub mod network;
pub mod outbox;
pub mod password;
pub mod store;
pub mod strength;
pub mod striped_lock;
pub mod sweeper;
pub mod token;
pub mod user;
pub mod users;
pub mod wait;

mod login;
mod reset_password;
mod session;
mod signup;

use std::sync::Arc;

use tokio::sync::Notify;

use self::{
    clock::Clock,
    email::Email,
    error::Error,
    fair_queue::{Priority, Requester},
    hasher::Hasher,
    id::Handle,
    lifetimes::session_end,
    limits::Limits,
    mail::{MailKind, Mailer, QueuedMail},
    network::Network,
    outbox::Outbox,
    store::Store,
    token::{Digest, Token},
    user::{Device, Session, Unknown},
    users::Users,
};

/// How much of a device's own name is kept, in characters.
const USER_AGENT_CHARS: usize = 200;

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
    users: Arc<Users>,
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
        let users = Arc::new(Users::new(store.clone()));
        let wake = mail_waiting.clone();
        let outbox = Outbox::new(store.clone(), users.clone(), mailer, clock.clone(), wake);
        let accounts = Self {
            limits: Limits::new(store.clone(), clock.clone(), rate_limits),
            store,
            users,
            hasher: Hasher::new(),
            clock,
            mail_waiting,
        };
        (accounts, outbox)
    }

    /// Promises a mail, which goes out if the address has an account.
    async fn queue_mail(&self, kind: MailKind, to: Email) -> Result<(), Error> {
        let mail = QueuedMail::new(kind, to, self.clock.now());
        self.store.queue_mail(mail).await?;
        self.mail_waiting.notify_one();
        Ok(())
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
            user_agent: caller.user_agent.chars().take(USER_AGENT_CHARS).collect(),
            unknown: Unknown::new(),
        };
        (token, session)
    }
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
