//! Upload tokens: whose they are, and users to whom something is due.

use std::sync::Arc;

use fpm_registry::accounts::{
    clock::Timestamp,
    id::Handle,
    package::Packages,
    store::{Key, Replaced, Store, Visitor},
    token_scope::May,
    user::{UploadToken, User},
};

use crate::{
    DAY, HOUR, add, all, change, digest, now,
    users::{replace, whole_user},
};

contract! {
    a_token_says_whose_it_is
    a_token_that_has_ended_is_nobodys
    of_fifty_who_use_a_token_up_at_once_one_succeeds
    users_are_due_in_the_order_of_their_time
    nothing_is_due_to_who_has_been_seen_to_or_deleted
}

/// A token that was made at this moment, with everything a token can have.
pub fn upload_token(created_at: Timestamp) -> UploadToken {
    UploadToken {
        handle: Handle::random(),
        digest: digest(),
        last4: "Ab3x".to_owned(),
        name: "laptop \u{1f986}".to_owned(),
        packages: Packages::parse("stdlib json-*").unwrap(),
        may: May::PublishUpdate,
        created_at,
        expires_at: created_at.plus(90 * DAY),
        used_at: Some(created_at.plus(HOUR)),
        replaced_at: Some(created_at.plus(2 * HOUR)),
        reminded_at: Some(created_at.plus(3 * HOUR)),
        unknown: Default::default(),
    }
}

async fn a_token_says_whose_it_is(store: Arc<dyn Store>) {
    let ada = add(&store, whole_user("ada@example.org")).await;
    add(&store, whole_user("eve@example.org")).await;
    assert_eq!(ada.upload_tokens.len(), 2);
    for token in &ada.upload_tokens {
        let holder = Visitor {
            id: ada.id.clone(),
            name: ada.name.clone(),
            email: ada.email.clone(),
            email_confirmed: true,
            password_breached: true,
            is_disabled: false,
            credential: token.clone(),
        };
        let found = store.token_holder(&token.digest).await.unwrap();
        assert_eq!(found, Some(holder));
        assert_eq!(store.visitor(&token.digest).await.unwrap(), None);
    }
    let session = &ada.sessions[0].digest;
    assert_eq!(store.token_holder(session).await.unwrap(), None);
    assert_eq!(store.token_holder(&digest()).await.unwrap(), None);
}

async fn a_token_that_has_ended_is_nobodys(store: Arc<dyn Store>) {
    let ada = add(&store, whole_user("ada@example.org")).await;
    let ended = ada.upload_tokens[0].digest;
    let after = User {
        upload_tokens: ada.upload_tokens[1..].to_vec(),
        ..ada.clone()
    };
    let ada = replace(&store, &ada, &after, Replaced::Done).await;
    assert_eq!(store.token_holder(&ended).await.unwrap(), None);
    let left = ada.upload_tokens[0].digest;
    assert!(store.token_holder(&left).await.unwrap().is_some());
    let deleted = store.delete(&ada, now(), None).await.unwrap();
    assert_eq!(deleted, Replaced::Done);
    assert_eq!(store.token_holder(&left).await.unwrap(), None);
}

async fn of_fifty_who_use_a_token_up_at_once_one_succeeds(store: Arc<dyn Store>) {
    let ada = add(&store, whole_user("ada@example.org")).await;
    let token = ada.upload_tokens[0].digest;
    let uses = (0..50).map(|_| {
        let store = store.clone();
        async move {
            let used = change(&store, Key::UploadToken(&token), |user| {
                let before = user.upload_tokens.len();
                user.upload_tokens.retain(|other| other.digest != token);
                (user.upload_tokens.len() < before).then_some(())
            });
            used.await.is_some()
        }
    });
    let used = all(uses).await;
    assert_eq!(used.iter().filter(|used| **used).count(), 1);
}

async fn due(store: &Arc<dyn Store>, at: Timestamp, most: usize) -> Vec<String> {
    let due = store.due(at, most).await.unwrap();
    due.iter().map(|id| id.as_str().to_owned()).collect()
}

async fn users_are_due_in_the_order_of_their_time(store: Arc<dyn Store>) {
    let mut ids = Vec::new();
    for (name, hours) in [("late", 3), ("soon", 1), ("middle", 2), ("never", 0)] {
        let user = User {
            due_at: (hours > 0).then(|| now().plus(hours * HOUR)),
            ..whole_user(&format!("{name}@example.org"))
        };
        ids.push(add(&store, user).await.id.as_str().to_owned());
    }
    let [late, soon, middle, _] = &ids[..] else {
        panic!("four users");
    };
    let just_before = now().plus(HOUR).minus(std::time::Duration::from_millis(1));
    assert_eq!(due(&store, just_before, 9).await, [""; 0]);
    assert_eq!(due(&store, now().plus(HOUR), 9).await, [soon.as_str()]);
    let all = [soon.clone(), middle.clone(), late.clone()];
    assert_eq!(due(&store, now().plus(9 * HOUR), 9).await, all);
    assert_eq!(due(&store, now().plus(9 * HOUR), 2).await, all[..2]);
}

async fn nothing_is_due_to_who_has_been_seen_to_or_deleted(store: Arc<dyn Store>) {
    let at_once = |address| User {
        due_at: Some(now()),
        ..whole_user(address)
    };
    let ada = add(&store, at_once("ada@example.org")).await;
    let eve = add(&store, at_once("eve@example.org")).await;
    let mut seen_to = ada.clone();
    seen_to.due_at = Some(now().plus(HOUR));
    let ada = replace(&store, &ada, &seen_to, Replaced::Done).await;
    assert_eq!(due(&store, now(), 9).await, [eve.id.as_str()]);
    let deleted = store.delete(&eve, now(), None).await.unwrap();
    assert_eq!(deleted, Replaced::Done);
    assert_eq!(due(&store, now(), 9).await, [""; 0]);
    let mut done = ada.clone();
    done.due_at = None;
    replace(&store, &ada, &done, Replaced::Done).await;
    assert_eq!(due(&store, now().plus(9 * HOUR), 9).await, [""; 0]);
}
