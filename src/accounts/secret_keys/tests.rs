use proptest::prelude::*;

use super::*;

/// Thirty-two bytes each.
const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
const SECRET: &[u8] = b"12345678901234567890";

fn keys(text: &str) -> SecretKeys {
    SecretKeys::parse(text).unwrap()
}

fn user(id: &str) -> UserId {
    UserId::from_stored(id.to_owned())
}

fn opened(keys: &SecretKeys, sealed: &Sealed) -> Option<(Vec<u8>, bool)> {
    let opened = keys.open(&user("ada"), sealed)?;
    Some((opened.secret, opened.is_current))
}

#[test]
fn a_secret_is_opened_for_its_user_by_its_key_alone() {
    let (old, new) = (keys(OLD), keys(NEW));
    let sealed = old.seal(&user("ada"), SECRET);
    assert_eq!(opened(&old, &sealed), Some((SECRET.to_vec(), true)));
    assert_eq!(old.open(&user("eve"), &sealed), None);
    assert_eq!(opened(&new, &sealed), None);
    // Nor if it says that it is of the other key.
    let (_, text) = sealed.0.split_once('.').unwrap();
    let relabelled = Sealed(format!("{}.{text}", new.ids().next().unwrap()));
    assert_eq!(opened(&new, &relabelled), None);
}

#[test]
fn one_secret_is_never_sealed_alike() {
    let keys = keys(OLD);
    let sealed = || keys.seal(&user("ada"), SECRET);
    assert_ne!(sealed(), sealed());
}

#[test]
fn what_is_stored_names_the_key_and_is_text() {
    let sealed = keys(OLD).seal(&user("ada"), SECRET);
    let json = serde_json::to_string(&sealed).unwrap();
    // SHA-256 of the bytes from 0 to 31; nonce, secret and tag are 48 bytes.
    assert!(json.starts_with("\"630dcd29."), "{json}");
    assert_eq!(json.len(), "\"630dcd29.\"".len() + 48 / 3 * 4);
    assert_eq!(serde_json::from_str::<Sealed>(&json).unwrap(), sealed);
}

#[test]
fn what_another_implementation_of_the_cipher_has_sealed_is_opened() {
    // By OpenSSL through Python's `cryptography`: `AESGCM(key).encrypt(nonce, secret, b"totp:ada")`, with the nonce before it.
    let sealed = "630dcd29.AAECAwQFBgcICQoLdjDlL_DT9SO0caa5gt1NW7TuvgQESTRhyqFYg-F5DKbhBWW9";
    let sealed = Sealed(sealed.to_owned());
    assert_eq!(opened(&keys(OLD), &sealed), Some((SECRET.to_vec(), true)));
}

#[test]
fn after_a_rotation_old_secrets_are_opened_and_new_ones_sealed_by_the_new_key() {
    let rotated = keys(&format!("{NEW}\n{OLD}\n"));
    let old = keys(OLD).seal(&user("ada"), SECRET);
    assert_eq!(opened(&rotated, &old), Some((SECRET.to_vec(), false)));
    let new = rotated.seal(&user("ada"), SECRET);
    assert_eq!(opened(&rotated, &new), Some((SECRET.to_vec(), true)));
    assert_eq!(opened(&keys(NEW), &new), Some((SECRET.to_vec(), true)));
    let ids = rotated.ids().map(KeyId::to_string);
    assert_eq!(ids.collect::<Vec<_>>(), ["69c55c90", "630dcd29"]);
}

#[test]
fn a_key_file_has_a_key_a_line_between_comments_and_empty_lines() {
    for text in [
        OLD.to_owned(),
        format!("# the key\n\n  {OLD} \r\n"),
        SecretKeys::random_file_text(),
    ] {
        assert_eq!(keys(&text).ids().count(), 1, "{text}");
    }
    assert_ne!(
        SecretKeys::random_file_text(),
        SecretKeys::random_file_text()
    );
    for (text, why) in [
        ("", "has no key"),
        ("# nothing\n", "has no key"),
        (&OLD[1..], "has no key of 32 bytes in base64 in line 1"),
        (
            &format!("#\n{OLD}\nsecret"),
            "has no key of 32 bytes in base64 in line 3",
        ),
        (
            &format!("{OLD}{NEW}"),
            "has no key of 32 bytes in base64 in line 1",
        ),
        ("c2hvcnQ=", "has no key of 32 bytes in base64 in line 1"),
        (
            &format!("{OLD} # old"),
            "has no key of 32 bytes in base64 in line 1",
        ),
    ] {
        let told = SecretKeys::parse(text).unwrap_err().to_string();
        assert_eq!(told, why, "{text}");
    }
}

#[test]
fn no_secret_shows_in_debug() {
    let keys = keys(OLD);
    let sealed = keys.seal(&user("ada"), SECRET);
    let opened = keys.open(&user("ada"), &sealed);
    assert_eq!(
        format!("{keys:?} {sealed:?} {opened:?}"),
        "SecretKeys(…) Sealed(…) Some(Opened(…))"
    );
}

proptest! {
    #[test]
    fn any_secret_is_opened_again(secret: Vec<u8>, id: String) {
        let (keys, user) = (keys(OLD), user(&id));
        let opened = keys.open(&user, &keys.seal(&user, &secret));
        prop_assert_eq!(opened, Some(Opened { secret, is_current: true }));
    }

    #[test]
    fn none_with_a_changed_character_is_opened(place: prop::sample::Index, other in "[ -~]") {
        let keys = keys(OLD);
        let sealed = keys.seal(&user("ada"), SECRET);
        let place = place.index(sealed.0.len());
        let mut changed = sealed.0.clone();
        changed.replace_range(place..=place, &other);
        prop_assume!(changed != sealed.0);
        prop_assert_eq!(opened(&keys, &Sealed(changed)), None);
    }

    #[test]
    fn no_other_text_is_opened(text: String) {
        prop_assert_eq!(opened(&keys(OLD), &Sealed(text.clone())), None);
        prop_assert_eq!(opened(&keys(OLD), &Sealed(format!("630dcd29.{text}"))), None);
    }
}
