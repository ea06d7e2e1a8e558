//! The key of the secrets of authenticator apps: lost, put back, and taken away after a rotation.

use std::fs;

use serde_json::Value;

use crate::{
    ADA,
    code_of_app::next_code_of_app,
    done, facts,
    key_file::{LACKS, NEW, NEW_ID, OLD, OLD_ID, assert_lost, with_keys, written},
    second_factors::{App, add_app, with_key},
    setups,
    socket::{Answer, PASSWORD, Registry, post},
};

const BOB: &str = "bob@example.org";
const DONE: &str = "Login successful";
const UNREADABLE: &str =
    "Your authenticator app cannot be checked: use a recovery code or a passkey";

fn log_in(registry: &Registry, email: &str, code: &str) -> Answer {
    let fields = [("email", email), ("password", PASSWORD), ("code", code)];
    registry.send(&post("/auth/login", &fields))
}

/// That the app does not get its user in, and nothing of the user changes by it.
fn assert_is_lost(registry: &Registry, app: &App) {
    let user = || -> Value {
        let user = facts(&registry.setup, &["user", "show", ADA]);
        ["authenticator_app", "recovery_codes", "sessions"]
            .map(|fact| user[fact].clone())
            .into_iter()
            .collect()
    };
    let before = user();
    for code in [&*next_code_of_app(&app.secret), "000000"] {
        log_in(registry, ADA, code).assert_refused(401, UNREADABLE, Some("code"));
    }
    assert_eq!(user(), before);
}

#[test]
fn a_restore_without_the_key_says_what_is_lost_and_recovery_codes_work() {
    for setup in setups().map(with_key) {
        let registry = setup.start();
        registry.sign_up(ADA);
        let app = add_app(&registry, ADA);
        let file = setup.folder().join("registry.backup");
        let backup = file.to_str().unwrap();
        done(&setup, &["backup", backup]);
        for target in setups() {
            let path = written(&target, NEW);
            let target = with_keys(&target, &path);
            let restored = done(&target, &["restore", backup]);
            let sentence = format!("Restored 1 users from {backup}\n");
            assert!(restored.starts_with(&sentence), "{restored}");

            let restored = target.start();
            assert_is_lost(&restored, &app);
            log_in(&restored, ADA, &app.recovery_codes[0]).assert_done(DONE);
            assert_lost(&restored.stop(), &path, OLD_ID);

            fs::write(&path, format!("{NEW}\n{OLD}\n")).unwrap();
            let restored = target.start();
            log_in(&restored, ADA, &next_code_of_app(&app.secret)).assert_done(DONE);
            let log = restored.stop();
            assert!(!log.contains(LACKS), "{log}");
        }
    }
}

#[test]
fn who_has_lost_an_app_with_its_key_adds_another_one() {
    for setup in setups().map(with_key) {
        let registry = setup.start();
        registry.sign_up(ADA);
        let app = add_app(&registry, ADA);
        drop(registry);
        let path = written(&setup, NEW);
        let registry = setup.start();
        assert_is_lost(&registry, &app);
        let session = log_in(&registry, ADA, &app.recovery_codes[0]).session();
        let remove = post("/account/totp/end", &[]).with("Cookie", session);
        let removed = registry.send(&remove);
        removed.assert_done("Authenticator app removed");
        let other = add_app(&registry, ADA);
        let code = next_code_of_app(&other.secret);
        log_in(&registry, ADA, &code).assert_done(DONE);
        assert_lost(&registry.stop(), &path, OLD_ID);
    }
}

#[test]
fn after_a_rotation_all_go_on_and_the_old_key_can_be_taken_away() {
    for setup in setups().map(with_key) {
        let registry = setup.start();
        let [ada, bob] = [ADA, BOB].map(|email| {
            registry.sign_up(email);
            add_app(&registry, email)
        });
        drop(registry);
        written(&setup, &format!("{NEW}\n{OLD}\n"));
        let registry = setup.start();
        log_in(&registry, ADA, &next_code_of_app(&ada.secret)).assert_done(DONE);
        drop(registry);
        let path = written(&setup, OLD);
        // From now on the new key is needed.
        assert_lost(&setup.start().stop(), &path, NEW_ID);

        written(&setup, &format!("{NEW}\n{OLD}\n"));
        let registry = setup.start();
        // Her login has encrypted the secret of Ada anew.
        for users in [1, 0] {
            assert_eq!(
                done(&setup, &["secret-keys", "encrypt-anew"]),
                format!(
                    "Encrypted the secrets of {users} users anew\n  key: {NEW_ID}\n  other_keys_in_use: none\n  unreadable: 0\n"
                )
            );
        }
        drop(registry);
        written(&setup, NEW);
        let registry = setup.start();
        log_in(&registry, BOB, &next_code_of_app(&bob.secret)).assert_done(DONE);
        log_in(&registry, ADA, "000000").assert_refused(
            401,
            "This code is not valid",
            Some("code"),
        );
        let log = registry.stop();
        assert!(!log.contains(LACKS), "{log}");
    }
}
