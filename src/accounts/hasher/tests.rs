use std::time::Instant;

use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use futures_util::future::join_all;

use super::*;
use crate::accounts::{fair_queue::Priority, network::Network, password::hash_now};

const ANYONE: Requester = Requester {
    network: Network::UNKNOWN,
    priority: Priority::Normal,
};

/// A hasher nobody else uses, with a place.
async fn hasher() -> (Hasher, Place) {
    let hasher = Hasher::new(Arc::default(), HashMetrics::default());
    let place = hasher.reserve(ANYONE).await.unwrap();
    (hasher, place)
}

#[tokio::test]
async fn a_hash_is_an_argon2id_phc_string_with_its_own_salt() {
    let (hasher, place) = hasher().await;
    let password = Password::chosen("correct horse battery").unwrap();
    let one = hasher.hash(place, password.clone(), vec![]).await.unwrap();
    let place = hasher.reserve(ANYONE).await.unwrap();
    let two = hasher.hash(place, password, vec![]).await.unwrap();
    assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_ne!(one, two);
}

#[test]
fn the_memory_of_a_hash_is_used_again_soon_and_given_back_later() {
    let jobs = Arc::new(Jobs::new(1));
    let send_job = || {
        let place = jobs.reserve(ANYONE).unwrap();
        jobs.fill(place.id, Box::new(|_| ()));
    };
    let mut memory = vec![Block::new()];
    send_job();
    assert!(jobs.next(&mut memory).is_some());
    assert_eq!(memory.len(), 1);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(MEMORY_LIFE + Duration::from_millis(500));
            send_job();
        });
        assert!(jobs.next(&mut memory).is_some());
    });
    assert_eq!(memory.capacity(), 0);
    jobs.close();
    assert!(jobs.next(&mut memory).is_none());
}

#[test]
fn a_hasher_is_alive_while_all_its_threads_are() {
    let hasher = Hasher::new(Arc::default(), HashMetrics::default());
    assert!(hasher.is_alive());
    hasher.jobs.close();
    let began = Instant::now();
    while hasher.is_alive() {
        assert!(began.elapsed() < MEMORY_LIFE, "the threads do not end");
        thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn many_requests_of_one_network_give_way_to_another() {
    let hasher = Hasher::new(Arc::default(), HashMetrics::default());
    let log_in = async |requester: Requester| {
        let place = hasher.reserve(requester).await?;
        let typed = Password::typed("correct horse battery").unwrap();
        hasher.verify(place, typed, None).await
    };
    let many = join_all((0..200).map(|_| log_in(ANYONE)));
    let elsewhere = Requester {
        network: Network::of([192, 0, 2, 1].into()),
        ..ANYONE
    };
    let other = async {
        tokio::task::yield_now().await;
        let began = Instant::now();
        assert!(log_in(elsewhere).await.is_ok());
        began.elapsed()
    };
    let began = Instant::now();
    let (many, other) = tokio::join!(many, other);
    assert!(other < began.elapsed() / 4, "{other:?}");
    assert!(
        many.iter()
            .any(|verdict| matches!(verdict, Err(Error::Busy)))
    );
}

#[tokio::test]
async fn a_place_that_is_dropped_is_free_again() {
    let jobs = Arc::new(Jobs::new(1));
    let place = jobs.reserve(ANYONE);
    assert!(place.is_some());
    assert!(jobs.reserve(ANYONE).is_none());
    drop(place);
    assert!(jobs.reserve(ANYONE).is_some());
}

#[tokio::test]
async fn the_whole_password_counts_and_normal_forms_are_one() {
    let hasher = Hasher::new(Arc::default(), HashMetrics::default());
    let long = format!("{}é", "x".repeat(255));
    let hash = hash_now(&Password::chosen(&long).unwrap(), &mut Memory::new());
    let verdict = async |text: &str| {
        let place = hasher.reserve(ANYONE).await.unwrap();
        let typed = Password::typed(text).unwrap();
        hasher
            .verify(place, typed, Some(hash.clone()))
            .await
            .unwrap()
    };
    assert!(matches!(verdict(&long).await, Verdict::Right(None)));
    let decomposed = format!("{}e\u{301}", "x".repeat(255));
    assert!(matches!(verdict(&decomposed).await, Verdict::Right(None)));
    for wrong in [
        format!("{long}x"),
        format!(" {long}"),
        long.to_uppercase(),
        "x".repeat(255),
    ] {
        assert!(matches!(verdict(&wrong).await, Verdict::Wrong));
    }
}

#[tokio::test]
async fn a_weaker_hash_is_replaced_and_an_unreadable_one_is_told_apart() {
    let (hasher, place) = hasher().await;
    let weak = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(8192, 1, 1, None).unwrap(),
    );
    let stored =
        PasswordHash::from_stored(weak.hash_password(b"correct horse").unwrap().to_string());
    let typed = Password::typed("correct horse").unwrap();
    let Verdict::Right(Some(stronger)) = hasher
        .verify(place, typed.clone(), Some(stored))
        .await
        .unwrap()
    else {
        panic!("the weak hash was not replaced");
    };
    assert!(
        stronger
            .as_str()
            .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    );
}

#[tokio::test]
async fn a_stored_text_that_is_no_hash_of_argon2_takes_the_time_of_one() {
    let hasher = Hasher::new(Arc::default(), HashMetrics::default());
    let took = async |stored: Option<PasswordHash>| {
        let typed = Password::typed("correct horse battery").unwrap();
        let place = hasher.reserve(ANYONE).await.unwrap();
        let started = Instant::now();
        let verdict = hasher.verify(place, typed, stored).await.unwrap();
        (verdict, started.elapsed())
    };
    let (_, of_nobody) = took(None).await;
    for stored in [
        "9f86d081884c7d659a2feaa0c55ad015",
        "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ",
        "$argon2id$v=19$m=1,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
    ] {
        let (verdict, time) = took(Some(PasswordHash::from_stored(stored.to_owned()))).await;
        assert!(
            matches!(verdict, Verdict::Unreadable),
            "{stored}: {verdict:?}"
        );
        assert!(
            time > of_nobody / 4,
            "{stored}: {time:?}, nobody: {of_nobody:?}"
        );
    }
}
