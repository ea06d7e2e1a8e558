//! Addresses: each belongs to one user alone, the current one as well as those that are held.

use std::sync::Arc;

use fpm_registry::accounts::{
    store::{InsertError, Key, Replaced, Store},
    user::{HeldAddress, User},
};

use crate::{DAY, add, add_user, all, email, find, now, user, users::replace};

contract! {
    an_address_is_found_while_it_is_held
    an_address_that_another_holds_is_taken
    an_address_that_was_given_up_is_free
    one_of_many_who_want_an_address_has_it
}

fn held(address: &str) -> HeldAddress {
    HeldAddress {
        email: email(address),
        changed_at: now(),
        expires_at: now().plus(7 * DAY),
        unknown: Default::default(),
    }
}

/// A user who had another address before.
fn moved(from: &str, to: &str) -> User {
    User {
        held: vec![held(from)],
        ..user(to)
    }
}

async fn an_address_is_found_while_it_is_held(store: Arc<dyn Store>) {
    let ada = add(&store, moved("old@example.org", "new@example.org")).await;
    let [old, new, nobody] = ["old", "new", "no"].map(|name| email(&format!("{name}@example.org")));
    let device = ada.devices[0].digest;
    for (key, is_found) in [
        (Key::Address(&old), true),
        (Key::Address(&new), true),
        (Key::Address(&nobody), false),
        (Key::Email(&old), false),
        (Key::Email(&new), true),
        (Key::Device(&old, &device), false),
        (Key::Device(&new, &device), true),
    ] {
        let found = find(&store, key).await;
        assert_eq!(found.as_ref(), is_found.then_some(&ada), "{key:?}");
    }
}

async fn an_address_that_another_holds_is_taken(store: Arc<dyn Store>) {
    let ada = add(&store, moved("old@example.org", "new@example.org")).await;
    let refused = store.insert(&user("old@example.org")).await;
    assert!(matches!(refused, Err(InsertError::Taken)));
    let holding = moved("old@example.org", "other@example.org");
    let refused = store.insert(&holding).await;
    assert!(matches!(refused, Err(InsertError::Taken)));
    let eve = add_user(&store, "eve@example.org").await;
    for taken in ["old@example.org", "new@example.org"] {
        let as_ada = User {
            email: email(taken),
            ..eve.clone()
        };
        replace(&store, &eve, &as_ada, Replaced::Taken).await;
        let holding = User {
            held: vec![held(taken)],
            ..eve.clone()
        };
        replace(&store, &eve, &holding, Replaced::Taken).await;
    }
    // The own one can be had again.
    let back = User {
        email: email("old@example.org"),
        held: vec![held("new@example.org")],
        ..ada.clone()
    };
    replace(&store, &ada, &back, Replaced::Done).await;
}

async fn an_address_that_was_given_up_is_free(store: Arc<dyn Store>) {
    let ada = add(&store, moved("old@example.org", "new@example.org")).await;
    let without = User {
        held: Vec::new(),
        ..ada.clone()
    };
    replace(&store, &ada, &without, Replaced::Done).await;
    let old = email("old@example.org");
    assert_eq!(find(&store, Key::Address(&old)).await, None);
    let eve = add_user(&store, "old@example.org").await;
    assert_eq!(find(&store, Key::Address(&old)).await, Some(eve));
}

async fn one_of_many_who_want_an_address_has_it(store: Arc<dyn Store>) {
    let mut wishes = Vec::new();
    for n in 0..20 {
        let before = add_user(&store, &format!("ada{n}@example.org")).await;
        let after = User {
            email: email("new@example.org"),
            held: vec![held(&format!("ada{n}@example.org"))],
            ..before.clone()
        };
        wishes.push((before, after));
    }
    let tries = wishes.clone().into_iter().map(|(before, after)| {
        let store = store.clone();
        async move { store.replace(&before, &after).await.unwrap() }
    });
    let outcomes = all(tries).await;
    let winners: Vec<_> = (0..20).filter(|&n| outcomes[n] == Replaced::Done).collect();
    let [winner] = winners[..] else {
        panic!("{outcomes:?}");
    };
    let found = find(&store, Key::Email(&email("new@example.org"))).await;
    assert_eq!(found.unwrap().id, wishes[winner].1.id);
    for (n, (before, _)) in wishes.iter().enumerate().filter(|(n, _)| *n != winner) {
        assert_eq!(outcomes[n], Replaced::Taken);
        assert_eq!(
            find(&store, Key::Id(&before.id)).await.as_ref(),
            Some(before)
        );
    }
}
