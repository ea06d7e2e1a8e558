//! The file of the keys that encrypt secrets: made, read, refused, and told of when it was lost.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    mongod::{Mongod, database_name},
    output,
    socket::Setup,
};

/// Two keys and their ids, the first 8 digits of their SHA-256.
const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OLD_ID: &str = "630dcd29";
const NEW: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

const UNSET: &str = " INFO fpm_registry::server::key_file: SECRET_KEY_FILE is unset, so authenticator apps are not \
     offered; set it to a file made by `openssl rand -base64 32`, the same on all servers\n";

/// A file in the folder of a registry.
fn written(setup: &Setup, text: &str) -> PathBuf {
    fs::create_dir_all(setup.folder()).unwrap();
    let path = setup.folder().join("keys");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

fn with_keys(setup: &Setup, path: &Path) -> Setup {
    let path = path.to_str().unwrap();
    setup.clone().with("SECRET_KEY_FILE", path)
}

/// What a start with these settings logs, before it is killed.
fn log_of(setup: &Setup) -> String {
    setup.start().stop()
}

/// The sentence that tells of this lost key.
fn lost(place: &str, id: &str) -> String {
    format!(
        " WARN fpm_registry::server::key_file: {place} lacks the key {id}: authenticator apps whose secrets it \
         encrypted do not work (passwords, passkeys and recovery codes do); put it back below the keys there, or, if \
         it is lost, have these users log in with a passkey or a recovery code and add the app again, or help them \
         with `fpm-registry user end-second-factors`\n"
    )
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
        let place = format!("the key file `{}`", path.display());
        for (text, is_lost) in [
            (OLD.to_owned(), false),
            (format!("{NEW}\n{OLD}\n"), false),
            (NEW.to_owned(), true),
            (NEW.to_owned(), true),
            (format!("{NEW}\n{OLD}\n"), false),
        ] {
            fs::write(&path, &text).unwrap();
            let log = log_of(&setup);
            let sentences = log.matches(&lost(&place, OLD_ID)).count();
            assert_eq!(sentences, usize::from(is_lost), "{text}: {log}");
            assert_eq!(log.matches("lacks the key").count(), sentences, "{log}");
        }
    }
}

#[test]
fn a_lost_key_that_nothing_needs_is_forgotten_by_a_command() {
    let mongo = Setup::new().with("MONGO_URI", &Mongod::shared().uri());
    for setup in [Setup::new(), mongo.with("MONGO_DB_NAME", &database_name())] {
        let path = written(&setup, OLD);
        let setup = with_keys(&setup, &path);
        log_of(&setup);
        fs::write(&path, NEW).unwrap();
        assert!(log_of(&setup).contains("lacks the key"));
        for _ in 0..2 {
            let output = output(&setup.clone().with_flags(&["secret-keys", "encrypt-anew"]));
            assert_eq!(
                String::from_utf8(output.stdout).unwrap(),
                "Encrypted the secrets of 0 users anew\n  key: 69c55c90\n  other_keys_in_use: none\n  unreadable: 0\n"
            );
            assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
        }
        let log = log_of(&setup);
        assert!(!log.contains("lacks the key"), "{log}");
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
    log_of(&setup);
    fs::remove_file(&path).unwrap();
    let place = format!("the key file `{}`", path.display());
    let log = log_of(&setup);
    assert!(log.contains(&lost(&place, OLD_ID)), "{log}");
    let made = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{made}{OLD}\n")).unwrap();
    let log = log_of(&setup);
    assert!(!log.contains("lacks the key"), "{log}");
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
    let log = log_of(&setup);
    let place = "SECRET_KEY_FILE, which is unset,";
    assert_eq!(log.matches(&lost(place, OLD_ID)).count(), 1, "{log}");
}
