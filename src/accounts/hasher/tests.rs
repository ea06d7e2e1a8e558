use std::time::Instant;

use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use futures_util::future::join_all;

use super::*;
use crate::accounts::{
    fair_queue::Priority,
    network::Network,
    password::{HashCost, hash_now, wrap_now},
};

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

#[tokio::test]
async fn a_hasher_starts_its_threads_when_they_are_needed_and_is_alive_while_all_are() {
    let hasher = Hasher::new(Arc::default(), HashMetrics::default());
    assert!(hasher.is_alive() && hasher.threads.get().is_none());
    drop(hasher.reserve(ANYONE).await);
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
    let hash = hash_now(
        &Password::chosen(&long).unwrap(),
        HashCost::STANDARD,
        &mut Memory::new(),
    );
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

const SALT: &str = "the salt of the first backend";

/// A hasher that knows the salt of the first backend, and what an import stores of a password there.
fn with_salt(password: &str) -> (Hasher, PasswordHash) {
    let salt = LegacySalt::new(SALT.to_owned());
    let wrapped = wrap_now(&salt.hash(password), &mut Memory::new());
    let mut hasher = Hasher::new(Arc::default(), HashMetrics::default());
    hasher.set_legacy_salt(Some(salt));
    (hasher, wrapped)
}

async fn verdict(hasher: &Hasher, typed: &str, stored: Option<&PasswordHash>) -> Verdict {
    let place = hasher.reserve(ANYONE).await.unwrap();
    let typed = Password::typed(typed).unwrap();
    hasher.verify(place, typed, stored.cloned()).await.unwrap()
}

#[tokio::test]
async fn what_the_first_backend_stored_is_no_password_here() {
    let (hasher, wrapped) = with_salt("correct horse");
    let stored = LegacySalt::new(SALT.to_owned())
        .hash("correct horse")
        .digits();
    let Verdict::Right(Some(upgraded)) = verdict(&hasher, "correct horse", Some(&wrapped)).await
    else {
        panic!("the password of the first backend is not right");
    };
    assert!(
        upgraded
            .as_str()
            .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    );
    assert!(matches!(
        verdict(&hasher, &stored, Some(&wrapped)).await,
        Verdict::Wrong
    ));
    // Without the mark, what was stored there would be the password.
    let unmarked = wrapped.as_str().replace("$sha256-argon2id$", "$argon2id$");
    let unmarked = PasswordHash::from_stored(unmarked);
    assert!(matches!(
        verdict(&hasher, &stored, Some(&unmarked)).await,
        Verdict::Right(None)
    ));
    let hasher = Hasher::new(Arc::default(), HashMetrics::default());
    assert!(matches!(
        verdict(&hasher, "correct horse", Some(&wrapped)).await,
        Verdict::NoLegacySalt
    ));
}

#[tokio::test]
async fn a_password_of_two_forms_costs_everybody_two_hashes_while_the_salt_is_known() {
    let (mut hasher, wrapped) = with_salt("correct horse");
    let own = hash_now(
        &Password::typed("correct horse").unwrap(),
        HashCost::STANDARD,
        &mut Memory::new(),
    );
    let unreadable = PasswordHash::from_stored("!".to_owned());
    let stored = [None, Some(&own), Some(&wrapped), Some(&unreadable)];
    assert_cost(&hasher, &stored, [1, 2]).await;
    hasher.set_legacy_salt(None);
    assert_cost(&hasher, &stored, [1, 1]).await;
}

/// How many hashes a password takes that has one form, and one that has two, whatever is stored. Judged by the quickest
/// of some, and of more while the machine is busy: other work delays a hash, but never hastens it.
async fn assert_cost(hasher: &Hasher, stored: &[Option<&PasswordHash>], hashes: [u32; 2]) {
    const FORMS: [&str; 2] = ["caf\u{e9}", "cafe\u{301}"];
    let mut quickest = vec![[Duration::MAX; 2]; stored.len()];
    for round in 0..40 {
        for (stored, quickest) in stored.iter().zip(&mut quickest) {
            for (typed, quickest) in FORMS.iter().zip(quickest) {
                let began = Instant::now();
                verdict(hasher, typed, *stored).await;
                *quickest = began.elapsed().min(*quickest);
            }
        }
        let one_hash = quickest[0][0];
        let is_about = |time: &Duration, hashes: u32| {
            *time > one_hash * (2 * hashes - 1) / 2 && *time < one_hash * (2 * hashes + 1) / 2
        };
        let mut times = quickest.iter().flat_map(|times| times.iter().zip(hashes));
        if round >= 4 && times.all(|(time, hashes)| is_about(time, hashes)) {
            return;
        }
    }
    panic!("{quickest:?}");
}
