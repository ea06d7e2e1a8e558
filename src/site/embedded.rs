//! The built site as part of this binary.

use std::collections::HashMap;

use axum::body::Bytes;
use fpm_registry::server::{
    files::{Site, built::BuiltSite},
    settings::WrongSetting,
};
use include_dir::{Dir, include_dir};
use leptos::config::LeptosOptions;

/// The folder that `cargo xtask build` has just filled.
static FOLDER: Dir = include_dir!("$SITE_FOLDER");
/// They change with the site, and only a variable that changed makes cargo compile this file again.
const HASHES: &str = env!(
    "SITE_HASHES",
    "feature `embed` is for `cargo xtask build`, which builds the site first"
);

/// Opens the site. Fails if the settings give its files other names than the build did.
pub fn open(options: &LeptosOptions) -> Result<Site, WrongSetting> {
    let mut contents = HashMap::new();
    add(&FOLDER, &mut contents);
    let hashes = HASHES.to_owned();
    Site::in_binary(options, &BuiltSite { contents, hashes })
}

fn add(folder: &'static Dir, contents: &mut HashMap<String, Bytes>) {
    for file in folder.files() {
        let path = format!("/{}", file.path().display());
        contents.insert(path, Bytes::from_static(file.contents()));
    }
    for folder in folder.dirs() {
        add(folder, contents);
    }
}
