//! Users: kept whole, found by every key, and replaced only as they were read.

use std::sync::Arc;

use fpm_registry::accounts::{
    mail::MailId,
    name::Name,
    store::{InsertError, Key, Replaced, Store, Visitor},
    token::Digest,
    user::{Confirmation, Device, HeldAddress, NotMeLink, Session, User},
};
use serde_json::json;

use crate::{
    DAY, HOUR, add, add_user, all, change, device, digest, email, find, hash, link, lives, now,
    origin, second_factors::add_second_factors, session, upload_tokens::upload_token, user,
};

contract! {
    a_user_is_found_whole_by_every_key
    nobody_is_found_by_a_key_of_nobody
    a_user_is_found_by_a_device_of_their_own
    a_session_says_whose_it_is
    what_has_expired_is_found
    one_email_has_one_user
    a_hundred_signups_of_one_email_make_one_user
    text_from_outside_is_kept_as_it_is
    fields_of_a_later_version_are_kept
    every_field_can_be_replaced
    nobody_is_found_by_a_key_that_is_gone
    an_email_of_another_user_is_taken
    a_change_that_another_came_before_is_refused
    a_user_who_is_not_there_cannot_be_replaced
}

async fn a_user_is_found_whole_by_every_key(store: Arc<dyn Store>) {
    let ada = add(&store, whole_user("ada@example.org")).await;
    add(&store, whole_user("eve@example.org")).await;
    for key in every_key(&ada) {
        assert_eq!(find(&store, key).await.as_ref(), Some(&ada), "{key:?}");
    }
}

async fn nobody_is_found_by_a_key_of_nobody(store: Arc<dyn Store>) {
    add(&store, whole_user("ada@example.org")).await;
    let nobody = whole_user("bob@example.org");
    for key in every_key(&nobody) {
        assert_eq!(find(&store, key).await, None, "{key:?}");
    }
    assert_eq!(store.visitor(&digest()).await.unwrap(), None);
}

async fn a_user_is_found_by_a_device_of_their_own(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let eve = add_user(&store, "eve@example.org").await;
    let [of_ada, of_eve] = [&ada, &eve].map(|user| user.devices[0].digest);
    let bob = email("bob@example.org");
    for (address, device, found) in [
        (&ada.email, of_ada, Some(&ada)),
        (&ada.email, of_eve, None),
        (&ada.email, digest(), None),
        (&bob, of_ada, None),
    ] {
        let owner = find(&store, Key::Device(address, &device)).await;
        assert_eq!(owner.as_ref(), found);
    }
}

async fn a_session_says_whose_it_is(store: Arc<dyn Store>) {
    let ada = add(&store, whole_user("ada@example.org")).await;
    add(&store, whole_user("eve@example.org")).await;
    assert_eq!(ada.sessions.len(), 2);
    for session in &ada.sessions {
        let visitor = Visitor {
            id: ada.id.clone(),
            name: ada.name.clone(),
            email: ada.email.clone(),
            email_confirmed: true,
            password_breached: ada.password_breached,
            is_disabled: false,
            credential: session.clone(),
        };
        let found = store.visitor(&session.digest).await.unwrap();
        assert_eq!(found, Some(visitor));
    }
    let link = ada.reset.unwrap().digest;
    assert_eq!(store.visitor(&link).await.unwrap(), None);
}

async fn what_has_expired_is_found(store: Arc<dyn Store>) {
    let mut ada = whole_user("ada@example.org");
    let long_ago = now().minus(365 * DAY);
    for session in &mut ada.sessions {
        session.expires_at = long_ago;
    }
    ada.reset.as_mut().unwrap().expires_at = long_ago;
    ada.confirmation.as_mut().unwrap().expires_at = Some(long_ago);
    ada.held[0].expires_at = long_ago;
    ada.not_me[0].expires_at = long_ago;
    ada.upload_tokens[0].expires_at = long_ago;
    let ada = add(&store, ada).await;
    store.sweep(now(), u64::MAX).await.unwrap();
    for key in every_key(&ada) {
        assert_eq!(find(&store, key).await.as_ref(), Some(&ada), "{key:?}");
    }
    for session in &ada.sessions {
        assert!(lives(&store, &session.digest).await);
    }
}

