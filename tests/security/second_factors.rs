//! Second factors: where their secrets are not, and whose clock counts.

use mongodb::bson::{RawDocumentBuf, doc};
use serde_json::Value;

use crate::{
    ADA,
    code_of_app::{bytes_of_secret, code_of_app, code_of_app_at, next_code_of_app},
    mongod::{Mongod, database_name},
    on_mongo,
    socket::{PASSWORD, Registry, Request, Setup, post},
};

fn send(registry: &Registry, session: &str, path: &str, fields: &[(&str, &str)]) -> Value {
    let answer = registry.send(&post(path, fields).with("Cookie", session));
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Begins to add an app; its secret.
fn begin(registry: &Registry, session: &str) -> String {
    let begun = send(registry, session, "/account/totp", &[]);
    begun["secret"].as_str().unwrap().to_owned()
}

/// Adds this app; the recovery codes.
fn confirm(registry: &Registry, session: &str, secret: &str) -> Vec<String> {
    let code = code_of_app(secret);
    let added = send(
        registry,
        session,
        "/account/totp/confirm",
        &[("code", &code)],
    );
    serde_json::from_value(added["recovery_codes"].clone()).unwrap()
}

fn login(code: &str) -> Request {
    let fields = [("email", ADA), ("password", PASSWORD), ("code", code)];
    post("/auth/login", &fields)
}

/// All that lies in the files of a registry and in its database.
async fn stored(registry: &Registry, database: &str) -> Vec<u8> {
    let mut stored = registry.stored();
    let client = mongodb::Client::with_uri_str(Mongod::shared().uri()).await;
    let users = client
        .unwrap()
        .database(database)
        .collection::<RawDocumentBuf>("users");
    if let Some(user) = users.find_one(doc! { "email": ADA }).await.unwrap() {
        stored.extend(user.as_bytes());
    }
    stored
}

/// ASVS 6.5.2, 11.3.2, 14.2.6, 16.2.5: the secret of an app that was added, of one that took its place and of one that
/// waits for its first code lie encrypted, recovery codes as digests; none of them is in the log.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_second_factor_is_stored_or_logged_in_clear() {
    let database = database_name();
    for setup in [Setup::unlimited(), on_mongo(&database)] {
        let registry = setup.start();
        let session = registry.sign_up(ADA).session();
        let first = begin(&registry, &session);
        let mut codes = confirm(&registry, &session, &first);
        let second = begin(&registry, &session);
        codes.extend(confirm(&registry, &session, &second));
        let pending = begin(&registry, &session);
        registry
            .send(&login(&codes[10]))
            .assert_done("Login successful");
        let used_again = registry.send(&login(&codes[10]));
        used_again.assert_refused(401, "This code is not valid", Some("code"));

        let mut texts = Vec::new();
        for secret in [first, second, pending] {
            let bytes = bytes_of_secret(&secret);
            assert_eq!(bytes.len(), 20);
            texts.push(hex(&bytes).into_bytes());
            texts.push(secret.replace(' ', "").into_bytes());
            texts.extend([secret.into_bytes(), bytes]);
        }
        for code in codes {
            texts.push(code.replace('-', "").into_bytes());
            texts.push(code.into_bytes());
        }
        let stored = stored(&registry, &database).await;
        assert!(contains(&stored, b"recoveryCodes"), "it reads the user");
        let log = registry.stop();
        for text in &texts {
            for place in [&stored, log.as_bytes()] {
                assert!(!contains(place, text), "{text:?}");
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// ASVS 6.5.8: a code counts by the clock of the registry, whatever time a client says it is.
#[test]
fn a_client_does_not_say_what_time_it_is() {
    let registry = Registry::start();
    let session = registry.sign_up(ADA).session();
    let secret = begin(&registry, &session);
    confirm(&registry, &session, &secret);
    const NEW_YEAR: (&str, u64) = ("Thu, 01 Jan 2026 00:00:00 GMT", 1_767_225_600);
    let (date, seconds) = NEW_YEAR;
    let says_new_year = |code: &str| registry.send(&login(code).with("Date", date));
    let of_new_year = code_of_app_at(&secret, seconds);
    says_new_year(&of_new_year).assert_refused(401, "This code is not valid", Some("code"));
    says_new_year(&next_code_of_app(&secret)).assert_done("Login successful");
}
