//! Which keys have encrypted secrets in a store.

use std::sync::Arc;

use fpm_registry::accounts::{secret_keys::KeyId, store::Store};

contract! {
    keys_are_noted_once_and_stay
    keys_are_noted_by_several_at_once
}

fn keys<const N: usize>(ids: [&str; N]) -> [KeyId; N] {
    ids.map(|id| KeyId::from_stored(id.to_owned()))
}

async fn keys_are_noted_once_and_stay(store: Arc<dyn Store>) {
    assert_eq!(store.noted_secret_keys().await.unwrap(), []);
    let [first, second] = keys(["69c55c90", "630dcd29"]);
    for key in [&first, &second, &first] {
        store.note_secret_key(key).await.unwrap();
    }
    let noted = store.noted_secret_keys().await.unwrap();
    assert_eq!(noted, [second, first]);
    // Nothing else is where they are noted.
    store.try_write().await.unwrap();
    assert_eq!(store.noted_secret_keys().await.unwrap(), noted);
}

async fn keys_are_noted_by_several_at_once(store: Arc<dyn Store>) {
    let all = keys(["00000000", "11111111", "22222222", "33333333"]);
    let noting = all.iter().cycle().take(20).cloned().map(|key| {
        let store = store.clone();
        tokio::spawn(async move { store.note_secret_key(&key).await })
    });
    for noted in noting.collect::<Vec<_>>() {
        noted.await.unwrap().unwrap();
    }
    assert_eq!(store.noted_secret_keys().await.unwrap(), all);
}
