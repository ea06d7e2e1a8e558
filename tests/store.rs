//! The promises of `Store`, each tested on both stores.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used)]

#[path = "common/mongod.rs"]
mod mongod;
#[path = "common/proxy.rs"]
mod proxy;
#[path = "common/steps.rs"]
mod steps;

use std::{
    collections::{BTreeMap, HashSet},
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use fpm_registry::{
    accounts::{
        attempts::{AttemptKey, Attempts, FOR_EVER, Limit},
        clock::{Clock, Timestamp},
        email::Email,
        id::Handle,
        mail::{MAIL_LIFE, MailId, MailKind, QueuedMail},
        name::Name,
        password::PasswordHash,
        store::{InsertError, Key, Replaced, SWEPT_AT_ONCE, Store},
        token::{Digest, Token},
        user::{Device, MAX_DEVICES, MAX_SESSIONS, Session, Unknown},
    },
    server::store::{open_embedded, open_mongo},
};
use mongod::{Mongod, database_name};
use mongodb::{
    Client, Collection, Database,
    bson::{Bson, DateTime, Document, doc},
};
use proxy::{Fault, Proxy};
use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, TableHandle};
use steps::{Login, NewUser, Steps};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Every contract test, once for each store.
macro_rules! contract {
    ($($test:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let folder = super::Folder::new();
                super::$test(folder.open()).await;
            })*
        }
        mod mongo {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::open_new_database().await.0).await;
            })*
        }
    };
}

contract! {
    a_user_is_found_as_added
    an_unknown_user_is_not_found
    one_email_has_one_user
    a_hundred_signups_of_one_email_make_one_user
    a_refused_user_ends_no_session
    a_new_user_ends_the_session_of_the_device
    a_session_is_found_as_added
    an_expired_session_is_still_found
    a_login_with_another_password_changes_nothing
    a_login_upgrades_the_password
    a_login_drops_expired_sessions
    a_login_past_the_limit_ends_the_oldest_session
    a_login_ends_the_session_it_replaces
    a_login_ends_a_session_of_another_user
    logins_at_once_are_all_kept
    text_from_outside_is_kept_as_it_is
    a_touched_session_lives_longer
    a_touch_brings_no_session_back
    a_removed_session_is_gone
    a_removal_leaves_the_other_sessions
    one_of_many_removals_counts
    an_expired_session_cannot_be_removed
    a_reset_link_lives_until_it_expires
    a_newer_reset_link_ends_the_older
    a_reset_link_for_nobody_is_nothing
    a_reset_changes_everything_at_once
    a_dead_reset_link_changes_nothing
    one_of_many_resets_counts
    no_login_with_the_old_password_outlives_a_reset
    a_login_drops_no_reset_link
    a_device_is_remembered
    a_user_is_found_by_a_device_of_their_own
    a_user_is_found_by_every_key_and_by_none_that_is_gone
    a_change_that_another_came_before_is_refused
    changes_at_once_are_all_kept
    a_device_past_the_limit_replaces_the_oldest
    a_reset_forgets_all_other_devices
    attempts_past_the_most_wait_for_the_end_of_the_window
    attempts_slow_down_and_end
    an_open_limit_is_open_to_a_clock_that_is_behind
    attempts_are_counted_each_for_itself
    an_attempt_taken_back_or_forgotten_is_none
    attempts_at_once_never_pass_the_limit
    a_mail_is_claimed_as_queued
    the_mail_due_longest_comes_first
    a_claimed_mail_is_hidden_until_the_lease_ends
    claimers_at_once_never_share_a_mail
    a_retried_mail_waits_for_its_hour
    a_removed_mail_is_gone
    a_parked_mail_never_comes_back
    expedited_mail_is_due_but_not_what_others_hold
    a_sweep_drops_old_mail
    a_sweep_keeps_what_lives
    a_sweep_drops_expired_attempts_a_few_at_a_time
    a_sweep_drops_attempts_that_are_too_many
}

