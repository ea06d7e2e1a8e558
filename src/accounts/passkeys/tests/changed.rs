use proptest::prelude::*;
use serde_json::json;

use super::*;

proptest! {
    #[test]
    fn any_text_is_refused(text in "\\PC{0,200}") {
        refuse_all(&text);
    }

    #[test]
    fn any_fields_are_refused(
        client_data in any::<Vec<u8>>(),
        bytes in any::<Vec<u8>>(),
        id in any::<Vec<u8>>(),
    ) {
        let credential = json!({
            "id": encoded(&id),
            "rawId": encoded(&id),
            "type": "public-key",
            "response": {
                "clientDataJSON": encoded(&client_data),
                "attestationObject": encoded(&bytes),
                "authenticatorData": encoded(&bytes),
                "signature": encoded(&bytes),
            },
        });
        refuse_all(&credential.to_string());
    }

    #[test]
    fn a_used_passkey_that_was_changed_is_refused(
        field in prop::sample::select(vec!["clientDataJSON", "authenticatorData", "signature"]),
        change in change(),
    ) {
        let (mut phone, known) = phone();
        let begun = site().begin_login().unwrap();
        let used = phone.get(&begun.options).unwrap();
        let used = changed(used, field, &change).to_string();
        prop_assert!(site().finish_login(&begun.state, &used, &[known]).is_err());
    }

    /// It is not signed, so not every change is refused; but whatever is accepted can be read again.
    #[test]
    fn a_new_passkey_that_was_changed_is_refused_or_stored_whole(
        field in prop::sample::select(vec!["clientDataJSON", "attestationObject"]),
        change in change(),
    ) {
        let begun = begin_adding(&[]);
        let made = Authenticator::new(ORIGIN).create(&begun.options).unwrap();
        let made = changed(made, field, &change).to_string();
        match site().finish_adding(&begun.state, &made) {
            Ok(added) => prop_assert!(change.1.is_some() && added.read().is_some()),
            Err(refusal) => prop_assert!(matches!(refusal, Malformed | Refused(_))),
        }
    }
}

/// Where bytes are changed, and which bits of that byte are; without, they end there.
type Change = (prop::sample::Index, Option<u8>);

fn change() -> impl Strategy<Value = Change> {
    (any::<prop::sample::Index>(), proptest::option::of(1_u8..))
}

/// The credential with one change to the bytes that a field stands for.
fn changed(mut credential: Value, field: &str, (at, flipped): &Change) -> Value {
    let field = &mut credential["response"][field];
    let mut bytes = URL_SAFE_NO_PAD.decode(field.as_str().unwrap()).unwrap();
    let at = at.index(bytes.len());
    match flipped {
        Some(flipped) => bytes[at] ^= flipped,
        None => bytes.truncate(at),
    }
    *field = encoded(bytes);
    credential
}

/// Asserts that this is refused as a new passkey, and as a login with one.
fn refuse_all(credential: &str) {
    let begun = begin_adding(&[]);
    assert!(site().finish_adding(&begun.state, credential).is_err());
    let begun = site().begin_login().unwrap();
    assert!(site().finish_login(&begun.state, credential, &[]).is_err());
    assert_eq!(RelyingParty::claimed_user(credential), None);
}
