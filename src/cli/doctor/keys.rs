//! Looks at the file of the keys that encrypt secrets, and makes none; asks the store which keys it needs.

use super::{
    finding::Finding,
    server::{Server, ask},
};
use crate::{
    accounts::secret_keys::{KeyId, SecretKeys},
    server::{admin::Request, key_file::KeyFile, settings::Settings, store},
};

const KEY_FILE: &str = "key file";

/// Looks at the file that the settings choose, and for keys that the store needs beside those in it.
pub async fn look(settings: &Settings, server: &Server) -> Vec<Finding> {
    let finding = look_at_file(settings);
    if finding.is_wrong() {
        return vec![finding];
    }
    let needed = needed_keys(settings, server).await;
    [finding]
        .into_iter()
        .chain(lost(settings, needed))
        .collect()
}

/// The keys that have encrypted secrets. None are known of a store that cannot be asked, which has a finding of its own.
async fn needed_keys(settings: &Settings, server: &Server) -> Vec<KeyId> {
    match server {
        Server::Running(_) => match ask(settings, Request::NotedSecretKeys).await {
            Some(Ok(ids)) => ids,
            _ => Vec::new(),
        },
        Server::Silent(_) => Vec::new(),
        Server::Absent => store::noted_secret_keys(settings).await.unwrap_or_default(),
    }
}

fn lost(settings: &Settings, mut needed: Vec<KeyId>) -> Option<Finding> {
    let keys = KeyFile::of(settings).and_then(|file| file.read().ok());
    let ids: Vec<&KeyId> = keys.iter().flat_map(SecretKeys::ids).collect();
    needed.retain(|id| !ids.contains(&id));
    if needed.is_empty() {
        return None;
    }
    let lost: Vec<_> = needed.iter().map(ToString::to_string).collect();
    Some(Finding::wrong(
        KEY_FILE,
        format!(
            "the store needs the keys {} too, without which authenticator apps do not work",
            lost.join(", ")
        ),
        "put them back below the keys there; if they are lost, see what the log of the server says at its start",
    ))
}

fn look_at_file(settings: &Settings) -> Finding {
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
    if let Some(owners) = file.differing_owners() {
        return Finding::of_another_owner(KEY_FILE, file.path(), owners);
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
