//! Changes at once: each is made of what the ones before it left.

use std::sync::Arc;

use fpm_registry::accounts::{
    error::Error,
    store::{Key, Store},
    user::{MAX_SESSIONS, User},
    users::Users,
};
use futures_util::future::join_all;

use crate::{
    add_user, add_with_link, all, change, claim_all, email, find, hash, lives, log_in, log_out,
    now, reset, session,
};

contract! {
    changes_at_once_are_all_kept
    logins_at_once_are_all_kept
    one_of_many_removals_counts
    one_of_many_resets_counts
    no_login_with_the_old_password_outlives_a_reset
    a_change_that_another_came_before_is_made_anew
    a_rule_that_gives_nothing_changes_nothing
    a_change_to_the_email_of_another_user_is_refused
}

async fn changes_at_once_are_all_kept(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let users = Users::new(store.clone());
    let changes = (0..50).map(|_| {
        users.change(Key::Email(&ada.email), |user| {
            user.name.push('x');
            Some(())
        })
    });
    for changed in join_all(changes).await {
        assert_eq!(changed.unwrap(), Some(()));
    }
    let changed = User {
        rev: Some(51),
        name: ada.name.clone() + &"x".repeat(50),
        ..ada.clone()
    };
    assert_eq!(find(&store, Key::Id(&ada.id)).await, Some(changed));
}

async fn logins_at_once_are_all_kept(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let logins = (1..MAX_SESSIONS).map(|_| {
        let store = store.clone();
        async move {
            let session = session();
            let digest = session.digest;
            assert!(log_in(&store, "ada@example.org", "first", session).await);
            digest
        }
    });
    for digest in all(logins).await {
        assert!(lives(&store, &digest).await);
    }
    assert!(lives(&store, &ada.sessions[0].digest).await);
}

async fn one_of_many_removals_counts(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let session = ada.sessions[0].digest;
    let removals = (0..20).map(|_| {
        let store = store.clone();
        async move { log_out(&store, &session, now()).await }
    });
    let removed = all(removals).await;
    assert_eq!(removed.into_iter().filter(|&removed| removed).count(), 1);
    assert!(!lives(&store, &session).await);
}

async fn one_of_many_resets_counts(store: Arc<dyn Store>) {
    let (ada, link) = add_with_link(&store, "ada@example.org").await;
    let resets = (0..50).map(|n| {
        let store = store.clone();
        async move { reset(&store, &link, &n.to_string()).await }
    });
    let done = all(resets).await;
    let winners: Vec<_> = (0..50).filter(|&n| done[n]).collect();
    let [winner] = winners[..] else {
        panic!("{winners:?}");
    };
    let user = find(&store, Key::Id(&ada.id)).await.unwrap();
    assert_eq!(user.password, hash(&winner.to_string()));
    store.expedite_mail(now()).await.unwrap();
    store.sweep(now(), u64::MAX).await.unwrap();
    assert_eq!(claim_all(&store).await.len(), 1);
}

async fn no_login_with_the_old_password_outlives_a_reset(store: Arc<dyn Store>) {
    for round in 0..5 {
        let address = format!("ada{round}@example.org");
        let (_, link) = add_with_link(&store, &address).await;
        let logins = (0..20).map(|_| {
            let (store, address) = (store.clone(), address.clone());
            async move {
                let session = session();
                let digest = session.digest;
                let is_in = log_in(&store, &address, "first", session).await;
                is_in.then_some(digest)
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
        assert!(!log_in(&store, &address, "first", session()).await);
    }
}

async fn a_change_that_another_came_before_is_made_anew(store: Arc<dyn Store>) {
    let read = add_user(&store, "ada@example.org").await;
    let first = session();
    assert!(log_in(&store, "ada@example.org", "first", first.clone()).await);
    let (users, mut seen) = (Users::new(store.clone()), Vec::new());
    let renamed = users.change_from(read.clone(), |user| {
        seen.push(user.sessions.len());
        user.name = "Grace".to_owned();
        Some("renamed")
    });
    assert_eq!(renamed.await.unwrap(), Some("renamed"));
    assert_eq!(seen, [1, 2]);
    let user = find(&store, Key::Id(&read.id)).await.unwrap();
    assert_eq!(user.name, "Grace");
    assert_eq!(user.sessions, [read.sessions[0].clone(), first]);
}

async fn a_rule_that_gives_nothing_changes_nothing(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let nothing = change(&store, Key::Id(&ada.id), |user| {
        user.sessions.clear();
        None::<()>
    });
    assert_eq!(nothing.await, None);
    assert_eq!(find(&store, Key::Id(&ada.id)).await, Some(ada));
    let bob = email("bob@example.org");
    let nobody = change(&store, Key::Email(&bob), |_| Some(()));
    assert_eq!(nobody.await, None);
    assert_eq!(find(&store, Key::Email(&bob)).await, None);
}

async fn a_change_to_the_email_of_another_user_is_refused(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let eve = add_user(&store, "eve@example.org").await;
    let users = Users::new(store.clone());
    let refused = users.change(Key::Id(&eve.id), |user| {
        user.email = ada.email.clone();
        Some(())
    });
    assert!(matches!(refused.await, Err(Error::EmailTaken)));
    assert_eq!(find(&store, Key::Id(&eve.id)).await, Some(eve));
}
