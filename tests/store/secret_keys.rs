//! Which keys have encrypted secrets in a store.

use std::{slice, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use fpm_registry::{
    accounts::{
        operator::request::Request,
        secret_keys::{KeyId, SecretKeys},
        store::{Key, Store},
        user::{FormerFactors, PendingTotp, Totp, User},
    },
    server::backup::{Ended, restore},
};
use serde_json::json;

use crate::{
    HOUR, accounts::accounts, add, add_user, backup::backup_of, embedded::Folder, find,
    mongo::open_new_database, now, user,
};

contract! {
    keys_are_noted_once_and_stay_until_they_are_unused
    keys_are_noted_by_several_at_once
    secrets_are_encrypted_anew_and_keys_of_no_use_forgotten
    without_keys_nothing_is_encrypted
    a_restored_store_knows_which_keys_it_needs
}

fn keys<const N: usize>(ids: [&str; N]) -> [KeyId; N] {
    ids.map(|id| KeyId::from_stored(id.to_owned()))
}

async fn keys_are_noted_once_and_stay_until_they_are_unused(store: Arc<dyn Store>) {
    assert_eq!(store.noted_secret_keys().await.unwrap(), []);
    let [first, second] = keys(["69c55c90", "630dcd29"]);
    for used in [
        &[][..],
        &keys(["69c55c90"]),
        &keys(["630dcd29", "69c55c90"]),
    ] {
        store.note_secret_keys(used, &[]).await.unwrap();
    }
    let noted = store.noted_secret_keys().await.unwrap();
    assert_eq!(noted, [second.clone(), first.clone()]);
    // Nothing else is where they are noted.
    store.try_write().await.unwrap();
    assert_eq!(store.noted_secret_keys().await.unwrap(), noted);
    for unused in [
        &keys(["00000000", "69c55c90"]),
        &keys(["69c55c90", "11111111"]),
    ] {
        store.note_secret_keys(&[], unused).await.unwrap();
        assert_eq!(
            store.noted_secret_keys().await.unwrap(),
            slice::from_ref(&second)
        );
    }
    store
        .note_secret_keys(slice::from_ref(&first), &[second])
        .await
        .unwrap();
    assert_eq!(store.noted_secret_keys().await.unwrap(), [first]);
}

async fn keys_are_noted_by_several_at_once(store: Arc<dyn Store>) {
    let all = keys(["00000000", "11111111", "22222222", "33333333"]);
    let noting = all.iter().cycle().take(20).cloned().map(|key| {
        let store = store.clone();
        tokio::spawn(async move { store.note_secret_keys(&[key], &[]).await })
    });
    for noted in noting.collect::<Vec<_>>() {
        noted.await.unwrap().unwrap();
    }
    assert_eq!(store.noted_secret_keys().await.unwrap(), all);
}

/// The text of a key file with keys of these bytes.
fn key_file(bytes: &[u8]) -> SecretKeys {
    let lines = bytes.iter().map(|byte| STANDARD.encode([*byte; 32]));
    SecretKeys::parse(&lines.collect::<Vec<_>>().join("\n")).unwrap()
}

fn id_of(keys: &SecretKeys) -> KeyId {
    keys.ids().next().unwrap().clone()
}

/// Adds a user with an authenticator app, and one that is being added.
async fn add_with_app(store: &Arc<dyn Store>, address: &str, keys: &SecretKeys) -> User {
    let user = user(address);
    let totp = Totp {
        secret: keys.seal(&user.id, b"of the app"),
        added_at: now(),
        used_at: None,
        step: 1,
        wrong: 0,
        wrong_of_known: 0,
        unknown: Default::default(),
    };
    let pending = PendingTotp {
        secret: keys.seal(&user.id, b"of the next"),
        session: user.sessions[0].handle.clone(),
        form: None,
        expires_at: now().plus(HOUR),
        unknown: Default::default(),
    };
    let former = FormerFactors {
        replaced_at: now(),
        totp: Some(Totp {
            secret: keys.seal(&user.id, b"of the former"),
            ..totp.clone()
        }),
        passkey: None,
        recovery_codes: None,
        unknown: Default::default(),
    };
    let user = User {
        totp: Some(totp),
        pending_totp: Some(pending),
        former_factors: vec![former],
        ..user
    };
    add(store, user).await
}

/// The secrets of a user that these keys decrypt.
async fn secrets(store: &Arc<dyn Store>, user: &User, keys: &SecretKeys) -> Vec<Vec<u8>> {
    let user = find(store, Key::Id(&user.id)).await.unwrap();
    let app = user.totp.iter().map(|app| &app.secret);
    let pending = user.pending_totp.iter().map(|pending| &pending.secret);
    let former = user.former_factors.iter();
    let former = former.filter_map(|former| Some(&former.totp.as_ref()?.secret));
    let sealed = app.chain(pending).chain(former);
    let opened = sealed.filter_map(|sealed| keys.open(&user.id, sealed));
    opened.map(|opened| opened.secret).collect()
}

async fn secrets_are_encrypted_anew_and_keys_of_no_use_forgotten(store: Arc<dyn Store>) {
    let [old, new, lost, unused] = [b"o", b"n", b"l", b"u"].map(|byte| key_file(byte));
    let before = [&old, &lost, &unused].map(id_of);
    store.note_secret_keys(&before, &[]).await.unwrap();
    let ada = add_with_app(&store, "ada@example.org", &old).await;
    let bob = add_with_app(&store, "bob@example.org", &new).await;
    let eve = add_with_app(&store, "eve@example.org", &lost).await;
    let without = add_user(&store, "dan@example.org").await;

    let accounts = accounts(&store).with_secret_keys(Some(key_file(b"no")));
    for changed in [1, 0] {
        let report = accounts.operate(Request::SealAnew).await.unwrap();
        assert_eq!(
            report.sentence,
            format!("Encrypted the secrets of {changed} users anew")
        );
        assert_eq!(
            report.facts,
            json!({ "key": id_of(&new), "other_keys_in_use": [id_of(&lost)], "unreadable": 0 })
        );
        let both = [&b"of the app"[..], b"of the next", b"of the former"];
        for user in [&ada, &bob] {
            assert_eq!(secrets(&store, user, &new).await, both);
        }
        assert_eq!(secrets(&store, &eve, &lost).await, both);
        for user in [&bob, &eve, &without] {
            let after = find(&store, Key::Id(&user.id)).await;
            assert_eq!(after.as_ref(), Some(user));
        }
        let mut noted = [&new, &lost].map(id_of);
        noted.sort();
        assert_eq!(store.noted_secret_keys().await.unwrap(), noted);
    }
}

async fn without_keys_nothing_is_encrypted(store: Arc<dyn Store>) {
    let refused = accounts(&store).operate(Request::SealAnew).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "SECRET_KEY_FILE is unset, so there is no key to encrypt by"
    );
}

async fn a_restored_store_knows_which_keys_it_needs(store: Arc<dyn Store>) {
    let [old, new] = [b"o", b"n"].map(|byte| key_file(byte));
    add_with_app(&store, "ada@example.org", &old).await;
    add_with_app(&store, "bob@example.org", &new).await;
    add_user(&store, "dan@example.org").await;
    let file = backup_of(&store).await;
    let mut needed = [&old, &new].map(id_of);
    needed.sort();
    for target in [Folder::new().open(), open_new_database().await.0] {
        restore(&target, &file.0, Ended::default()).await.unwrap();
        assert_eq!(target.noted_secret_keys().await.unwrap(), needed);
    }
}