async fn one_email_has_one_user(store: Arc<dyn Store>) {
    let first = add_user(&store, "ada@example.org").await;
    let second = User {
        password: hash("second"),
        ..whole_user("ada@example.org")
    };
    let refused = store.insert(&second).await;
    assert!(matches!(refused, Err(InsertError::Taken)));
    for key in every_key(&second) {
        let found = match key {
            Key::Email(_) => Some(&first),
            Key::Address(email) if *email == first.email => Some(&first),
            _ => None,
        };
        assert_eq!(find(&store, key).await.as_ref(), found, "{key:?}");
    }
    for key in every_key(&first) {
        assert_eq!(find(&store, key).await.as_ref(), Some(&first), "{key:?}");
    }
}

async fn a_hundred_signups_of_one_email_make_one_user(store: Arc<dyn Store>) {
    let users: Vec<User> = (0..100).map(|_| user("ada@example.org")).collect();
    let signups = users.clone().into_iter().map(|user| {
        let store = store.clone();
        async move {
            match store.insert(&user).await {
                Ok(()) => true,
                Err(InsertError::Taken) => false,
                Err(InsertError::Store(error)) => panic!("{error}"),
            }
        }
    });
    let is_added = all(signups).await;
    let added = users.iter().zip(&is_added).filter(|(_, added)| **added);
    let added: Vec<&User> = added.map(|(user, _)| user).collect();
    let [the_one] = added[..] else {
        panic!("{added:?}");
    };
    let found = find(&store, Key::Email(&the_one.email)).await.unwrap();
    assert_eq!(
        (&found.id, &found.sessions),
        (&the_one.id, &the_one.sessions)
    );
    for (user, is_added) in users.iter().zip(is_added) {
        assert_eq!(lives(&store, &user.sessions[0].digest).await, is_added);
    }
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
        let session = Session {
            user_agent: text.to_owned(),
            ..session()
        };
        let user = User {
            name: text.to_owned(),
            password: hash(text),
            sessions: vec![session.clone()],
            ..user(&format!("ada{n}@example.org"))
        };
        let before = add(&store, user).await;
        assert_eq!(
            find(&store, Key::Id(&before.id)).await.as_ref(),
            Some(&before)
        );
        let mut after = before.clone();
        after.name = format!("{text}2");
        after.password = hash(&after.name);
        after.sessions[0].user_agent = after.name.clone();
        replace(&store, &before, &after, Replaced::Done).await;
        let visitor = store.visitor(&session.digest).await.unwrap().unwrap();
        assert_eq!(visitor.name, after.name);
        assert_eq!(visitor.credential, after.sessions[0]);
    }
}

/// Two versions may run side by side: what a later one wrote with anything stays, and so do its words.
async fn fields_of_a_later_version_are_kept(store: Arc<dyn Store>) {
    let mut written = serde_json::to_value(whole_user("ada@example.org")).unwrap();
    let place = json!({ "name": "home", "seen": ["a", "b"], "trusted": true });
    written["schema"] = json!(7);
    for list in ["sessions", "devices", "held", "notMe", "events"] {
        written[list][0]["place"] = place.clone();
    }
    for link in ["reset", "confirmation"] {
        written[link]["place"] = place.clone();
    }
    written["events"][0]["kind"] = json!("token-made");
    written["events"][0]["device"] = json!("Netscape on OS/2");
    let later: User = serde_json::from_value(written.clone()).unwrap();
    let before = add(&store, later).await;
    let noted = change(&store, Key::Id(&before.id), |user| {
        user.log_in(session(), Some(device()), None);
        user.change_name(&Name::parse("Ada King").unwrap(), &origin(now()));
        user.held.push(HeldAddress {
            email: email("ada@old.example"),
            ..user.held[0].clone()
        });
        user.not_me.push(NotMeLink {
            mail: MailId::random(),
            digest: digest(),
            ..user.not_me[0].clone()
        });
        Some(())
    });
    noted.await.unwrap();
    let after = find(&store, Key::Id(&before.id)).await.unwrap();
    let after = serde_json::to_value(after).unwrap();
    assert_eq!(after["schema"], 7);
    for list in ["sessions", "devices", "held", "notMe", "events"] {
        assert_eq!(after[list][0], written[list][0], "{list}");
        let (after, before) = (after[list].as_array(), written[list].as_array());
        assert!(after.unwrap().len() > before.unwrap().len(), "{list}");
    }
    for link in ["reset", "confirmation"] {
        assert_eq!(after[link], written[link]);
    }
}

