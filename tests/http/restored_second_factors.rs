//! Second factors after a restore from a backup, into either store, with the key of before and without.

use std::{
    env,
    fs::{self, File},
};

use fpm_registry::server::backup::{Ended, back_up, restore};
use serde_json::{Value, json};

use crate::{
    ADA, PROGRAM,
    common::{
        Client, Kept, Registry, Setup,
        authenticator::Authenticator,
        authenticator_app::{AuthenticatorApp, STEP, SecondFactor},
    },
    refused_codes::{ENTER, NOT_VALID, OTHER_KEY, UNREADABLE, USED},
    second_factors::SECURITY,
    second_step::log_in,
};

contract! {
    a_restore_keeps_second_factors
    a_restore_without_the_key_keeps_all_but_the_app
}

const DONE: &str = "Login successful";
const BOTH: [Kept; 2] = [Kept::Embedded, Kept::Mongo];

/// A registry of this setup on a new store, restored from a backup of another one.
async fn restored(registry: &Registry, kept: Kept, setup: Setup) -> Registry {
    let restored = Registry::start_as(kept, setup).await;
    let path = env::temp_dir().join(format!("fpm-registry-{}.backup", uuid::Uuid::new_v4()));
    let file = File::create(&path).unwrap();
    back_up(&registry.store, file).await.unwrap();
    restore(&restored.store, &path, Ended::default())
        .await
        .unwrap();
    fs::remove_file(path).unwrap();
    restored
}

/// All that a user can have.
struct Factors<'r> {
    owner: Client<'r>,
    app: AuthenticatorApp,
    recovery_codes: Vec<String>,
    phone: Authenticator,
}

async fn with_all(registry: &Registry) -> Factors<'_> {
    let owner = registry.signed_up(PROGRAM, ADA).await;
    let SecondFactor {
        app,
        recovery_codes,
    } = owner.add_app().await;
    let phone = owner.add_passkey("Phone").await;
    Factors {
        owner,
        app,
        recovery_codes,
        phone,
    }
}

async fn assert_works(registry: &Registry, code: &str) {
    let done = log_in(registry, ADA, code).await;
    done.assert_done(PROGRAM, DONE, "/");
}

async fn assert_refused(registry: &Registry, code: &str, sentence: &str) {
    let refused = log_in(registry, ADA, code).await;
    refused.assert_refused(PROGRAM, 401, sentence, Some("code"));
}

/// What the page of the user tells, as of a moment at which this many codes are left, and the dates of uses aside.
async fn facts(client: &Client<'_>, left: usize) -> Value {
    let mut facts = client.facts(SECURITY).await;
    facts["authenticator_app"]["used_at"].take();
    facts["passkeys"][0]["used_at"].take();
    assert_eq!(facts["recovery_codes"]["left"].take(), json!(left));
    facts
}

async fn a_restore_keeps_second_factors(registry: Registry) {
    let mut ada = with_all(&registry).await;
    let [first, second, ..] = &ada.recovery_codes[..] else {
        panic!("ten codes")
    };
    let used = registry.next_code(&ada.app);
    assert_works(&registry, &used).await;
    assert_works(&registry, first).await;
    let before = facts(&ada.owner, 9).await;
    for kept in BOTH {
        let restored = restored(&registry, kept, Setup::default()).await;
        restored.wait(STEP);
        assert_refused(&restored, "", ENTER).await;
        assert_refused(&restored, &used, USED).await;
        assert_refused(&restored, first, NOT_VALID).await;
        assert_works(&restored, second).await;
        assert_refused(&restored, second, NOT_VALID).await;
        assert_works(&restored, &restored.next_code(&ada.app)).await;
        let client = restored.program();
        let done = client.use_passkey(&mut ada.phone, "").await;
        done.assert_done(PROGRAM, DONE, "/");
        assert_eq!(facts(&client, 8).await, before);
    }
}

async fn a_restore_without_the_key_keeps_all_but_the_app(registry: Registry) {
    let mut ada = with_all(&registry).await;
    for (kept, secret_key) in BOTH.into_iter().zip([None, Some(OTHER_KEY)]) {
        let setup = Setup {
            secret_key,
            ..Setup::default()
        };
        let restored = restored(&registry, kept, setup).await;
        assert_refused(&restored, &restored.next_code(&ada.app), UNREADABLE).await;
        assert_works(&restored, &ada.recovery_codes[0]).await;
        let client = restored.program();
        let done = client.use_passkey(&mut ada.phone, "").await;
        done.assert_done(PROGRAM, DONE, "/");
        let before = facts(&ada.owner, 10).await;
        assert_eq!(facts(&client, 9).await, before);
    }
    // Nothing of it is lost for good.
    assert_works(&registry, &registry.next_code(&ada.app)).await;
}
