//! Challenges of passkeys: each is taken once, and none stays that nobody takes.

use std::{sync::Arc, time::Duration};

use fpm_registry::accounts::{
    challenge::{Challenge, Purpose},
    id::UserId,
    lifetimes::CHALLENGE_LIFE,
    passkeys::State,
    record::Unknown,
    store::{SWEPT_AT_ONCE, Store},
    token::Digest,
};
use mongodb::bson::{Document, doc};

use crate::{
    all, digest,
    embedded::Folder,
    mongo::{date, index_of, open_new_database},
    now,
};

contract! {
    a_challenge_is_taken_as_it_was_put
    a_challenge_is_taken_once
    of_many_at_once_one_takes_it
    one_that_has_expired_can_be_taken_by_who_looks_at_its_end
}

fn state(text: &str) -> State {
    serde_json::from_value(text.into()).unwrap()
}

fn challenge() -> Challenge {
    Challenge {
        digest: digest(),
        purpose: Purpose::Login,
        user: None,
        state: state("{\"challenge\":\"of a login\"}"),
        expires_at: now().plus(CHALLENGE_LIFE),
        unknown: Unknown::new(),
    }
}

async fn put(store: &Arc<dyn Store>, challenge: Challenge) -> Challenge {
    store.insert_challenge(&challenge).await.unwrap();
    challenge
}

async fn take(store: &Arc<dyn Store>, digest: &Digest) -> Option<Challenge> {
    store.take_challenge(digest).await.unwrap()
}

async fn a_challenge_is_taken_as_it_was_put(store: Arc<dyn Store>) {
    let of_user = |purpose| Challenge {
        purpose,
        user: Some(UserId::from_stored("65f000000000000000000001".to_owned())),
        ..challenge()
    };
    let purposes = [Purpose::SecondFactor, Purpose::Recent, Purpose::Add];
    for challenge in purposes.map(of_user).into_iter().chain([challenge()]) {
        let put = put(&store, challenge).await;
        assert_eq!(take(&store, &put.digest).await, Some(put));
    }
}

async fn a_challenge_is_taken_once(store: Arc<dyn Store>) {
    let (first, second) = (
        put(&store, challenge()).await,
        put(&store, challenge()).await,
    );
    assert_eq!(take(&store, &digest()).await, None);
    assert_eq!(take(&store, &first.digest).await, Some(first.clone()));
    assert_eq!(take(&store, &first.digest).await, None);
    assert_eq!(take(&store, &second.digest).await, Some(second));
}

async fn of_many_at_once_one_takes_it(store: Arc<dyn Store>) {
    for _ in 0..20 {
        let digest = put(&store, challenge()).await.digest;
        let takers = (0..20).map(|_| {
            let store = store.clone();
            async move { store.take_challenge(&digest).await.unwrap().is_some() }
        });
        let taken = all(takers).await;
        assert_eq!(taken.iter().filter(|is_taken| **is_taken).count(), 1);
    }
}

/// The store does not know the time of the service.
async fn one_that_has_expired_can_be_taken_by_who_looks_at_its_end(store: Arc<dyn Store>) {
    let expired = Challenge {
        expires_at: now(),
        ..challenge()
    };
    let digest = expired.digest;
    let put = put(&store, expired).await;
    assert_eq!(take(&store, &digest).await, Some(put));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_drops_those_that_have_expired_a_few_at_a_time() {
    let folder = Folder::new();
    let store = folder.open();
    let mut old = Vec::new();
    for _ in 0..SWEPT_AT_ONCE + 2 {
        old.push(put(&store, challenge()).await.digest);
    }
    let end = now().plus(CHALLENGE_LIFE);
    let late = Challenge {
        expires_at: end.plus(Duration::from_millis(1)),
        ..challenge()
    };
    let late = put(&store, late).await;
    let just_before = end.minus(Duration::from_millis(1));
    assert!(!store.sweep(just_before, u64::MAX).await.unwrap());
    assert!(store.sweep(end, u64::MAX).await.unwrap());
    assert!(!store.sweep(end, u64::MAX).await.unwrap());
    for digest in &old {
        assert_eq!(take(&store, digest).await, None);
    }
    assert_eq!(take(&store, &late.digest).await, Some(late));
}

/// What is taken is not there for a sweep, which would count it in vain.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_finds_none_that_was_taken() {
    let folder = Folder::new();
    let store = folder.open();
    for _ in 0..SWEPT_AT_ONCE {
        let digest = put(&store, challenge()).await.digest;
        take(&store, &digest).await.unwrap();
    }
    let end = now().plus(CHALLENGE_LIFE);
    assert!(!store.sweep(end, u64::MAX).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_drops_those_that_have_expired() {
    let (store, database) = open_new_database().await;
    let challenges = database.collection::<Document>("challenges");
    let ending = index_of(&challenges, "expiresAt").await;
    let options = (ending.expire_after, ending.unique);
    assert_eq!(options, (Some(Duration::ZERO), None));
    assert_eq!(index_of(&challenges, "digest").await.unique, Some(true));
    let challenge = put(&store, challenge()).await;
    let stored = challenges.find_one(doc! {}).await.unwrap().unwrap();
    let end = stored.get_datetime("expiresAt").unwrap();
    assert_eq!(*end, date(challenge.expires_at));
}
