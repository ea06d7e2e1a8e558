//! The layout holds: imports go one way, and the two Leptos files agree.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What a room may not name.
const FORBIDDEN: [(&str, &[&str]); 4] = [
    (
        "accounts",
        &[
            "axum",
            "leptos",
            "http",
            "hyper",
            "mongodb",
            "redb",
            "lettre",
            "crate::auth",
            "crate::pages",
            "crate::app",
            "crate::server",
        ],
    ),
    (
        "auth",
        &[
            "mongodb",
            "redb",
            "lettre",
            "crate::pages",
            "crate::app",
            "crate::server",
        ],
    ),
    (
        "pages",
        &[
            "mongodb",
            "redb",
            "lettre",
            "crate::accounts",
            "crate::app",
            "crate::server",
        ],
    ),
    (
        "app.rs",
        &[
            "mongodb",
            "redb",
            "lettre",
            "crate::accounts",
            "crate::server",
        ],
    ),
];

#[test]
fn imports_go_one_way() {
    for (room, forbidden) in FORBIDDEN {
        for file in rust_files(&Path::new("src").join(room)) {
            let code = fs::read_to_string(&file).unwrap();
            for name in forbidden {
                let names_it = code.lines().any(|line| {
                    let line = line.trim_start();
                    !line.starts_with("//") && line.contains(&format!("{name}::"))
                });
                assert!(!names_it, "{} names {name}", file.display());
            }
        }
    }
}

#[test]
fn cfg_stands_on_mod_lines_only() {
    for file in rust_files(Path::new("src")) {
        let code = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = code.lines().map(str::trim).collect();
        for pair in lines
            .windows(2)
            .filter(|pair| pair[0].starts_with("#[cfg(feature"))
        {
            let is_mod = pair[1].starts_with("mod ") || pair[1].starts_with("pub mod ");
            assert!(is_mod, "{}: {}", file.display(), pair[1]);
        }
    }
}

#[test]
fn the_server_and_the_build_read_the_same_leptos_keys() {
    let build = fs::read_to_string("Cargo.toml").unwrap();
    let run = fs::read_to_string("Leptos.toml").unwrap();
    for key in [
        "output-name",
        "site-root",
        "site-pkg-dir",
        "site-addr",
        "hash-files",
    ] {
        let line = |file: &str| {
            let found = file
                .lines()
                .find(|line| line.starts_with(&format!("{key} = ")));
            found.map(str::to_owned)
        };
        assert!(line(&run).is_some(), "{key} is not in Leptos.toml");
        assert_eq!(line(&build), line(&run));
    }
}

fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap();
    entries
        .flat_map(|entry| rust_files(&entry.unwrap().path()))
        .collect()
}
