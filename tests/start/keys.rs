//! The file of the keys that encrypt secrets: made, read, refused, and told of when it was lost.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    key_file::{LACKS, NEW, OLD, OLD_ID, assert_lost, lost, with_keys, written},
    mongod::{Mongod, database_name},
    output,
    socket::{PASSWORD, Setup, login, post},
};

const ADA: &str = "ada@example.org";

const UNSET: &str = " INFO fpm_registry::server::key_file: SECRET_KEY_FILE is unset, so authenticator apps are not \
     offered; set it to a file made by `openssl rand -base64 32`, the same on all servers\n";

/// What a start with these settings logs, before it is killed.
fn log_of(setup: &Setup) -> String {
    setup.start().stop()
}

/// Has a secret encrypted by the first key: of an app that a new user begins to add.
fn encrypt(setup: &Setup, email: &str) {
    let registry = setup.start();
    let session = registry.sign_up(email).session();
    let begun = registry.send(&post("/account/totp", &[]).with("Cookie", session));
    assert_eq!(begun.status, 200, "{}", begun.body);
}

#[test]
fn the_first_start_makes_a_key_file_for_its_user_alone_and_the_next_reads_it() {
    let setup = Setup::new();
    let path = setup.folder().join("secret.key");
    let told = format!(
        " WARN fpm_registry::server::key_file: made the key file `{}`; keep a copy, since no backup has it\n",
        path.display()
    );
    assert_eq!(log_of(&setup).matches(&told).count(), 1);
    let made = fs::read_to_string(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let lines: Vec<&str> = made.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "# The keys by which fpm-registry encrypts the secrets of authenticator apps, the newest first.",
            "# No backup of the registry has this file: keep a copy. Without it users lose their authenticator apps.",
        ]
    );
    assert_eq!((lines.len(), lines[2].len()), (3, OLD.len()));
    let store = fs::read(setup.folder().join("registry.redb")).unwrap();
    let key = STANDARD.decode(lines[2]).unwrap();
    for key in [lines[2].as_bytes(), &key] {
        let is_there = store.windows(key.len()).any(|bytes| bytes == key);
        assert!(!is_there, "the store, and so a backup, has the key");
    }

    let log = log_of(&setup);
    assert!(!log.contains("key_file"), "{log}");
    assert!(!log.contains(lines[2]), "{log}");
    assert_eq!(fs::read_to_string(&path).unwrap(), made);
}

#[test]
fn a_key_file_that_cannot_be_used_ends_the_start_with_one_sentence() {
    let setup = Setup::new();
    let path = written(&setup, "");
    let named = with_keys(&setup, &path);
    let own = setup.folder().join("secret.key");
    for (text, why) in [
        ("# nothing\n".to_owned(), "has no key"),
        (
            format!("{NEW}\n\nsecret\n"),
            "has no key of 32 bytes in base64 in line 3",
        ),
    ] {
        for (setup, setting, path) in [
            (&named, "SECRET_KEY_FILE", &path),
            (&setup, "DATA_DIR", &own),
        ] {
            fs::write(path, &text).unwrap();
            let output = output(setup);
            let said = String::from_utf8(output.stderr).unwrap();
            let path = path.display();
            assert_eq!(
                said,
                format!("fpm-registry: {setting}: the key file `{path}` {why}\n")
            );
            assert_eq!(output.status.code(), Some(1));
        }
    }
    fs::remove_file(&path).unwrap();
    for setup in [&named, &named.clone().with_flags(&["user", "list"])] {
        let output = output(setup);
        let said = String::from_utf8(output.stderr).unwrap();
        let path = path.display();
        assert_eq!(
            said,
            format!(
                "fpm-registry: SECRET_KEY_FILE: the key file `{path}` cannot be read: No such file or directory (os error 2)\n"
            )
        );
        assert_eq!(output.status.code(), Some(1));
    }
    assert!(!path.exists(), "a file that is named is not made");
}

#[test]
fn a_key_file_that_others_can_read_is_warned_of() {
    let setup = Setup::new();
    let path = written(&setup, OLD);
    let setup = with_keys(&setup, &path);
    let warning = format!(
        " WARN fpm_registry::server::key_file: SECRET_KEY_FILE: others than its owner and group can read or change the key file `{}`; change its mode to 0600\n",
        path.display()
    );
    for (mode, warnings) in [(0o600, 0), (0o640, 0), (0o644, 1), (0o602, 1)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let log = log_of(&setup);
        assert_eq!(log.matches(&warning).count(), warnings, "{mode:o}: {log}");
    }
}

