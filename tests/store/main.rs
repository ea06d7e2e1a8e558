//! What a store promises, tested on both stores, and what each of them promises alone.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "../common/mongod.rs"]
mod mongod;
#[path = "../common/proxy.rs"]
mod proxy;

/// Every test, once for each store.
macro_rules! contract {
    ($($test:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let folder = crate::embedded::Folder::new();
                super::$test(folder.open()).await;
            })*
        }
        mod mongo {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(crate::mongo::open_new_database().await.0).await;
            })*
        }
    };
}

mod accounts;
mod addresses;
mod attempts;
mod backup;
mod challenges;
mod changes;
mod data_files;
mod delete;
mod embedded;
mod indexes;
mod mongo;
mod outbox;
mod second_factors;
mod secret_keys;
mod sweep;
mod upload_tokens;
mod users;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use fpm_registry::accounts::{
    attempts::{AttemptKey, Limit},
    clock::{Clock, Timestamp},
    device_name::DeviceName,
    email::Email,
    id::Handle,
    mail::{MailKind, QueuedMail},
    name::Name,
    password::PasswordHash,
    record::Unknown,
    security_event::SecurityEvent,
    store::{Key, Store},
    token::{Digest, Token},
    user::{Device, ResetLink, Session, User, event::Origin},
    users::Users,
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

const TWO_AN_HOUR: Limit = Limit::Window {
    attempts: 2,
    window: HOUR,
};

/// The moment of all tests: near the present, since MongoDB drops old mail by its own clock.
fn now() -> Timestamp {
    static NOW: LazyLock<Timestamp> = LazyLock::new(|| Clock::default().now());
    *NOW
}

fn lease() -> Timestamp {
    now().plus(Duration::from_secs(60))
}

fn email(address: &str) -> Email {
    Email::parse(address).unwrap()
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_stored(format!("{text} hashed"))
}

fn digest() -> Digest {
    Token::random().digest()
}

fn session() -> Session {
    Session {
        handle: Handle::random(),
        digest: digest(),
        created_at: now(),
        used_at: now(),
        expires_at: now().plus(14 * DAY),
        authenticated_at: now(),
        second_factor_at: None,
        user_agent: "Firefox".to_owned(),
        network: "192.0.2.0/24".to_owned(),
        unknown: Unknown::new(),
    }
}

fn origin(at: Timestamp) -> Origin {
    Origin {
        at,
        network: "192.0.2.0/24".to_owned(),
        device: DeviceName::of_user_agent("curl/8"),
    }
}

fn device() -> Device {
    Device {
        digest: digest(),
        created_at: now(),
        unknown: Unknown::new(),
    }
}

fn link() -> ResetLink {
    ResetLink {
        digest: digest(),
        expires_at: now().plus(HOUR),
        unknown: Default::default(),
    }
}

/// A user who has just signed up, whose password is `first`.
fn user(address: &str) -> User {
    let name = Name::parse("Ada Lovelace").unwrap();
    User::new(name, email(address), hash("first"), session(), device())
}

/// Adds a user; the same as the store has it.
async fn add(store: &Arc<dyn Store>, user: User) -> User {
    store.insert(&user).await.unwrap();
    User {
        rev: Some(1),
        ..user
    }
}

async fn add_user(store: &Arc<dyn Store>, address: &str) -> User {
    add(store, user(address)).await
}

async fn add_with_link(store: &Arc<dyn Store>, address: &str) -> (User, Digest) {
    let link = link();
    let digest = link.digest;
    let user = User {
        reset: Some(link),
        ..user(address)
    };
    (add(store, user).await, digest)
}

async fn find(store: &Arc<dyn Store>, key: Key<'_>) -> Option<User> {
    store.find(key).await.unwrap()
}

/// Whether the session is somebody's, for those who ask for the user and those who ask for the visitor.
async fn lives(store: &Arc<dyn Store>, session: &Digest) -> bool {
    let user = find(store, Key::Session(session)).await;
    let visitor = store.visitor(session).await.unwrap();
    assert_eq!(
        user.as_ref().map(|user| &user.id),
        visitor.as_ref().map(|visitor| &visitor.id)
    );
    user.is_some()
}

/// Changes a user as another process would.
async fn change<T>(
    store: &Arc<dyn Store>,
    key: Key<'_>,
    rule: impl FnMut(&mut User) -> Option<T>,
) -> Option<T> {
    let users = Users::new(store.clone());
    users.change(key, rule).await.unwrap()
}

/// Logs a user in, if this is still the password.
async fn log_in(store: &Arc<dyn Store>, address: &str, password: &str, session: Session) -> bool {
    let (email, verified) = (email(address), hash(password));
    let login = change(store, Key::Email(&email), |user| {
        (user.password == verified).then(|| user.log_in(session.clone(), None, None))
    });
    login.await.is_some()
}

async fn log_out(store: &Arc<dyn Store>, session: &Digest, moment: Timestamp) -> bool {
    let logout = change(store, Key::Session(session), |user| {
        user.log_out(session, &origin(moment)).then_some(())
    });
    logout.await.is_some()
}

async fn reset(store: &Arc<dyn Store>, link: &Digest, password: &str) -> bool {
    let (password, device) = (hash(password), device());
    let reset = change(store, Key::ResetLink(link), |user| {
        let (password, device) = (password.clone(), device.clone());
        let is_used = user.use_reset(link, password, device, &origin(now()));
        is_used.then_some(())
    });
    reset.await.is_some()
}

/// Counts one attempt; or when the next is allowed.
async fn count(
    store: &Arc<dyn Store>,
    key: &AttemptKey,
    limit: Limit,
    moment: Timestamp,
) -> Result<(), Timestamp> {
    let verdicts = store.count_attempts(&[(key.clone(), limit)], moment).await;
    verdicts.unwrap()[0].map(drop)
}

async fn take_back(store: &Arc<dyn Store>, key: &AttemptKey) {
    let taken_back = [key.clone()];
    store.settle_attempts(&[], &taken_back).await.unwrap();
}

fn notice(address: &str) -> QueuedMail {
    QueuedMail::new(
        MailKind::Security(SecurityEvent::PasswordChanged),
        email(address),
        now(),
    )
}

fn mail_from(moment: Timestamp) -> QueuedMail {
    QueuedMail::new(MailKind::ResetLink, email("ada@example.org"), moment)
}

async fn queue(store: &Arc<dyn Store>) -> QueuedMail {
    let mail = mail_from(now());
    store.queue_mail(mail.clone()).await.unwrap();
    mail
}

/// The mail as it is after it was claimed so many times.
fn with_attempts(mail: QueuedMail, attempts: u32) -> QueuedMail {
    QueuedMail { attempts, ..mail }
}

/// Claims every mail that is due.
async fn claim_all(store: &Arc<dyn Store>) -> Vec<QueuedMail> {
    let mut claimed = Vec::new();
    while let Some(mail) = store.claim_mail(now(), lease()).await.unwrap() {
        claimed.push(mail);
        assert!(claimed.len() < 100, "a claimed mail is claimed again");
    }
    claimed
}

/// Runs tasks at once.
async fn all<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut outcomes = Vec::new();
    for task in running {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}
