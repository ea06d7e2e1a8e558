//! Key files of registries that run as processes, and what is said where a key of them is lost.
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::socket::Setup;

/// Two keys and their ids, the first 8 digits of their SHA-256.
pub const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub const OLD_ID: &str = "630dcd29";
pub const NEW: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
pub const NEW_ID: &str = "69c55c90";

/// What a start says where the file lacks a key.
pub const LACKS: &str = "lacks the key";

/// A file of this text in the folder of a registry.
pub fn written(setup: &Setup, text: &str) -> PathBuf {
    fs::create_dir_all(setup.folder()).unwrap();
    let path = setup.folder().join("keys");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

pub fn with_keys(setup: &Setup, path: &Path) -> Setup {
    let path = path.to_str().unwrap();
    setup.clone().with("SECRET_KEY_FILE", path)
}

/// The sentence that tells of this lost key.
pub fn lost(place: &str, id: &str) -> String {
    format!(
        " WARN fpm_registry::server::key_file: {place} lacks the key {id}: authenticator apps whose secrets it \
         encrypted do not work (passwords, passkeys and recovery codes do); put it back below the keys there, or, if \
         it is lost, have these users log in with a passkey or a recovery code and add the app again, or help them \
         with `fpm-registry user end-second-factors`\n"
    )
}

/// That a log tells of this lost key of a file once, and of no other.
#[track_caller]
pub fn assert_lost(log: &str, path: &Path, id: &str) {
    let place = format!("the key file `{}`", path.display());
    assert_eq!(log.matches(&lost(&place, id)).count(), 1, "{log}");
    assert_eq!(log.matches(LACKS).count(), 1, "{log}");
}
