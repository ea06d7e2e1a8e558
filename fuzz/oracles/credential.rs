//! A new passkey is accepted for what was begun at this site alone, a used one only as its authenticator signed it.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use fpm_registry::accounts::passkeys::{
    PasskeyRefusal::{CounterWentBack, Malformed, NotVerified, Refused, Unknown},
    RelyingParty, State, StoredCredential,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

const RP_ID: &str = "registry.example.org";
const ORIGIN: &str = "https://registry.example.org";
/// More than a passkey needs with an id of 1023 bytes and the longest key.
const MAX_STORED_BYTES: usize = 3 * 1024;
const USER_PRESENT_AND_VERIFIED: u8 = 0b101;

/// A passkey of the user `65f000000000000000000001`, as it was made and as it was used for the first time.
const MADE: &str = include_str!("../corpus/credential/made");
const USED: &str = include_str!("../corpus/credential/used");
/// What was begun before.
const ADDING: &str = r#"{"policy":"discouraged","exclude_credentials":[],"challenge":"UGc0UBCm2nS6Dust6xzZm0Jh3LICJZ--eDyZwnlltVw","credential_algorithms":["ES256","ES384","RS256"],"require_resident_key":false,"authenticator_attachment":null,"extensions":{},"allow_synchronised_authenticators":true}"#;
const LOGIN: &str = r#"{"credentials":[],"policy":"required","challenge":"I3yM0UNHIWQc0YzbK-MF3ph5xqi0Sce9tfjh17DdkWU","appid":null,"allow_backup_eligible_upgrade":false}"#;

static SITE: LazyLock<RelyingParty> =
    LazyLock::new(|| RelyingParty::new(&Url::parse(ORIGIN).unwrap()).unwrap());
static KNOWN: LazyLock<[StoredCredential; 1]> =
    LazyLock::new(|| [SITE.finish_adding(&state(ADDING), MADE).unwrap()]);

/// The input is a credential; and it is one field of a credential of which all else is right.
pub fn check(input: &[u8]) {
    if let Ok(text) = str::from_utf8(input) {
        check_made(text);
        check_used(text);
        check_claim(text);
    }
    for field in ["clientDataJSON", "attestationObject"] {
        check_made(&with(MADE, field, input).to_string());
    }
    let right: Value = serde_json::from_str(USED).unwrap();
    for field in ["clientDataJSON", "authenticatorData", "signature"] {
        let changed = with(USED, field, input);
        let is_accepted = check_used(&changed.to_string());
        assert_eq!(is_accepted, changed == right, "{field}");
    }
    check_claim(&with(USED, "userHandle", input).to_string());
}

fn state(text: &str) -> State {
    serde_json::from_value(json!(text)).unwrap()
}

fn with(credential: &str, field: &str, bytes: &[u8]) -> Value {
    let mut credential: Value = serde_json::from_str(credential).unwrap();
    credential["response"][field] = URL_SAFE_NO_PAD.encode(bytes).into();
    credential
}

/// The bytes of a field; none if the credential is written as an array, which serde takes for an object.
fn bytes_of(credential: &str, field: &str) -> Option<Vec<u8>> {
    let credential: Value = serde_json::from_str(credential).unwrap();
    let text = credential["response"][field].as_str()?.to_owned();
    Some(URL_SAFE_NO_PAD.decode(text).unwrap())
}

fn check_made(credential: &str) {
    match SITE.finish_adding(&state(ADDING), credential) {
        Ok(added) => {
            assert_is_said(credential, "webauthn.create", ADDING);
            if let Some(object) = bytes_of(credential, "attestationObject") {
                assert!(contains(&object, &Sha256::digest(RP_ID)));
                let id = URL_SAFE_NO_PAD.decode(added.id()).unwrap();
                assert!(contains(&object, &id));
            }
            assert!(serde_json::to_string(&added).unwrap().len() <= MAX_STORED_BYTES);
        }
        Err(refusal) => assert!(matches!(refusal, Malformed | Refused(_)), "{refusal:?}"),
    }
}

/// Checks a used passkey, and says whether it is accepted.
fn check_used(credential: &str) -> bool {
    let finish = |known: &[_]| SITE.finish_login(&state(LOGIN), credential, known);
    match finish(&*KNOWN) {
        Ok(used) => {
            assert_is_said(credential, "webauthn.get", LOGIN);
            if let Some(data) = bytes_of(credential, "authenticatorData") {
                assert!(data.starts_with(&Sha256::digest(RP_ID)));
                assert_eq!(
                    data[32] & USER_PRESENT_AND_VERIFIED,
                    USER_PRESENT_AND_VERIFIED
                );
            }
            assert_eq!((used.index, used.user_verified), (0, true));
            assert_eq!(finish(&[]).unwrap_err(), Unknown);
            // It counts, so it works once even with the same challenge.
            assert_eq!(finish(&[used.credential]).unwrap_err(), CounterWentBack);
            true
        }
        Err(refusal) => {
            let reasons = matches!(refusal, Malformed | Refused(_) | Unknown | NotVerified);
            assert!(reasons, "{refusal:?}");
            false
        }
    }
}

/// Asserts that the browser said what it must for this purpose.
fn assert_is_said(credential: &str, kind: &str, begun: &str) {
    if let Some(client_data) = bytes_of(credential, "clientDataJSON") {
        let said: Value = serde_json::from_slice(&client_data).unwrap();
        let begun: Value = serde_json::from_str(begun).unwrap();
        assert_eq!(said["type"], kind);
        assert_eq!(said["challenge"], begun["challenge"]);
        let origin = Url::parse(said["origin"].as_str().unwrap()).unwrap();
        assert_eq!(origin.origin().ascii_serialization(), ORIGIN);
        assert_ne!(said["crossOrigin"], true);
    }
}

/// Asserts that the user whom a passkey says it is of stands there as plain text, and is not long.
fn check_claim(credential: &str) {
    if let Some(user) = RelyingParty::claimed_user(credential) {
        let text = user.as_str();
        assert!((1..=64).contains(&text.len()));
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
        if let Some(handle) = bytes_of(credential, "userHandle") {
            assert_eq!(text.as_bytes(), handle);
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}