async fn a_user_is_found_as_added(store: Arc<dyn Store>) {
    store.add_user(new_user("ada@example.org")).await.unwrap();
    let user = store
        .user_by_email(&email("ada@example.org"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(user.name, "Ada Lovelace");
    assert_eq!(user.email, email("ada@example.org"));
    assert_eq!(user.password, hash("first"));
    assert_eq!(user.id.as_str().len(), 24);
}

async fn an_unknown_user_is_not_found(store: Arc<dyn Store>) {
    store.add_user(new_user("ada@example.org")).await.unwrap();
    assert!(
        store
            .user_by_email(&email("bob@example.org"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.user_by_session(&digest()).await.unwrap().is_none());
    assert!(
        store
            .user_by_reset(&digest(), now())
            .await
            .unwrap()
            .is_none()
    );
}

async fn one_email_has_one_user(store: Arc<dyn Store>) {
    let first = new_user("ada@example.org");
    let session = first.session.digest;
    store.add_user(first).await.unwrap();
    let second = NewUser {
        password: hash("second"),
        ..new_user("ada@example.org")
    };
    let second_session = second.session.digest;
    assert!(matches!(
        store.add_user(second).await,
        Err(InsertError::Taken)
    ));
    assert_eq!(password_of(&store, "ada@example.org").await, hash("first"));
    assert!(lives(&store, &session).await);
    assert!(!lives(&store, &second_session).await);
}

async fn a_hundred_signups_of_one_email_make_one_user(store: Arc<dyn Store>) {
    let users: Vec<_> = (0..100)
        .map(|n| NewUser {
            password: hash(&n.to_string()),
            ..new_user("ada@example.org")
        })
        .collect();
    let sessions: Vec<_> = users.iter().map(|user| user.session.digest).collect();
    let signups = users.into_iter().map(|user| {
        let store = store.clone();
        async move {
            match store.add_user(user).await {
                Ok(()) => true,
                Err(InsertError::Taken) => false,
                Err(InsertError::Store(error)) => panic!("{error}"),
            }
        }
    });
    let added = all(signups).await;
    assert_eq!(added.iter().filter(|&&added| added).count(), 1);
    for (n, (added, session)) in added.into_iter().zip(sessions).enumerate() {
        assert_eq!(lives(&store, &session).await, added);
        if added {
            assert_eq!(
                password_of(&store, "ada@example.org").await,
                hash(&n.to_string())
            );
        }
    }
}

async fn a_refused_user_ends_no_session(store: Arc<dyn Store>) {
    let session = add(&store, "ada@example.org").await;
    let user = NewUser {
        replaces: Some(session),
        ..new_user("ada@example.org")
    };
    assert!(matches!(
        store.add_user(user).await,
        Err(InsertError::Taken)
    ));
    assert!(lives(&store, &session).await);
}

async fn a_new_user_ends_the_session_of_the_device(store: Arc<dyn Store>) {
    let session = add(&store, "ada@example.org").await;
    let user = NewUser {
        replaces: Some(session),
        ..new_user("bob@example.org")
    };
    let new_session = user.session.digest;
    store.add_user(user).await.unwrap();
    assert!(!lives(&store, &session).await);
    assert!(lives(&store, &new_session).await);
}

async fn a_session_is_found_as_added(store: Arc<dyn Store>) {
    add(&store, "ada@example.org").await;
    let session = Session {
        used_at: now().plus(HOUR),
        expires_at: now().plus(DAY),
        user_agent: "curl/8".to_owned(),
        ..session()
    };
    assert!(log_in(&store, "ada@example.org", session.clone(), None).await);
    let (user, found) = store
        .user_by_session(&session.digest)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found, session);
    assert_eq!(user.email, email("ada@example.org"));
    assert_eq!(user.password, hash("first"));
}

async fn an_expired_session_is_still_found(store: Arc<dyn Store>) {
    add(&store, "ada@example.org").await;
    let expired = Session {
        expires_at: now().minus(DAY),
        ..session()
    };
    assert!(log_in(&store, "ada@example.org", expired.clone(), None).await);
    let (_, found) = store
        .user_by_session(&expired.digest)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found, expired);
}

async fn a_login_with_another_password_changes_nothing(store: Arc<dyn Store>) {
    let kept = add(&store, "ada@example.org").await;
    for (address, verified) in [("ada@example.org", "other"), ("bob@example.org", "first")] {
        let session = session();
        let digest = session.digest;
        let login = Login {
            email: &email(address),
            verified: &hash(verified),
            upgraded: Some(hash("upgraded")),
            session,
            device: None,
            replaces: Some(kept),
        };
        assert!(!store.add_session(login).await.unwrap());
        assert!(!lives(&store, &digest).await);
        assert!(lives(&store, &kept).await);
        assert_eq!(password_of(&store, "ada@example.org").await, hash("first"));
    }
}

async fn a_login_upgrades_the_password(store: Arc<dyn Store>) {
    let before = add(&store, "ada@example.org").await;
    let session = session();
    let digest = session.digest;
    let login = Login {
        email: &email("ada@example.org"),
        verified: &hash("first"),
        upgraded: Some(hash("upgraded")),
        session,
        device: None,
        replaces: None,
    };
    assert!(store.add_session(login).await.unwrap());
    assert_eq!(
        password_of(&store, "ada@example.org").await,
        hash("upgraded")
    );
    assert!(lives(&store, &digest).await && lives(&store, &before).await);
}

async fn a_login_drops_expired_sessions(store: Arc<dyn Store>) {
    let kept = add(&store, "ada@example.org").await;
    let ended = Session {
        expires_at: now().plus(HOUR),
        ..session()
    };
    assert!(log_in(&store, "ada@example.org", ended.clone(), None).await);
    assert!(lives(&store, &ended.digest).await);
    let later = Session {
        created_at: now().plus(HOUR),
        ..session()
    };
    assert!(log_in(&store, "ada@example.org", later.clone(), None).await);
    assert!(!lives(&store, &ended.digest).await);
    assert!(lives(&store, &kept).await && lives(&store, &later.digest).await);
}

async fn a_login_past_the_limit_ends_the_oldest_session(store: Arc<dyn Store>) {
    let mut sessions = vec![add(&store, "ada@example.org").await];
    for _ in 0..MAX_SESSIONS {
        let session = session();
        sessions.push(session.digest);
        assert!(log_in(&store, "ada@example.org", session, None).await);
    }
    assert_eq!(sessions.len(), MAX_SESSIONS + 1);
    assert!(!lives(&store, &sessions[0]).await);
    for session in &sessions[1..] {
        assert!(lives(&store, session).await);
    }
}

async fn a_login_ends_the_session_it_replaces(store: Arc<dyn Store>) {
    let replaced = add(&store, "ada@example.org").await;
    let other = session();
    assert!(log_in(&store, "ada@example.org", other.clone(), None).await);
    let new = session();
    assert!(log_in(&store, "ada@example.org", new.clone(), Some(replaced)).await);
    assert!(!lives(&store, &replaced).await);
    assert!(lives(&store, &other.digest).await && lives(&store, &new.digest).await);
}

async fn a_login_ends_a_session_of_another_user(store: Arc<dyn Store>) {
    let replaced = add(&store, "bob@example.org").await;
    let other = session();
    assert!(log_in(&store, "bob@example.org", other.clone(), None).await);
    add(&store, "ada@example.org").await;
    let new = session();
    assert!(log_in(&store, "ada@example.org", new.clone(), Some(replaced)).await);
    assert!(!lives(&store, &replaced).await);
    assert!(lives(&store, &other.digest).await && lives(&store, &new.digest).await);
}

async fn logins_at_once_are_all_kept(store: Arc<dyn Store>) {
    let first = add(&store, "ada@example.org").await;
    let logins = (1..MAX_SESSIONS).map(|_| {
        let store = store.clone();
        async move {
            let session = session();
            let digest = session.digest;
            assert!(log_in(&store, "ada@example.org", session, None).await);
            digest
        }
    });
    for digest in all(logins).await {
        assert!(lives(&store, &digest).await);
    }
    assert!(lives(&store, &first).await);
}

async fn text_from_outside_is_kept_as_it_is(store: Arc<dyn Store>) {
    for (n, text) in [
        "$password",
        "$$ROOT",
        "{\"$gt\":\"\"}",
        "a.b",
        "\"\\\u{0}é🦆",
    ]
    .into_iter()
    .enumerate()
    {
        let address = format!("ada{n}@example.org");
        let user = NewUser {
            password: hash(text),
            name: Name::parse(&text.replace('\0', "")).unwrap(),
            ..new_user(&address)
        };
        store.add_user(user).await.unwrap();
        let session = Session {
            user_agent: text.to_owned(),
            ..session()
        };
        let digest = session.digest;
        let login = Login {
            email: &email(&address),
            verified: &hash(text),
            upgraded: Some(hash(&format!("{text}2"))),
            session,
            device: None,
            replaces: None,
        };
        assert!(store.add_session(login).await.unwrap());
        let (user, session) = store.user_by_session(&digest).await.unwrap().unwrap();
        assert_eq!(session.user_agent, text);
        assert_eq!(user.name, text.replace('\0', ""));
        assert_eq!(user.password, hash(&format!("{text}2")));
    }
}

async fn a_touched_session_lives_longer(store: Arc<dyn Store>) {
    add(&store, "ada@example.org").await;
    let (session, other) = (session(), session());
    assert!(log_in(&store, "ada@example.org", session.clone(), None).await);
    assert!(log_in(&store, "ada@example.org", other.clone(), None).await);
    let (used_at, expires_at) = (now().plus(HOUR), now().plus(20 * DAY));
    store
        .touch_session(&session.digest, used_at, expires_at)
        .await
        .unwrap();
    let (_, found) = store
        .user_by_session(&session.digest)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        found,
        Session {
            used_at,
            expires_at,
            ..session
        }
    );
    let (_, found) = store.user_by_session(&other.digest).await.unwrap().unwrap();
    assert_eq!(found, other);
}

async fn a_touch_brings_no_session_back(store: Arc<dyn Store>) {
    let session = add(&store, "ada@example.org").await;
    assert!(store.remove_session(&session, now()).await.unwrap());
    store
        .touch_session(&session, now(), now().plus(DAY))
        .await
        .unwrap();
    assert!(!lives(&store, &session).await);
}

async fn a_removed_session_is_gone(store: Arc<dyn Store>) {
    let session = add(&store, "ada@example.org").await;
    assert!(store.remove_session(&session, now()).await.unwrap());
    assert!(!lives(&store, &session).await);
    assert!(!store.remove_session(&session, now()).await.unwrap());
    assert!(!store.remove_session(&digest(), now()).await.unwrap());
}

async fn a_removal_leaves_the_other_sessions(store: Arc<dyn Store>) {
    let first = add(&store, "ada@example.org").await;
    let second = session();
    assert!(log_in(&store, "ada@example.org", second.clone(), None).await);
    assert!(store.remove_session(&second.digest, now()).await.unwrap());
    assert!(lives(&store, &first).await);
}

async fn one_of_many_removals_counts(store: Arc<dyn Store>) {
    let session = add(&store, "ada@example.org").await;
    let removals = (0..20).map(|_| {
        let store = store.clone();
        async move { store.remove_session(&session, now()).await.unwrap() }
    });
    let removed = all(removals).await;
    assert_eq!(removed.into_iter().filter(|&removed| removed).count(), 1);
}

async fn an_expired_session_cannot_be_removed(store: Arc<dyn Store>) {
    let session = new_user("ada@example.org").session;
    let user = NewUser {
        session: session.clone(),
        ..new_user("ada@example.org")
    };
    store.add_user(user).await.unwrap();
    assert!(
        !store
            .remove_session(&session.digest, session.expires_at)
            .await
            .unwrap()
    );
}

async fn a_reset_link_lives_until_it_expires(store: Arc<dyn Store>) {
    let link = add_with_link(&store, "ada@example.org").await;
    let user = store.user_by_reset(&link, now()).await.unwrap().unwrap();
    assert_eq!(user.email, email("ada@example.org"));
    let last = link_end().minus(Duration::from_millis(1));
    assert!(store.user_by_reset(&link, last).await.unwrap().is_some());
    assert!(
        store
            .user_by_reset(&link, link_end())
            .await
            .unwrap()
            .is_none()
    );
}

async fn a_newer_reset_link_ends_the_older(store: Arc<dyn Store>) {
    let older = add_with_link(&store, "ada@example.org").await;
    let newer = digest();
    store
        .set_reset(&email("ada@example.org"), &newer, link_end())
        .await
        .unwrap();
    assert!(store.user_by_reset(&older, now()).await.unwrap().is_none());
    assert!(!reset(&store, &older, "second").await);
    assert!(store.user_by_reset(&newer, now()).await.unwrap().is_some());
}

async fn a_reset_link_for_nobody_is_nothing(store: Arc<dyn Store>) {
    let link = digest();
    store
        .set_reset(&email("ada@example.org"), &link, link_end())
        .await
        .unwrap();
    assert!(
        store
            .user_by_email(&email("ada@example.org"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(!reset(&store, &link, "second").await);
}

async fn a_reset_changes_everything_at_once(store: Arc<dyn Store>) {
    let link = add_with_link(&store, "ada@example.org").await;
    let session = session();
    assert!(log_in(&store, "ada@example.org", session.clone(), None).await);
    let notice = QueuedMail::new(MailKind::PasswordChanged, email("ada@example.org"), now());
    assert!(
        store
            .reset_password(&link, hash("second"), device(), notice.clone(), now())
            .await
            .unwrap()
    );
    assert_eq!(password_of(&store, "ada@example.org").await, hash("second"));
    assert!(!lives(&store, &session.digest).await);
    assert!(store.user_by_reset(&link, now()).await.unwrap().is_none());
    assert_eq!(
        claim_all(&store).await,
        [QueuedMail {
            attempts: 1,
            ..notice
        }]
    );
    assert!(!reset(&store, &link, "third").await);
    assert_eq!(claim_all(&store).await, []);
}

async fn a_dead_reset_link_changes_nothing(store: Arc<dyn Store>) {
    let link = add_with_link(&store, "ada@example.org").await;
    let session = session();
    assert!(log_in(&store, "ada@example.org", session.clone(), None).await);
    for (link, at) in [(link, link_end()), (digest(), now())] {
        let notice = QueuedMail::new(MailKind::PasswordChanged, email("ada@example.org"), at);
        assert!(
            !store
                .reset_password(&link, hash("second"), device(), notice, at)
                .await
                .unwrap()
        );
    }
    assert_eq!(password_of(&store, "ada@example.org").await, hash("first"));
    assert!(lives(&store, &session.digest).await);
    assert_eq!(claim_all(&store).await, []);
    assert!(reset(&store, &link, "second").await);
}

async fn one_of_many_resets_counts(store: Arc<dyn Store>) {
    let link = add_with_link(&store, "ada@example.org").await;
    let resets = (0..50).map(|n| {
        let store = store.clone();
        async move { reset(&store, &link, &n.to_string()).await }
    });
    let done = all(resets).await;
    let winners: Vec<_> = (0..50).filter(|&n| done[n]).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(
        password_of(&store, "ada@example.org").await,
        hash(&winners[0].to_string())
    );
    store.expedite_mail(now()).await.unwrap();
    store.sweep(now(), u64::MAX).await.unwrap();
    assert_eq!(claim_all(&store).await.len(), 1);
}

async fn no_login_with_the_old_password_outlives_a_reset(store: Arc<dyn Store>) {
    for round in 0..5 {
        let address = format!("ada{round}@example.org");
        let link = add_with_link(&store, &address).await;
        let logins = (0..20).map(|_| {
            let (store, address) = (store.clone(), address.clone());
            async move {
                let session = session();
                let digest = session.digest;
                log_in(&store, &address, session, None)
                    .await
                    .then_some(digest)
            }
        });
        let change = tokio::spawn({
            let store = store.clone();
            async move { reset(&store, &link, "second").await }
        });
        let sessions = all(logins).await;
        assert!(change.await.unwrap());
        for digest in sessions.into_iter().flatten() {
            assert!(!lives(&store, &digest).await);
        }
        assert!(!log_in(&store, &address, session(), None).await);
    }
}

async fn a_login_drops_no_reset_link(store: Arc<dyn Store>) {
    let link = add_with_link(&store, "ada@example.org").await;
    assert!(log_in(&store, "ada@example.org", session(), None).await);
    assert!(store.user_by_reset(&link, now()).await.unwrap().is_some());
}

async fn a_device_is_remembered(store: Arc<dyn Store>) {
    let user = new_user("ada@example.org");
    let first = user.device.clone();
    store.add_user(user).await.unwrap();
    let second = device();
    assert!(log_in_from(&store, Some(second.clone())).await);
    assert!(log_in_from(&store, None).await);
    assert_eq!(devices_of_ada(&store).await, [first, second]);
}

async fn a_user_is_found_by_a_device_of_their_own(store: Arc<dyn Store>) {
    let mut devices = Vec::new();
    for address in ["ada@example.org", "eve@example.org"] {
        let user = new_user(address);
        devices.push(user.device.digest);
        store.add_user(user).await.unwrap();
    }
    let find = async |address: &str, device: Digest| {
        let owner = store.user_by_device(&email(address), &device).await;
        owner.unwrap().map(|user| user.email)
    };
    let ada = email("ada@example.org");
    assert_eq!(find("ada@example.org", devices[0]).await, Some(ada));
    for (address, other) in [
        ("ada@example.org", devices[1]),
        ("ada@example.org", device().digest),
        ("bob@example.org", devices[0]),
    ] {
        assert_eq!(find(address, other).await, None);
    }
}

async fn a_user_is_found_by_every_key_and_by_none_that_is_gone(store: Arc<dyn Store>) {
    let link = add_with_link(&store, "ada@example.org").await;
    let before = store.find(Key::ResetLink(&link)).await.unwrap().unwrap();
    let old = [before.email.clone(), email("grace@example.org")];
    let session = before.sessions[0].digest;
    for key in [
        Key::Id(&before.id),
        Key::Email(&before.email),
        Key::Session(&session),
    ] {
        assert_eq!(store.find(key).await.unwrap().as_ref(), Some(&before));
    }
    let mut after = before.clone();
    after.email = old[1].clone();
    after.end_session(&session);
    after.reset = None;
    assert_eq!(
        store.replace(&before, &after).await.unwrap(),
        Replaced::Done
    );
    for gone in [
        Key::Email(&old[0]),
        Key::Session(&session),
        Key::ResetLink(&link),
    ] {
        assert_eq!(store.find(gone).await.unwrap(), None, "{gone:?}");
    }
    for key in [Key::Id(&before.id), Key::Email(&old[1])] {
        let found = store.find(key).await.unwrap().unwrap();
        assert_eq!((found.id, found.email), (before.id.clone(), old[1].clone()));
    }
    store.add_user(new_user("ada@example.org")).await.unwrap();
    let taken = store.add_user(new_user("grace@example.org")).await;
    assert!(matches!(taken, Err(InsertError::Taken)));
    let grace = store.find(Key::Id(&before.id)).await.unwrap().unwrap();
    let mut ada = grace.clone();
    ada.email = old[0].clone();
    assert_eq!(store.replace(&grace, &ada).await.unwrap(), Replaced::Taken);
    let found = store.find(Key::Id(&before.id)).await.unwrap();
    assert_eq!(found, Some(grace));
}

async fn a_change_that_another_came_before_is_refused(store: Arc<dyn Store>) {
    add(&store, "ada@example.org").await;
    let ada = email("ada@example.org");
    let read = store.find(Key::Email(&ada)).await.unwrap().unwrap();
    let named = |name: &str| {
        let mut user = read.clone();
        user.name = name.to_owned();
        user
    };
    for (name, replaced) in [("Grace", Replaced::Done), ("Eve", Replaced::Conflict)] {
        let kept = store.replace(&read, &named(name)).await;
        assert_eq!(kept.unwrap(), replaced);
    }
    let user = store.find(Key::Email(&ada)).await.unwrap().unwrap();
    assert_eq!(user.name, "Grace");
    assert_eq!(store.replace(&user, &user).await.unwrap(), Replaced::Done);
}

async fn changes_at_once_are_all_kept(store: Arc<dyn Store>) {
    add(&store, "ada@example.org").await;
    let ada = email("ada@example.org");
    let users = fpm_registry::accounts::users::Users::new(store.clone());
    let changes = (0..50).map(|_| {
        users.change(Key::Email(&ada), |user| {
            user.name.push('x');
            Some(())
        })
    });
    for changed in futures_util::future::join_all(changes).await {
        assert_eq!(changed.unwrap(), Some(()));
    }
    let user = store.find(Key::Email(&ada)).await.unwrap().unwrap();
    assert!(user.name.ends_with(&"x".repeat(50)), "{}", user.name);
}

async fn a_device_past_the_limit_replaces_the_oldest(store: Arc<dyn Store>) {
    add(&store, "ada@example.org").await;
    let devices = [(); MAX_DEVICES].map(|()| device());
    for device in &devices {
        assert!(log_in_from(&store, Some(device.clone())).await);
    }
    assert_eq!(devices_of_ada(&store).await, devices);
}

async fn a_reset_forgets_all_other_devices(store: Arc<dyn Store>) {
    let link = add_with_link(&store, "ada@example.org").await;
    let notice = QueuedMail::new(MailKind::PasswordChanged, email("ada@example.org"), now());
    let new = device();
    let reset = store.reset_password(&link, hash("second"), new.clone(), notice, now());
    assert!(reset.await.unwrap());
    assert_eq!(devices_of_ada(&store).await, [new]);
}

const TWO_AN_HOUR: Limit = Limit::Window {
    attempts: 2,
    window: HOUR,
};

async fn attempts_past_the_most_wait_for_the_end_of_the_window(store: Arc<dyn Store>) {
    let ada = AttemptKey::from("ada");
    let end = now().plus(HOUR);
    assert_eq!(count(&store, &ada, TWO_AN_HOUR, now()).await, Ok(()));
    let soon = now().plus(Duration::from_secs(60));
    assert_eq!(count(&store, &ada, TWO_AN_HOUR, soon).await, Ok(()));
    for moment in [soon, end.minus(Duration::from_millis(1))] {
        assert_eq!(count(&store, &ada, TWO_AN_HOUR, moment).await, Err(end));
    }
    let bob = AttemptKey::from("bob");
    assert_eq!(count(&store, &bob, TWO_AN_HOUR, soon).await, Ok(()));
    for _ in 0..2 {
        assert_eq!(count(&store, &ada, TWO_AN_HOUR, end).await, Ok(()));
    }
    assert_eq!(
        count(&store, &ada, TWO_AN_HOUR, end).await,
        Err(end.plus(HOUR))
    );
}

async fn attempts_slow_down_and_end(store: Arc<dyn Store>) {
    let limit = Limit::Backoff {
        free: 3,
        first_wait: Duration::from_secs(30),
        longest_wait: Duration::from_secs(100),
        memory: DAY,
    };
    let ada = AttemptKey::from("ada");
    let mut moment = now();
    let mut waits = Vec::new();
    for _ in 0..6 {
        assert_eq!(count(&store, &ada, limit, moment).await, Ok(()));
        let next = match count(&store, &ada, limit, moment).await {
            Ok(()) => {
                take_back(&store, &ada).await;
                moment
            }
            Err(open_at) => open_at,
        };
        waits.push((next.millis() - moment.millis()) / 1000);
        moment = next;
    }
    assert_eq!(waits, [0, 0, 30, 60, 100, 100]);
    let verdicts = store.count_attempts(&[(ada, limit)], moment).await;
    let open_at = moment.plus(Duration::from_secs(100));
    let seventh = Attempts {
        count: 7,
        open_at,
        expires_at: moment.plus(DAY),
    };
    assert_eq!(verdicts.unwrap(), [Ok(seventh)]);

    let bob = AttemptKey::from("bob");
    for moment in [now(), now(), now().plus(2 * DAY)] {
        assert_eq!(count(&store, &bob, limit, moment).await, Ok(()));
    }
    let forgotten = now().plus(2 * DAY);
    assert_eq!(count(&store, &bob, limit, forgotten).await, Ok(()));

    let once = Limit::Backoff {
        free: 1,
        first_wait: FOR_EVER,
        longest_wait: FOR_EVER,
        memory: DAY,
    };
    let eve = AttemptKey::from("eve");
    assert_eq!(count(&store, &eve, once, now()).await, Ok(()));
    let years_later = now().plus(3650 * DAY);
    assert!(count(&store, &eve, once, years_later).await.is_err());
    store
        .settle_attempts(std::slice::from_ref(&eve), &[])
        .await
        .unwrap();
    assert_eq!(count(&store, &eve, once, years_later).await, Ok(()));
}

async fn an_open_limit_is_open_to_a_clock_that_is_behind(store: Arc<dyn Store>) {
    let behind = now().minus(Duration::from_secs(5));
    let backoff = Limit::Backoff {
        free: 3,
        first_wait: Duration::from_secs(30),
        longest_wait: DAY,
        memory: DAY,
    };
    let window = Limit::Window {
        attempts: 3,
        window: DAY,
    };
    for (key, limit) in [("window", window), ("backoff", backoff)] {
        let key = AttemptKey::from(key);
        assert_eq!(count(&store, &key, limit, now()).await, Ok(()));
        assert_eq!(count(&store, &key, limit, behind).await, Ok(()));
        take_back(&store, &key).await;
        assert_eq!(count(&store, &key, limit, behind).await, Ok(()));
        assert_eq!(count(&store, &key, limit, behind).await, Ok(()));
        assert!(count(&store, &key, limit, behind).await.is_err());
    }
}

async fn attempts_are_counted_each_for_itself(store: Arc<dyn Store>) {
    let (closed, open) = (AttemptKey::from("closed"), AttemptKey::from("open"));
    let end = now().plus(HOUR);
    for _ in 0..2 {
        assert_eq!(count(&store, &closed, TWO_AN_HOUR, now()).await, Ok(()));
    }
    let counted = |count, open_at| {
        Ok(Attempts {
            count,
            open_at,
            expires_at: end,
        })
    };
    for open in [counted(1, Timestamp::PAST), counted(2, end), Err(end)] {
        let attempts = ["closed", "open"].map(|key| (AttemptKey::from(key), TWO_AN_HOUR));
        let verdicts = store.count_attempts(&attempts, now()).await.unwrap();
        assert_eq!(verdicts, [Err(end), open]);
    }
    take_back(&store, &open).await;
    assert_eq!(count(&store, &open, TWO_AN_HOUR, now()).await, Ok(()));
    assert_eq!(store.count_attempts(&[], now()).await.unwrap(), []);
}

async fn an_attempt_taken_back_or_forgotten_is_none(store: Arc<dyn Store>) {
    let (ada, bob) = (AttemptKey::from("ada"), AttemptKey::from("bob"));
    let settle = async || {
        let (ada, bob) = ([ada.clone()], [bob.clone()]);
        store.settle_attempts(&ada, &bob).await.unwrap();
    };
    settle().await;
    for key in [&ada, &ada, &bob, &bob] {
        assert_eq!(count(&store, key, TWO_AN_HOUR, now()).await, Ok(()));
    }
    settle().await;
    for key in [&ada, &ada, &bob] {
        assert_eq!(count(&store, key, TWO_AN_HOUR, now()).await, Ok(()));
    }
    for key in [&ada, &bob] {
        assert!(count(&store, key, TWO_AN_HOUR, now()).await.is_err());
    }
}

async fn attempts_at_once_never_pass_the_limit(store: Arc<dyn Store>) {
    let limit = Limit::Window {
        attempts: 7,
        window: HOUR,
    };
    let attempts = (0..50).map(|_| {
        let store = store.clone();
        async move {
            count(&store, &AttemptKey::from("ada"), limit, now())
                .await
                .is_ok()
        }
    });
    let counted = all(attempts).await;
    assert_eq!(counted.into_iter().filter(|&counted| counted).count(), 7);
}

async fn a_mail_is_claimed_as_queued(store: Arc<dyn Store>) {
    for kind in [MailKind::ResetLink, MailKind::PasswordChanged] {
        let mail = QueuedMail::new(kind, email("ada@example.org"), now());
        store.queue_mail(mail.clone()).await.unwrap();
        let before = now().minus(Duration::from_millis(1));
        assert_eq!(store.claim_mail(before, lease()).await.unwrap(), None);
        let claimed = store.claim_mail(now(), lease()).await.unwrap();
        assert_eq!(
            claimed,
            Some(QueuedMail {
                attempts: 1,
                ..mail
            })
        );
    }
}

async fn the_mail_due_longest_comes_first(store: Arc<dyn Store>) {
    let mails: Vec<_> = [3, 1, 2]
        .map(|hours| mail_from(now().minus(hours * HOUR)))
        .into();
    for mail in &mails {
        store.queue_mail(mail.clone()).await.unwrap();
    }
    let claimed: Vec<_> = claim_all(&store).await.iter().map(|mail| mail.id).collect();
    assert_eq!(claimed, [mails[0].id, mails[2].id, mails[1].id]);
}

async fn a_claimed_mail_is_hidden_until_the_lease_ends(store: Arc<dyn Store>) {
    let mail = queue(&store).await;
    assert!(store.claim_mail(now(), lease()).await.unwrap().is_some());
    let last = lease().minus(Duration::from_millis(1));
    assert_eq!(store.claim_mail(last, lease()).await.unwrap(), None);
    let again = store.claim_mail(lease(), lease().plus(HOUR)).await.unwrap();
    assert_eq!(
        again,
        Some(QueuedMail {
            attempts: 2,
            ..mail
        })
    );
}

async fn claimers_at_once_never_share_a_mail(store: Arc<dyn Store>) {
    let mut queued = HashSet::new();
    for _ in 0..40 {
        queued.insert(queue(&store).await.id);
    }
    let claimers = (0..4).map(|_| {
        let store = store.clone();
        async move { claim_all(&store).await }
    });
    let claimed: Vec<_> = all(claimers)
        .await
        .into_iter()
        .flatten()
        .map(|mail| mail.id)
        .collect();
    assert_eq!(claimed.len(), queued.len());
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), queued);
}

async fn a_retried_mail_waits_for_its_hour(store: Arc<dyn Store>) {
    let mail = queue(&store).await;
    assert!(store.claim_mail(now(), lease()).await.unwrap().is_some());
    let soon = now().plus(Duration::from_secs(2));
    store.retry_mail(&mail.id, soon).await.unwrap();
    assert_eq!(store.claim_mail(now(), lease()).await.unwrap(), None);
    let again = store.claim_mail(soon, lease()).await.unwrap();
    assert_eq!(
        again,
        Some(QueuedMail {
            attempts: 2,
            ..mail
        })
    );
}

async fn a_removed_mail_is_gone(store: Arc<dyn Store>) {
    let mail = queue(&store).await;
    assert!(store.claim_mail(now(), lease()).await.unwrap().is_some());
    store.remove_mail(&mail.id).await.unwrap();
    store.retry_mail(&mail.id, now()).await.unwrap();
    store.remove_mail(&MailId::random()).await.unwrap();
    store.expedite_mail(now()).await.unwrap();
    assert_eq!(store.claim_mail(lease(), lease()).await.unwrap(), None);
}

async fn a_parked_mail_never_comes_back(store: Arc<dyn Store>) {
    let mail = queue(&store).await;
    assert!(store.claim_mail(now(), lease()).await.unwrap().is_some());
    store.park_mail(&mail.id, "550 no such user").await.unwrap();
    store.park_mail(&MailId::random(), "unknown").await.unwrap();
    store.retry_mail(&mail.id, now()).await.unwrap();
    store.expedite_mail(now()).await.unwrap();
    assert_eq!(
        store.claim_mail(now().plus(DAY), lease()).await.unwrap(),
        None
    );
}

async fn expedited_mail_is_due_but_not_what_others_hold(store: Arc<dyn Store>) {
    let (waiting, held) = (queue(&store).await, queue(&store).await);
    assert_eq!(claim_all(&store).await.len(), 2);
    store
        .retry_mail(&waiting.id, now().plus(HOUR))
        .await
        .unwrap();
    store.expedite_mail(now()).await.unwrap();
    let claimed: Vec<_> = claim_all(&store).await.iter().map(|mail| mail.id).collect();
    assert_eq!(claimed, [waiting.id]);
    let late = store.claim_mail(lease(), lease().plus(HOUR)).await.unwrap();
    assert!(late.is_some_and(|mail| [waiting.id, held.id].contains(&mail.id)));
}

async fn a_sweep_drops_old_mail(store: Arc<dyn Store>) {
    let (waiting, parked) = (queue(&store).await, queue(&store).await);
    store
        .park_mail(&parked.id, "550 no such user")
        .await
        .unwrap();
    store.sweep(now().plus(MAIL_LIFE), u64::MAX).await.unwrap();
    assert_eq!(claim_all(&store).await, []);
    // A name is free again once its mail is gone.
    for mail in [waiting, parked] {
        store.queue_mail(mail.clone()).await.unwrap();
        assert_eq!(
            claim_all(&store).await,
            [QueuedMail {
                attempts: 1,
                ..mail
            }]
        );
    }
}

async fn a_sweep_keeps_what_lives(store: Arc<dyn Store>) {
    let link = add_with_link(&store, "ada@example.org").await;
    let mail = queue(&store).await;
    let session = session();
    assert!(log_in(&store, "ada@example.org", session.clone(), None).await);
    store.sweep(now(), u64::MAX).await.unwrap();
    assert!(store.user_by_reset(&link, now()).await.unwrap().is_some());
    assert!(lives(&store, &session.digest).await);
    assert_eq!(
        claim_all(&store).await,
        [QueuedMail {
            attempts: 1,
            ..mail
        }]
    );
}

async fn a_sweep_drops_expired_attempts_a_few_at_a_time(store: Arc<dyn Store>) {
    let rows = SWEPT_AT_ONCE + 2;
    let keys: Vec<AttemptKey> = (0..rows)
        .map(|n| AttemptKey::from(&*n.to_string()))
        .collect();
    let attempts: Vec<_> = keys.iter().map(|key| (key.clone(), TWO_AN_HOUR)).collect();
    for _ in 0..2 {
        store.count_attempts(&attempts, now()).await.unwrap();
    }
    let kept = async || {
        let verdicts = store.count_attempts(&attempts, now()).await.unwrap();
        let kept = verdicts.iter().filter(|verdict| verdict.is_err()).count();
        store.settle_attempts(&[], &keys).await.unwrap();
        store.count_attempts(&attempts, now()).await.unwrap();
        kept
    };
    let soon = now().plus(Duration::from_secs(60));
    assert!(!store.sweep(soon, u64::MAX).await.unwrap());
    assert_eq!(kept().await, rows);
    let end = now().plus(HOUR);
    assert!(store.sweep(end, u64::MAX).await.unwrap());
    assert!(!store.sweep(end, u64::MAX).await.unwrap());
    assert!(!store.sweep(end, u64::MAX).await.unwrap());
    assert_eq!(kept().await, 0);
}

async fn a_sweep_drops_attempts_that_are_too_many(store: Arc<dyn Store>) {
    let long = Limit::Backoff {
        free: 1,
        first_wait: DAY,
        longest_wait: DAY,
        memory: DAY,
    };
    let once_an_hour = Limit::Window {
        attempts: 1,
        window: HOUR,
    };
    let network = AttemptKey::from("network");
    let addresses = ["first", "second", "third"].map(AttemptKey::from);
    assert_eq!(count(&store, &network, once_an_hour, now()).await, Ok(()));
    for (key, seconds) in addresses.iter().zip(0..) {
        let moment = now().plus(Duration::from_secs(seconds));
        assert_eq!(count(&store, key, long, moment).await, Ok(()));
    }
    assert!(!store.sweep(now(), 4).await.unwrap());
    assert!(!store.sweep(now(), 2).await.unwrap());
    let [first, second, third] = &addresses;
    assert!(count(&store, &network, once_an_hour, now()).await.is_err());
    assert!(count(&store, third, long, now()).await.is_err());
    for quiet in [first, second] {
        assert_eq!(count(&store, quiet, long, now()).await, Ok(()));
    }
}

mod embedded_only {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn everything_is_there_after_a_restart() {
        let folder = Folder::new();
        let store = folder.open();
        let link = add_with_link(&store, "ada@example.org").await;
        let session = session();
        assert!(log_in(&store, "ada@example.org", session.clone(), None).await);
        let mail = queue(&store).await;
        drop(store);
        let store = folder.open();
        assert_eq!(password_of(&store, "ada@example.org").await, hash("first"));
        assert!(lives(&store, &session.digest).await);
        assert!(store.user_by_reset(&link, now()).await.unwrap().is_some());
        assert_eq!(
            claim_all(&store).await,
            [QueuedMail {
                attempts: 1,
                ..mail
            }]
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn mail_claimed_before_a_restart_can_be_expedited() {
        let folder = Folder::new();
        let store = folder.open();
        queue(&store).await;
        assert_eq!(claim_all(&store).await.len(), 1);
        drop(store);
        let store = folder.open();
        store.expedite_mail(now()).await.unwrap();
        assert_eq!(claim_all(&store).await.len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn kept_attempts_survive_a_crash() {
        let folder = Folder::new();
        let (store, ada) = (folder.open(), AttemptKey::from("ada"));
        for _ in 0..2 {
            assert_eq!(count(&store, &ada, TWO_AN_HOUR, now()).await, Ok(()));
        }
        store.flush_attempts().await.unwrap();
        let store = folder.as_after_a_crash().open();
        let end = now().plus(HOUR);
        assert_eq!(count(&store, &ada, TWO_AN_HOUR, now()).await, Err(end));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn attempts_nobody_waits_for_survive_a_crash_soon() {
        let folder = Folder::new();
        let (store, ada) = (folder.open(), AttemptKey::from("ada"));
        for _ in 0..2 {
            assert_eq!(count(&store, &ada, TWO_AN_HOUR, now()).await, Ok(()));
        }
        let end = now().plus(HOUR);
        timeout(Duration::from_secs(10), async {
            let after = async || {
                let store = folder.as_after_a_crash().open();
                count(&store, &ada, TWO_AN_HOUR, now()).await
            };
            while after().await != Err(end) {
                sleep(Duration::from_millis(100)).await;
            }
        })
        .await
        .unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_moments_of_a_user_are_kept() {
        let folder = Folder::new();
        let store = folder.open();
        let session = add(&store, "ada@example.org").await;
        let later = Session {
            created_at: now().plus(HOUR),
            ..super::session()
        };
        assert!(log_in(&store, "ada@example.org", later, None).await);
        assert!(
            store
                .remove_session(&session, now().plus(DAY))
                .await
                .unwrap()
        );
        drop(store);
        let user = folder.user();
        assert_eq!(user["createdAt"], now().millis());
        assert_eq!(user["loginAt"], now().plus(HOUR).millis());
        assert_eq!(user["lastLogout"], now().plus(DAY).millis());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn ended_sessions_and_links_leave_nothing_behind() {
        let folder = Folder::new();
        let store = folder.open();
        assert_eq!(
            count(&store, &AttemptKey::from("ada"), TWO_AN_HOUR, now()).await,
            Ok(())
        );
        for address in ["ada@example.org", "bob@example.org"] {
            let link = add_with_link(&store, address).await;
            assert!(log_in(&store, address, session(), None).await);
            assert!(reset(&store, &link, "second").await);
        }
        add_with_link(&store, "eve@example.org").await;
        store.sweep(now().plus(HOUR), u64::MAX).await.unwrap();
        for mail in claim_all(&store).await {
            store.remove_mail(&mail.id).await.unwrap();
        }
        drop(store);
        let rows = [
            ("due", 0),
            ("file", 1),
            ("outbox", 0),
            ("parked", 0),
            // Three e-mails, a session and a link.
            ("index", 5),
            ("attempts", 0),
            ("attempts_end", 0),
            ("users", 3),
        ];
        assert_eq!(
            folder.rows(),
            rows.map(|(table, rows)| (table.to_owned(), rows)).into()
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_of_another_version_is_refused_and_kept() {
        for (version, sentence) in [
            (
                Some(2),
                "was written by a later version of fpm-registry (format 2)",
            ),
            (
                None,
                "was written before the first release and cannot be read any more",
            ),
        ] {
            let folder = Folder::new();
            add(&folder.open(), "ada@example.org").await;
            let file = redb::Database::open(folder.file()).unwrap();
            let transaction = file.begin_write().unwrap();
            {
                let table = TableDefinition::<&str, u64>::new("file");
                let mut table = transaction.open_table(table).unwrap();
                match version {
                    Some(version) => drop(table.insert("version", version).unwrap()),
                    None => drop(table.remove("version").unwrap()),
                }
            }
            transaction.commit().unwrap();
            drop(file);
            let kept = folder.rows();
            let refusal = open_embedded(&folder.0).err().unwrap().to_string();
            let path = folder.file();
            assert_eq!(
                refusal,
                format!("DATA_DIR: `{}` {sentence}", path.display())
            );
            assert_eq!(folder.rows(), kept);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_files_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        drop(folder.open());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.0), 0o700);
        assert_eq!(mode(&folder.file()), 0o600);
    }

    #[test]
    fn a_file_in_use_is_refused() {
        let folder = Folder::new();
        let _store = folder.open();
        let sentence = format!(
            "DATA_DIR: `{}` is in use by another process",
            folder.file().display()
        );
        assert_eq!(
            open_embedded(&folder.0).err().unwrap().to_string(),
            sentence
        );
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_refused() {
        let folder = Folder::new();
        drop(folder.open());
        let dir = folder.file().join("data");
        let sentence = format!(
            "DATA_DIR: `{}` cannot be written: Not a directory",
            dir.display()
        );
        assert_eq!(open_embedded(&dir).err().unwrap().to_string(), sentence);
    }

    #[test]
    fn a_file_of_another_program_is_refused_and_kept() {
        let folder = Folder::new();
        fs::create_dir_all(&folder.0).unwrap();
        fs::write(folder.file(), "precious").unwrap();
        let refusal = open_embedded(&folder.0).err().unwrap().to_string();
        assert!(refusal.starts_with(&format!(
            "DATA_DIR: `{}` cannot be opened",
            folder.file().display()
        )));
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), "precious");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_whose_making_was_cut_short_is_made_anew() {
        let folder = Folder::new();
        fs::create_dir_all(&folder.0).unwrap();
        for made in [vec![0], vec![0; 4096], unfinished_file()] {
            fs::write(folder.file(), made).unwrap();
            let store = folder.open();
            add(&store, "ada@example.org").await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_that_lost_its_beginning_is_refused_and_kept() {
        let folder = Folder::new();
        add(&folder.open(), "ada@example.org").await;
        for lost in [1, 4096] {
            let mut file = fs::read(folder.file()).unwrap();
            file[..lost].fill(0);
            fs::write(folder.file(), &file).unwrap();
            let refusal = open_embedded(&folder.0).err().unwrap().to_string();
            assert!(refusal.starts_with(&format!(
                "DATA_DIR: `{}` cannot be opened",
                folder.file().display()
            )));
            assert!(fs::read(folder.file()).unwrap() == file);
        }
    }
}

mod mongo_only {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_user_document_is_as_the_contract_says() {
        let (store, database) = open_new_database().await;
        let user = new_user("ada@example.org");
        let (first, device) = (user.session.digest, user.device.clone());
        store.add_user(user).await.unwrap();
        let login = Session {
            created_at: now().plus(HOUR),
            ..session()
        };
        assert!(log_in(&store, "ada@example.org", login.clone(), None).await);
        assert!(store.remove_session(&first, now().plus(DAY)).await.unwrap());
        let link = digest();
        store
            .set_reset(&email("ada@example.org"), &link, link_end())
            .await
            .unwrap();

        let mut user = users(&database)
            .find_one(doc! { "email": "ada@example.org" })
            .await
            .unwrap()
            .unwrap();
        assert!(user.remove("_id").unwrap().as_object_id().is_some());
        assert_eq!(
            user,
            doc! {
                "name": "Ada Lovelace",
                "email": "ada@example.org",
                "password": hash("first").as_str(),
                "createdAt": date(now()),
                "loginAt": date(now().plus(HOUR)),
                "rev": 4_i64,
                "sessions": [{
                    "handle": login.handle.as_str(),
                    "digest": binary(&login.digest),
                    "createdAt": date(login.created_at),
                    "usedAt": date(login.used_at),
                    "expiresAt": date(login.expires_at),
                    "userAgent": login.user_agent,
                }],
                "devices": [{ "digest": binary(&device.digest), "createdAt": date(now()) }],
                "lastLogout": date(now().plus(DAY)),
                "reset": { "digest": binary(&link), "expiresAt": date(link_end()) },
            }
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_indexes_are_made() {
        let (_store, database) = open_new_database().await;
        let email = index_of(&users(&database), "email").await;
        assert_eq!(email.unique, Some(true));
        let queued = index_of(&database.collection("outbox"), "queuedAt").await;
        assert_eq!(queued.expire_after, Some(MAIL_LIFE));
        let expiring = index_of(&database.collection("attempts"), "expiresAt").await;
        assert_eq!(expiring.expire_after, Some(Duration::ZERO));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_start_finds_what_the_last_one_left() {
        let (store, database) = open_new_database().await;
        let session = add(&store, "ada@example.org").await;
        drop(store);
        let store = open_mongo(&Mongod::shared().uri(), database.name())
            .await
            .unwrap();
        assert!(lives(&store, &session).await);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn two_users_with_one_email_stop_the_start() {
        for second in ["ada@example.org", "Ada@Example.org"] {
            let database = new_database().await;
            let twice = [
                doc! { "email": "ada@example.org" },
                doc! { "email": second },
            ];
            users(&database).insert_many(twice).await.unwrap();
            for start in ["first", "second"] {
                assert_eq!(
                    refusal(&Mongod::shared().uri(), database.name()).await,
                    "MONGO_DB_NAME: two users have one e-mail in `users`; remove one of them",
                    "{second}, {start} start"
                );
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_email_an_older_backend_kept_as_typed_is_found() {
        let database = new_database().await;
        let typed = doc! { "email": "Ada@Example.org", "password": hash("first").as_str() };
        users(&database).insert_one(typed).await.unwrap();
        let store = open_mongo(&Mongod::shared().uri(), database.name())
            .await
            .unwrap();
        assert!(log_in(&store, "ada@example.org", session(), None).await);
        assert!(matches!(
            store.add_user(new_user("ada@example.org")).await,
            Err(InsertError::Taken)
        ));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_setting_that_cannot_work_stops_the_start() {
        let uri = Mongod::shared().uri();
        for name in ["", "a b", "a.b", "a/b", "$x", &"x".repeat(64)] {
            assert_eq!(
                refusal(&uri, name).await,
                "MONGO_DB_NAME: not a name a MongoDB database can have",
                "{name:?}"
            );
        }
        for uri in [
            "",
            "localhost",
            "http://localhost",
            "mongodb://",
            "mongodb://ada:s3cret@a:b@c",
        ] {
            assert_eq!(
                refusal(uri, "registry").await,
                "MONGO_URI: not a MongoDB connection string such as mongodb://127.0.0.1:27017",
                "{uri:?}"
            );
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_wrong_password_stops_the_start() {
        let host = Mongod::shared().uri().replace("mongodb://", "");
        assert_eq!(
            refusal(&format!("mongodb://ada:s3cret@{host}/"), "registry").await,
            format!("MONGO_URI: the server at {host} refuses the user name or password")
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_uri_cannot_weaken_a_promise() {
        let database = new_database().await;
        let uri = Mongod::shared().uri() + "/?w=0&journal=false&readPreference=secondary";
        let store = open_mongo(&uri, database.name()).await.unwrap();
        let session = add(&store, "ada@example.org").await;
        assert!(store.remove_session(&session, now()).await.unwrap());
        assert!(!store.remove_session(&session, now()).await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_is_not_there_stops_the_start_within_seconds() {
        let (_held, address) = silent_port();
        for (uri, host) in [
            (
                "mongodb://ada:s3cret@127.0.0.1:1/?authSource=admin",
                "127.0.0.1:1",
            ),
            (&format!("mongodb://{address}"), &*address),
        ] {
            let begun = std::time::Instant::now();
            assert_eq!(
                refusal(uri, "registry").await,
                format!("MONGO_URI: no MongoDB server answers at {host}")
            );
            assert!(begun.elapsed() < Duration::from_secs(6));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_falls_silent_is_given_up_on() {
        let database = new_database().await;
        let proxy = Proxy::before(Mongod::shared().address()).await;
        let store = open_mongo(&proxy.uri(), database.name()).await.unwrap();
        add(&store, "ada@example.org").await;
        proxy.set(Fault::Silence);
        let begun = std::time::Instant::now();
        let error = store
            .user_by_email(&email("ada@example.org"))
            .await
            .unwrap_err();
        assert!(
            error.to_string().starts_with("the store failed: MongoDB"),
            "{error}"
        );
        assert!(begun.elapsed() < Duration::from_millis(3500));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn users_of_an_older_backend_can_be_read() {
        let database = new_database().await;
        let legacy = [
            doc! { "email": "bare@example.org" },
            doc! { "_id": "an id", "email": "odd@example.org", "name": 7, "password": Bson::Null, "sessions": "none", "reset": 1, "createdAt": "today" },
            doc! { "email": "list@example.org", "password": hash("first").as_str(), "sessions": ["x", 1, { "digest": 1 }] },
            doc! { "email": "text@example.org", "password": hash("first").as_str(), "sessions": "none" },
            doc! { "email": "old@example.org", "password": hash("first").as_str() },
            doc! { "_id": 7, "email": "seven@example.org", "password": hash("first").as_str(), "rev": "x", "devices": 1 },
            doc! { "email": "double@example.org", "password": hash("first").as_str(), "rev": 3.0 },
        ];
        users(&database).insert_many(legacy).await.unwrap();
        let store = open_mongo(&Mongod::shared().uri(), database.name())
            .await
            .unwrap();

        for address in ["bare@example.org", "odd@example.org"] {
            let user = store.user_by_email(&email(address)).await.unwrap().unwrap();
            assert_eq!((user.name.as_str(), user.password.as_str()), ("", ""));
        }
        for address in [
            "list@example.org",
            "text@example.org",
            "old@example.org",
            "seven@example.org",
            "double@example.org",
        ] {
            let session = session();
            assert!(log_in(&store, address, session.clone(), None).await);
            assert!(lives(&store, &session.digest).await);
            let user = users(&database)
                .find_one(doc! { "email": address })
                .await
                .unwrap()
                .unwrap();
            assert_eq!(user.get_array("sessions").unwrap().len(), 1);
        }
        let link = digest();
        store
            .set_reset(&email("odd@example.org"), &link, link_end())
            .await
            .unwrap();
        assert!(reset(&store, &link, "second").await);
        assert!(log_in_with(&store, "odd@example.org", "second").await);
    }

    /// Two versions may run side by side: what a later one wrote stays.
    #[tokio::test(flavor = "multi_thread")]
    async fn fields_of_a_later_version_stay() {
        let (store, database) = open_new_database().await;
        add(&store, "ada@example.org").await;
        let later = doc! { "$set": {
            "nickname": "ada",
            "sessions.0.network": { "v": 1_i64, "seen": date(now()), "raw": binary(&digest()) },
            "devices.0.label": "laptop",
        } };
        let ada = doc! { "email": "ada@example.org" };
        let users = users(&database);
        users.update_one(ada.clone(), later).await.unwrap();
        let before = users.find_one(ada.clone()).await.unwrap().unwrap();
        assert!(log_in_from(&store, Some(device())).await);
        let after = users.find_one(ada).await.unwrap().unwrap();
        assert_eq!(after.get("nickname"), before.get("nickname"));
        for field in ["sessions", "devices"] {
            let first = |user: &Document| user.get_array(field).unwrap()[0].clone();
            let [before, after] = [&before, &after].map(first);
            let fields = |item: &Bson| -> BTreeMap<String, Bson> {
                let item = item.as_document().unwrap().clone();
                item.into_iter().collect()
            };
            assert_eq!(fields(&after), fields(&before), "{field}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn tokens_are_nowhere_in_the_database() {
        let (store, database) = open_new_database().await;
        let (first, second, link) = (Token::random(), Token::random(), Token::random());
        let user = NewUser {
            session: Session {
                digest: first.digest(),
                ..session()
            },
            ..new_user("ada@example.org")
        };
        store.add_user(user).await.unwrap();
        let login = Session {
            digest: second.digest(),
            ..session()
        };
        assert!(log_in(&store, "ada@example.org", login, None).await);
        store
            .set_reset(&email("ada@example.org"), &link.digest(), link_end())
            .await
            .unwrap();
        queue(&store).await;

        let bytes = everything(&database).await;
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        for token in [first, second, link] {
            let uuid: Uuid = token.reveal().parse().unwrap();
            assert!(holds(token.digest().as_bytes()));
            assert!(!holds(uuid.as_bytes()));
            assert!(!holds(uuid.to_string().as_bytes()));
            assert!(!holds(uuid.simple().to_string().as_bytes()));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_notice_a_crash_left_behind_is_sent() {
        let (store, database) = open_new_database().await;
        let crashed = |n: i32| {
            doc! { "email": format!("ada{n}@example.org"), "notices": [{
                "_id": mongodb::bson::Uuid::new(),
                "kind": "password-changed",
                "to": format!("ada{n}@example.org"),
                "queuedAt": date(now()),
                "attempts": 0,
                "dueAt": date(now()),
                "leased": false,
            }] }
        };
        users(&database)
            .insert_many([crashed(1), crashed(2)])
            .await
            .unwrap();
        // The request that left it may still be at it for a moment.
        for (moment, waiting) in [(now(), 0), (now().plus(Duration::from_secs(5)), 2)] {
            let lease = moment.plus(HOUR);
            assert_eq!(store.claim_mail(moment, lease).await.unwrap(), None);
            let outbox = database.collection::<Document>("outbox");
            assert_eq!(outbox.count_documents(doc! {}).await.unwrap(), waiting);
        }
        users(&database).insert_one(crashed(3)).await.unwrap();
        store.expedite_mail(now()).await.unwrap();
        store.expedite_mail(now()).await.unwrap();
        let mut sent: Vec<_> = claim_all(&store)
            .await
            .into_iter()
            .map(|mail| mail.to)
            .collect();
        sent.sort();
        assert_eq!(
            sent,
            [1, 2, 3].map(|n| email(&format!("ada{n}@example.org")))
        );
        let user = users(&database)
            .find_one(doc! { "email": "ada1@example.org" })
            .await
            .unwrap()
            .unwrap();
        assert!(user.get_array("notices").unwrap().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_refused_write_names_no_address() {
        let (store, database) = open_new_database().await;
        queue(&store).await;
        let nobody = doc! { "collMod": "outbox", "validator": { "to": "nobody" } };
        database.run_command(nobody).await.unwrap();
        let mail = mail_from(now());
        let error = store.queue_mail(mail).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the store failed: MongoDB: write error 121"
        );
    }
}

/// The moment of all tests: near the present, since MongoDB drops old mail by its own clock.
fn now() -> Timestamp {
    static NOW: std::sync::LazyLock<Timestamp> =
        std::sync::LazyLock::new(|| Clock::default().now());
    *NOW
}

fn lease() -> Timestamp {
    now().plus(Duration::from_secs(60))
}

fn link_end() -> Timestamp {
    now().plus(HOUR)
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
        unknown: Unknown::new(),
        digest: digest(),
        created_at: now(),
        used_at: now(),
        expires_at: now().plus(14 * DAY),
        user_agent: "Firefox".to_owned(),
    }
}

fn device() -> Device {
    Device {
        unknown: Unknown::new(),
        digest: digest(),
        created_at: now(),
    }
}

fn new_user(address: &str) -> NewUser {
    NewUser {
        name: Name::parse("Ada Lovelace").unwrap(),
        email: email(address),
        password: hash("first"),
        session: session(),
        device: device(),
        replaces: None,
    }
}

async fn add(store: &Arc<dyn Store>, address: &str) -> Digest {
    let user = new_user(address);
    let session = user.session.digest;
    store.add_user(user).await.unwrap();
    session
}

async fn add_with_link(store: &Arc<dyn Store>, address: &str) -> Digest {
    add(store, address).await;
    let link = digest();
    store
        .set_reset(&email(address), &link, link_end())
        .await
        .unwrap();
    link
}

async fn log_in(
    store: &Arc<dyn Store>,
    address: &str,
    session: Session,
    replaces: Option<Digest>,
) -> bool {
    let login = Login {
        email: &email(address),
        verified: &hash("first"),
        upgraded: None,
        session,
        device: None,
        replaces,
    };
    store.add_session(login).await.unwrap()
}

async fn log_in_with(store: &Arc<dyn Store>, address: &str, password: &str) -> bool {
    let login = Login {
        email: &email(address),
        verified: &hash(password),
        upgraded: None,
        session: session(),
        device: None,
        replaces: None,
    };
    store.add_session(login).await.unwrap()
}

async fn reset(store: &Arc<dyn Store>, link: &Digest, password: &str) -> bool {
    let notice = QueuedMail::new(MailKind::PasswordChanged, email("ada@example.org"), now());
    store
        .reset_password(link, hash(password), device(), notice, now())
        .await
        .unwrap()
}

async fn log_in_from(store: &Arc<dyn Store>, device: Option<Device>) -> bool {
    let login = Login {
        email: &email("ada@example.org"),
        verified: &hash("first"),
        upgraded: None,
        session: session(),
        device,
        replaces: None,
    };
    store.add_session(login).await.unwrap()
}

async fn devices_of_ada(store: &Arc<dyn Store>) -> Vec<Device> {
    let user = store
        .user_by_email(&email("ada@example.org"))
        .await
        .unwrap();
    user.unwrap().devices
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

async fn lives(store: &Arc<dyn Store>, session: &Digest) -> bool {
    store.user_by_session(session).await.unwrap().is_some()
}

async fn password_of(store: &Arc<dyn Store>, address: &str) -> PasswordHash {
    store
        .user_by_email(&email(address))
        .await
        .unwrap()
        .unwrap()
        .password
}

fn mail_from(moment: Timestamp) -> QueuedMail {
    QueuedMail::new(MailKind::ResetLink, email("ada@example.org"), moment)
}

async fn queue(store: &Arc<dyn Store>) -> QueuedMail {
    let mail = mail_from(now());
    store.queue_mail(mail.clone()).await.unwrap();
    mail
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

/// The file that redb leaves when it is killed before it writes the first bytes.
fn unfinished_file() -> Vec<u8> {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    let new = redb::Database::create(folder.file()).unwrap();
    let mut file = fs::read(folder.file()).unwrap();
    drop(new);
    file[..9].fill(0);
    file
}

/// A directory for an embedded store, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(env::temp_dir().join(format!("fpm-registry-store-{}", Uuid::new_v4())))
    }

    fn open(&self) -> Arc<dyn Store> {
        open_embedded(&self.0).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.0.join("registry.redb")
    }

    /// What a process would find that starts after this one was killed now.
    fn as_after_a_crash(&self) -> Self {
        let copy = Self::new();
        fs::create_dir_all(&copy.0).unwrap();
        fs::copy(self.file(), copy.file()).unwrap();
        copy
    }

    /// The record of the first user.
    fn user(&self) -> serde_json::Value {
        let file = redb::Database::open(self.file()).unwrap();
        let reading = file.begin_read().unwrap();
        let users = TableDefinition::<&str, &[u8]>::new("users");
        let users = reading.open_table(users).unwrap();
        let (_, user) = users.first().unwrap().unwrap();
        serde_json::from_slice(user.value()).unwrap()
    }

    /// How many rows each table has, by its name.
    fn rows(&self) -> BTreeMap<String, u64> {
        let file = redb::Database::open(self.file()).unwrap();
        let reading = file.begin_read().unwrap();
        let tables = reading.list_tables().unwrap();
        tables
            .map(|table| {
                let name = table.name().to_owned();
                let rows = reading.open_untyped_table(table).unwrap();
                (name, rows.len().unwrap())
            })
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

async fn new_database() -> Database {
    let client = Client::with_uri_str(Mongod::shared().uri()).await.unwrap();
    client.database(&database_name())
}

async fn open_new_database() -> (Arc<dyn Store>, Database) {
    let database = new_database().await;
    let store = open_mongo(&Mongod::shared().uri(), database.name())
        .await
        .unwrap();
    (store, database)
}

async fn refusal(uri: &str, database: &str) -> String {
    open_mongo(uri, database).await.err().unwrap().to_string()
}

fn users(database: &Database) -> Collection<Document> {
    database.collection("users")
}

async fn index_of(
    collection: &Collection<Document>,
    field: &str,
) -> mongodb::options::IndexOptions {
    let mut indexes = collection.list_indexes().await.unwrap();
    while indexes.advance().await.unwrap() {
        let index = indexes.deserialize_current().unwrap();
        if index.keys == (doc! { field: 1 }) {
            return index.options.unwrap();
        }
    }
    panic!("no index on {field}");
}

/// All documents as bytes.
async fn everything(database: &Database) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in database.list_collection_names().await.unwrap() {
        let collection: Collection<Document> = database.collection(&name);
        let mut documents = collection
            .find(doc! {})
            .hint(mongodb::options::Hint::Keys(doc! { "_id": 1 }))
            .await
            .unwrap();
        while documents.advance().await.unwrap() {
            bytes.extend_from_slice(documents.current().as_bytes());
        }
    }
    bytes
}

fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.millis())
}

fn binary(digest: &Digest) -> mongodb::bson::Binary {
    mongodb::bson::Binary {
        subtype: mongodb::bson::spec::BinarySubtype::Generic,
        bytes: digest.as_bytes().to_vec(),
    }
}

/// A port where connections are taken and nothing is said.
fn silent_port() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}
