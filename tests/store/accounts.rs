//! What a login and a signup leave in the store: what they change beside the rules of a user.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use async_trait::async_trait;
use fpm_registry::accounts::{
    Accounts, Caller, Login, SecondStep,
    clock::Clock,
    error::Error,
    mail::{Mail, MailError, MailState, Mailer, QueuedMail},
    outbox::Outbox,
    password::PasswordHash,
    policy::PasswordPolicy,
    store::{Key, Store},
    token::Digest,
    user::User,
};

use crate::{add, embedded::Folder, find, lives, mail_from, now, user, with_attempts};

const PASSWORD: &str = "correct horse battery";

#[tokio::test(flavor = "multi_thread")]
async fn a_login_upgrades_the_password() {
    let folder = Folder::new();
    let store = folder.open();
    let weak = User {
        password: weak_hash(PASSWORD),
        ..user("ada@example.org")
    };
    let before = add(&store, weak).await;
    let accounts = accounts(&store);
    let log_in_and_find = async || {
        let session = log_in(&accounts, "ada@example.org", PASSWORD).await;
        assert!(lives(&store, &session).await);
        find(&store, Key::Id(&before.id)).await.unwrap()
    };
    let after = log_in_and_find().await;
    let strong = "$argon2id$v=19$m=19456,t=2,p=1$";
    assert!(after.password.as_str().starts_with(strong));
    assert_eq!((after.sessions.len(), after.rev), (2, Some(2)));
    assert_eq!(log_in_and_find().await.password, after.password);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signup_ends_the_session_of_the_device_unless_it_is_refused() {
    let folder = Folder::new();
    let store = folder.open();
    let accounts = accounts(&store);
    let sign_up = async |caller: &Caller, address: &str| {
        let signup = accounts.signup(caller, "Ada Lovelace", address, PASSWORD);
        signup.await.map(|signup| signup.session)
    };
    let before = sign_up(&Caller::default(), "ada@example.org").await;
    let before = before.unwrap();
    let caller = Caller {
        session: Some(before.clone()),
        ..Caller::default()
    };
    let refused = sign_up(&caller, "ada@example.org").await;
    assert!(matches!(refused, Err(Error::EmailTaken)));
    assert!(lives(&store, &before.digest()).await);
    let after = sign_up(&caller, "bob@example.org").await.unwrap();
    assert!(!lives(&store, &before.digest()).await);
    assert!(lives(&store, &after.digest()).await);
}

/// A process of a later version sends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_of_a_later_version_is_left_to_it() {
    let folder = Folder::new();
    let store = folder.open();
    let mut later = serde_json::to_value(mail_from(now())).unwrap();
    later["kind"] = "token-expires".into();
    later["token"] = "laptop".into();
    let later: QueuedMail = serde_json::from_value(later).unwrap();
    store.queue_mail(later.clone()).await.unwrap();
    let (_, outbox) = accounts_and_outbox(&store);
    assert!(outbox.deliver_next().await.unwrap());
    assert!(!outbox.deliver_next().await.unwrap());
    let [left] = &store.mails(9).await.unwrap()[..] else {
        panic!("one mail");
    };
    let left_to_it = QueuedMail {
        last_failure: "a later version of the registry knows what this mail says".to_owned(),
        ..later
    };
    assert_eq!(left.mail, with_attempts(left_to_it, 1));
    assert!(matches!(left.state, MailState::Waiting(_)));
    let kept = serde_json::to_value(&left.mail).unwrap();
    assert_eq!(
        (&kept["kind"], &kept["token"]),
        (&"token-expires".into(), &"laptop".into())
    );
}

/// Logs a user without a second factor in; the digest of the session.
pub async fn log_in(accounts: &Accounts, email: &str, password: &str) -> Digest {
    let (caller, second) = (Caller::default(), SecondStep::None);
    match accounts.login(&caller, email, password, second).await {
        Ok(Login::Done(logged_in)) => logged_in.session.digest(),
        Ok(Login::Pending(_)) => panic!("there is no second factor"),
        Err(error) => panic!("{error}"),
    }
}

pub fn accounts(store: &Arc<dyn Store>) -> Accounts {
    accounts_and_outbox(store).0
}

fn accounts_and_outbox(store: &Arc<dyn Store>) -> (Accounts, Outbox) {
    let (clock, policy) = (Clock::default(), PasswordPolicy::default());
    Accounts::new(store.clone(), Arc::new(NoMail), clock, policy, true)
}

/// The hash of a password as one with less memory made it.
pub fn weak_hash(password: &str) -> PasswordHash {
    let params = Params::new(8192, 1, 1, None).unwrap();
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = weak.hash_password(password.as_bytes()).unwrap();
    PasswordHash::from_stored(hash.to_string())
}

/// Takes every mail.
struct NoMail;

#[async_trait]
impl Mailer for NoMail {
    async fn send(&self, _: Mail) -> Result<(), MailError> {
        Ok(())
    }
}
