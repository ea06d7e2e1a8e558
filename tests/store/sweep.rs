//! What a sweep drops, and what it keeps.

use std::{sync::Arc, time::Duration};

use fpm_registry::accounts::{
    attempts::{AttemptKey, Limit},
    mail::MAIL_LIFE,
    store::{Key, SWEPT_AT_ONCE, Store},
};

use crate::{
    DAY, HOUR, TWO_AN_HOUR, add_with_link, claim_all, count, find, now, queue, with_attempts,
};

contract! {
    a_sweep_drops_old_mail
    a_sweep_keeps_what_lives
    a_sweep_drops_expired_attempts_a_few_at_a_time
    a_sweep_drops_attempts_that_are_too_many
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
        assert_eq!(claim_all(&store).await, [with_attempts(mail, 1)]);
    }
}

async fn a_sweep_keeps_what_lives(store: Arc<dyn Store>) {
    let (ada, _) = add_with_link(&store, "ada@example.org").await;
    let mail = queue(&store).await;
    store.sweep(now(), u64::MAX).await.unwrap();
    assert_eq!(find(&store, Key::Id(&ada.id)).await, Some(ada));
    assert_eq!(claim_all(&store).await, [with_attempts(mail, 1)]);
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