#[test]
fn a_lost_key_is_warned_of_until_it_is_back() {
    let mongo = Setup::new().with("MONGO_URI", &Mongod::shared().uri());
    for setup in [Setup::new(), mongo.with("MONGO_DB_NAME", &database_name())] {
        let path = written(&setup, OLD);
        let setup = with_keys(&setup, &path);
        encrypt(&setup, ADA);
        for (text, is_lost) in [
            (OLD.to_owned(), false),
            (format!("{NEW}\n{OLD}\n"), false),
            (NEW.to_owned(), true),
            (NEW.to_owned(), true),
            (format!("{NEW}\n{OLD}\n"), false),
        ] {
            fs::write(&path, &text).unwrap();
            let log = log_of(&setup);
            match is_lost {
                true => assert_lost(&log, &path, OLD_ID),
                false => assert!(!log.contains(LACKS), "{text}: {log}"),
            }
        }
    }
}

/// Whoever started a server with the wrong key file, and put the right one back, has lost nothing.
#[test]
fn a_key_that_has_encrypted_nothing_is_not_missed() {
    let mongo = Setup::new().with("MONGO_URI", &Mongod::shared().uri());
    for setup in [Setup::new(), mongo.with("MONGO_DB_NAME", &database_name())] {
        let path = written(&setup, NEW);
        let setup = with_keys(&setup, &path);
        log_of(&setup);
        fs::write(&path, OLD).unwrap();
        encrypt(&setup, ADA);
        fs::write(&path, NEW).unwrap();
        assert_lost(&log_of(&setup), &path, OLD_ID);
        fs::write(&path, OLD).unwrap();
        let log = log_of(&setup);
        assert!(!log.contains(LACKS), "{log}");
    }
}

#[test]
fn a_lost_key_that_nothing_needs_is_forgotten_by_a_command() {
    let mongo = Setup::new().with("MONGO_URI", &Mongod::shared().uri());
    for setup in [Setup::new(), mongo.with("MONGO_DB_NAME", &database_name())] {
        let path = written(&setup, OLD);
        let setup = with_keys(&setup, &path);
        encrypt(&setup, ADA);
        fs::write(&path, NEW).unwrap();
        let registry = setup.start();
        let session = registry.send(&login(ADA, PASSWORD)).session();
        let fields = [("email", ADA), ("current_password", PASSWORD)];
        let delete = post("/account/delete", &fields).with("Cookie", session);
        registry.send(&delete).assert_done("Account deleted");
        assert_lost(&registry.stop(), &path, OLD_ID);
        for _ in 0..2 {
            let output = output(&setup.clone().with_flags(&["secret-keys", "encrypt-anew"]));
            assert_eq!(
                String::from_utf8(output.stdout).unwrap(),
                "Encrypted the secrets of 0 users anew\n  key: 69c55c90\n  other_keys_in_use: none\n  unreadable: 0\n"
            );
            assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
        }
        let log = log_of(&setup);
        assert!(!log.contains(LACKS), "{log}");
    }
}

#[test]
fn a_key_file_of_an_embedded_store_that_was_deleted_is_made_anew_and_warned_of() {
    let setup = Setup::new();
    let path = written(&setup, OLD);
    let path = {
        let own = setup.folder().join("secret.key");
        fs::rename(path, &own).unwrap();
        own
    };
    encrypt(&setup, ADA);
    fs::remove_file(&path).unwrap();
    assert_lost(&log_of(&setup), &path, OLD_ID);
    let made = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{made}{OLD}\n")).unwrap();
    let log = log_of(&setup);
    assert!(!log.contains(LACKS), "{log}");
}

#[test]
fn a_database_without_a_key_file_has_no_authenticator_apps_and_says_how() {
    let setup = Setup::new().with("MONGO_URI", &Mongod::shared().uri());
    let setup = setup.with("MONGO_DB_NAME", &database_name());
    let log = log_of(&setup);
    assert_eq!(log.matches(UNSET).count(), 1, "{log}");
    assert!(!setup.folder().join("secret.key").exists());

    let path = written(&setup, OLD);
    let log = log_of(&with_keys(&setup, &path));
    assert!(!log.contains("key_file"), "{log}");
    encrypt(&with_keys(&setup, &path), ADA);
    let log = log_of(&setup);
    let place = "SECRET_KEY_FILE, which is unset,";
    assert_eq!(log.matches(&lost(place, OLD_ID)).count(), 1, "{log}");
}
