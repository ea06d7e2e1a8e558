//! The built site as files, and how it is read from its folder.

use std::{
    collections::HashMap,
    env, fs, io,
    path::{Path, PathBuf},
};

use axum::body::Bytes;
use leptos::config::LeptosOptions;

use crate::server::settings::WrongSetting;

/// What a build leaves for browsers.
#[derive(Default)]
pub struct BuiltSite {
    /// The content of each file by its path, such as `/favicon.svg`, and of its encodings, such as `/favicon.svg.br`.
    pub contents: HashMap<String, Bytes>,
    /// A line `kind: hash` for each hash in a file name; empty if the names have none.
    pub hashes: String,
}

impl BuiltSite {
    /// Reads the folder `site-root`, and the hashes beside the binary.
    pub fn read(options: &LeptosOptions) -> Result<Self, WrongSetting> {
        let root = &options.site_root;
        let contents = contents(Path::new(&**root)).map_err(|error| {
            WrongSetting::new(format!(
                "LEPTOS_SITE_ROOT must be a built site, run `cargo leptos build`: {root}: {error}"
            ))
        })?;
        let hashes = hashes(options)?;
        Ok(Self { contents, hashes })
    }
}

fn contents(root: &Path) -> io::Result<HashMap<String, Bytes>> {
    let mut contents = HashMap::new();
    for file in list(root)? {
        let path = file.strip_prefix(root).unwrap_or(&file);
        let path = format!("/{}", path.display());
        contents.insert(path, Bytes::from(fs::read(&file)?));
    }
    Ok(contents)
}

/// Reads the hashes in file names, which cargo-leptos writes beside the binary.
fn hashes(options: &LeptosOptions) -> Result<String, WrongSetting> {
    if !options.hash_files {
        return Ok(String::new());
    }
    let binary = env::current_exe();
    let hashes =
        binary.and_then(|binary| fs::read_to_string(binary.with_file_name(&*options.hash_file)));
    hashes.map_err(|_| {
        WrongSetting::new(format!(
            "LEPTOS_HASH_FILES needs {} beside the binary, run `cargo leptos build`",
            options.hash_file
        ))
    })
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            paths.extend(list(&path)?);
        } else {
            paths.push(path);
        }
    }
    Ok(paths)
}
