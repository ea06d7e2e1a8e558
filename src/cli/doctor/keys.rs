//! Looks at the file of the keys that encrypt secrets, and makes none.

use super::finding::Finding;
use crate::server::{key_file::KeyFile, settings::Settings};

const KEY_FILE: &str = "key file";

/// Looks at the file that the settings choose.
pub fn look(settings: &Settings) -> Finding {
    let Some(file) = KeyFile::of(settings) else {
        return Finding::warning(
            KEY_FILE,
            "SECRET_KEY_FILE is unset, so authenticator apps are not offered",
            "set it to a file made by openssl rand -base64 32, the same on all servers",
        );
    };
    let name = file.path().display();
    if file.is_to_be_made() {
        return Finding::ok(KEY_FILE, format!("the first start makes {name}"));
    }
    match file.read() {
        Err(setting) => Finding::wrong_setting(KEY_FILE, &setting),
        Ok(_) if file.is_open_to_others() => Finding::warning(
            KEY_FILE,
            format!("others than its owner and group can read or change {name}"),
            "change its mode to 0600",
        ),
        Ok(keys) => {
            let ids: Vec<_> = keys.ids().map(ToString::to_string).collect();
            Finding::ok(KEY_FILE, format!("{name} has the keys {}", ids.join(", ")))
        }
    }
}