async fn every_field_can_be_replaced(store: Arc<dyn Store>) {
    let before = add(&store, whole_user("ada@example.org")).await;
    let other = User {
        id: before.id.clone(),
        rev: before.rev,
        name: "Grace Hopper".to_owned(),
        password: hash("second"),
        created_at: now().minus(HOUR),
        login_at: now().plus(HOUR),
        last_logout: Some(now().plus(DAY)),
        ..whole_user("grace@example.org")
    };
    let other = replace(&store, &before, &other, Replaced::Done).await;
    let mut touched = other.clone();
    touched.sessions[1].used_at = now().plus(HOUR);
    touched.sessions[1].expires_at = now().plus(20 * DAY);
    let touched = replace(&store, &other, &touched, Replaced::Done).await;
    let bare = User {
        last_logout: None,
        confirmed_at: None,
        password_changed_at: None,
        password_breached: false,
        sessions: Vec::new(),
        devices: Vec::new(),
        reset: None,
        confirmation: None,
        held: Vec::new(),
        not_me: Vec::new(),
        events: Vec::new(),
        ..touched.clone()
    };
    let bare = replace(&store, &touched, &bare, Replaced::Done).await;
    assert_eq!(bare.rev, Some(4));
    let same = store.replace(&bare, &bare).await.unwrap();
    assert_eq!(same, Replaced::Done);
    assert_eq!(find(&store, Key::Id(&bare.id)).await, Some(bare));
}

async fn nobody_is_found_by_a_key_that_is_gone(store: Arc<dyn Store>) {
    let before = add(&store, whole_user("ada@example.org")).await;
    let [ended, other] = [0, 1].map(|n| before.sessions[n].clone());
    let after = User {
        email: email("grace@example.org"),
        sessions: vec![other],
        devices: vec![device()],
        reset: Some(link()),
        confirmation: None,
        not_me: Vec::new(),
        held: Vec::new(),
        ..before.clone()
    };
    let after = replace(&store, &before, &after, Replaced::Done).await;
    let [device, older] = [before.devices[0].digest, before.reset.unwrap().digest];
    let confirmation = before.confirmation.unwrap().digest.unwrap();
    for gone in [
        Key::Email(&before.email),
        Key::Address(&before.email),
        Key::Address(&before.held[0].email),
        Key::Confirmation(&confirmation),
        Key::NotMe(&before.not_me[0].digest),
        Key::Session(&ended.digest),
        Key::Device(&after.email, &device),
        Key::ResetLink(&older),
    ] {
        assert_eq!(find(&store, gone).await, None, "{gone:?}");
    }
    assert!(!lives(&store, &ended.digest).await);
    for key in every_key(&after) {
        assert_eq!(find(&store, key).await.as_ref(), Some(&after), "{key:?}");
    }
    add_user(&store, "ada@example.org").await;
}

async fn an_email_of_another_user_is_taken(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let eve = add_user(&store, "eve@example.org").await;
    let as_ada = User {
        name: "Ada".to_owned(),
        email: ada.email.clone(),
        sessions: vec![session()],
        ..eve.clone()
    };
    replace(&store, &eve, &as_ada, Replaced::Taken).await;
    assert!(!lives(&store, &as_ada.sessions[0].digest).await);
    assert_eq!(
        find(&store, Key::Email(&ada.email)).await.as_ref(),
        Some(&ada)
    );
    let grace = User {
        email: email("grace@example.org"),
        ..ada.clone()
    };
    replace(&store, &ada, &grace, Replaced::Done).await;
    let taken = store.insert(&user("grace@example.org")).await;
    assert!(matches!(taken, Err(InsertError::Taken)));
    replace(&store, &eve, &as_ada, Replaced::Done).await;
}

