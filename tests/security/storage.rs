//! What lies on disk and in the database: digests and slow hashes.

use std::collections::BTreeSet;

use base64::Engine;
use sha2::{Digest, Sha256};

use crate::{
    ADA,
    mongod::{Mongod, database_name},
    on_mongo,
    socket::{PASSWORD, Registry},
};

/// ASVS 6.5.2, 7.2.1, 11.4.2: what lies on disk is a digest of each uuid and a slow hash of each password.
#[test]
fn no_secret_is_stored_in_clear() {
    let registry = Registry::start();
    let answer = registry.sign_up(ADA);
    let pairs = [answer.session(), answer.cookie("device").unwrap()];
    let values = pairs.map(|pair| pair.split('=').nth(1).unwrap().to_owned());
    let uuids = values.into_iter().chain([registry.reset_uuid(ADA)]);
    let stored = registry.stored();
    let holds = |bytes: &[u8]| stored.windows(bytes.len()).any(|window| window == bytes);
    for text in uuids {
        let uuid = uuid::Uuid::try_parse(&text).unwrap();
        assert!(!holds(text.as_bytes()) && !holds(uuid.as_bytes()));
        assert!(!holds(uuid.simple().to_string().as_bytes()));
    }
    let session = answer.session();
    let uuid = uuid::Uuid::try_parse(session.trim_start_matches("uuid=")).unwrap();
    let digest = Sha256::digest(uuid.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = base64::prelude::BASE64_STANDARD.encode(digest);
    assert!(holds(&digest) || holds(hex.as_bytes()) || holds(base64.as_bytes()));
    assert!(!holds(PASSWORD.as_bytes()) && !holds(b"horse"));
    assert!(holds(b"$argon2id$v=19$m=19456,t=2,p=1$"));
}

/// ASVS 11.4.2: argon2id of enough memory and passes, with 16 random bytes of salt for each user.
#[tokio::test]
async fn equal_passwords_have_different_hashes() {
    use mongodb::bson::{Document, doc};

    let name = database_name();
    let registry = on_mongo(&name).start();
    let mut hashes = BTreeSet::new();
    for email in [ADA, "bob@example.org"] {
        registry.sign_up(email);
        let client = mongodb::Client::with_uri_str(Mongod::shared().uri()).await;
        let users = client
            .unwrap()
            .database(&name)
            .collection::<Document>("users");
        let user = users
            .find_one(doc! {"email": email})
            .await
            .unwrap()
            .unwrap();
        let hash = user.get_str("password").unwrap().to_owned();
        let parts: Vec<&str> = hash.split('$').collect();
        assert_eq!(parts[..4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"]);
        // 16 and 32 bytes in base64.
        assert_eq!((parts[4].len(), parts[5].len(), parts.len()), (22, 43, 6));
        hashes.insert(hash);
    }
    assert_eq!(hashes.len(), 2);
}
