//! Attempts: none passes a limit.

use std::{sync::Arc, time::Duration};

use fpm_registry::accounts::{
    attempts::{AttemptKey, Attempts, FOR_EVER, Limit},
    clock::Timestamp,
    store::Store,
};

use crate::{DAY, HOUR, TWO_AN_HOUR, all, count, now, take_back};

contract! {
    attempts_past_the_most_wait_for_the_end_of_the_window
    attempts_slow_down_and_end
    an_open_limit_is_open_to_a_clock_that_is_behind
    attempts_are_counted_each_for_itself
    an_attempt_taken_back_or_forgotten_is_none
    attempts_at_once_never_pass_the_limit
    attempts_of_several_keys_are_summed_while_they_last
    limits_that_are_reached_are_listed
}

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

async fn limits_that_are_reached_are_listed(store: Arc<dyn Store>) {
    let (ada, bob, eve) = ("ada".into(), "bob".into(), "eve".into());
    for key in [&ada, &ada, &bob, &eve, &eve] {
        assert_eq!(count(&store, key, TWO_AN_HOUR, now()).await, Ok(()));
    }
    let end = now().plus(HOUR);
    let closed = Attempts {
        count: 2,
        open_at: end,
        expires_at: end,
    };
    let mut listed = store.closed_attempts(now(), 9).await.unwrap();
    listed.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    assert_eq!(listed, [(ada, closed), (eve, closed)]);
    assert_eq!(store.closed_attempts(now(), 1).await.unwrap().len(), 1);
    assert_eq!(store.closed_attempts(end, 9).await.unwrap(), []);
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

async fn attempts_of_several_keys_are_summed_while_they_last(store: Arc<dyn Store>) {
    let [monday, tuesday, never] = ["monday", "tuesday", "never"].map(AttemptKey::from);
    let week = Limit::Window {
        attempts: u32::MAX,
        window: 7 * DAY,
    };
    for _ in 0..3 {
        assert_eq!(count(&store, &monday, week, now()).await, Ok(()));
    }
    let next_day = now().plus(DAY);
    assert_eq!(count(&store, &tuesday, week, next_day).await, Ok(()));
    let all = [monday.clone(), tuesday, never];
    for (keys, moment, sum) in [
        (&all[..], next_day, 4),
        (&all[..1], next_day, 3),
        (&all[2..], next_day, 0),
        (&[], next_day, 0),
        (&all, now().plus(7 * DAY), 1),
        (&all, now().plus(8 * DAY), 0),
    ] {
        assert_eq!(store.attempts(keys, moment).await.unwrap(), sum);
    }
    take_back(&store, &monday).await;
    assert_eq!(store.attempts(&all, next_day).await.unwrap(), 3);
}