async fn a_change_that_another_came_before_is_refused(store: Arc<dyn Store>) {
    let read = add_user(&store, "ada@example.org").await;
    let named = |name: &str| User {
        name: name.to_owned(),
        ..read.clone()
    };
    let grace = replace(&store, &read, &named("Grace"), Replaced::Done).await;
    let eve = store.replace(&read, &named("Eve")).await.unwrap();
    assert_eq!(eve, Replaced::Conflict);
    assert_eq!(find(&store, Key::Id(&read.id)).await, Some(grace));
}

async fn a_user_who_is_not_there_cannot_be_replaced(store: Arc<dyn Store>) {
    let nobody = user("ada@example.org");
    let named = User {
        name: "Ada".to_owned(),
        ..nobody.clone()
    };
    let replaced = store.replace(&nobody, &named).await.unwrap();
    assert_eq!(replaced, Replaced::Conflict);
    assert_eq!(find(&store, Key::Email(&nobody.email)).await, None);
}

/// A user with everything a user can have.
pub fn whole_user(address: &str) -> User {
    let second = Session {
        created_at: now().plus(HOUR),
        used_at: now().plus(2 * HOUR),
        user_agent: "curl/8".to_owned(),
        ..session()
    };
    let mut user = user(address);
    user.sessions.push(second);
    user.devices.push(Device {
        created_at: now().plus(HOUR),
        ..device()
    });
    user.confirmation = Some(Confirmation {
        email: email(&format!("next.{address}")),
        asked_at: now(),
        digest: Some(digest()),
        expires_at: Some(now().plus(DAY)),
        unknown: Default::default(),
    });
    user.held.push(HeldAddress {
        email: email(&format!("former.{address}")),
        changed_at: now(),
        expires_at: now().plus(7 * DAY),
        unknown: Default::default(),
    });
    user.not_me.push(NotMeLink {
        digest: digest(),
        mail: MailId::random(),
        email: email(&format!("former.{address}")),
        event_at: now(),
        expires_at: now().plus(7 * DAY),
        keeps_second_factors: true,
        unknown: Default::default(),
    });
    user.upload_tokens = vec![upload_token(now()), upload_token(now().plus(DAY))];
    add_second_factors(&mut user);
    User {
        due_at: Some(now().plus(4 * DAY)),
        password_breached: true,
        login_at: now().plus(HOUR),
        last_logout: Some(now().plus(3 * HOUR)),
        confirmed_at: Some(now().plus(HOUR)),
        reset: Some(link()),
        ..user
    }
}

pub fn every_key(user: &User) -> Vec<Key<'_>> {
    let sessions = user.sessions.iter();
    let devices = user.devices.iter();
    let tokens = user.upload_tokens.iter();
    let pending = user.pending_logins.iter();
    let link: Option<&Digest> = user.reset.as_ref().map(|link| &link.digest);
    let asked = user.confirmation.as_ref();
    let asked = asked.and_then(|asked| asked.digest.as_ref());
    [Key::Id(&user.id), Key::Email(&user.email)]
        .into_iter()
        .chain(user.addresses().map(Key::Address))
        .chain(asked.map(Key::Confirmation))
        .chain(user.not_me.iter().map(|link| Key::NotMe(&link.digest)))
        .chain(tokens.map(|token| Key::UploadToken(&token.digest)))
        .chain(pending.map(|login| Key::PendingLogin(&login.digest)))
        .chain(sessions.map(|session| Key::Session(&session.digest)))
        .chain(devices.map(|device| Key::Device(&user.email, &device.digest)))
        .chain(link.map(Key::ResetLink))
        .collect()
}

/// Replaces a user, which has to end like this; the user as the store then has it.
pub async fn replace(
    store: &Arc<dyn Store>,
    before: &User,
    after: &User,
    outcome: Replaced,
) -> User {
    assert_eq!(store.replace(before, after).await.unwrap(), outcome);
    let kept = match outcome {
        Replaced::Done => User {
            rev: before.rev.map(|rev| rev + 1),
            ..after.clone()
        },
        _ => before.clone(),
    };
    assert_eq!(find(store, Key::Id(&before.id)).await.as_ref(), Some(&kept));
    kept
}
