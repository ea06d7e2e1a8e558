//! What is shipped is one file.

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use crate::socket::{Registry, Setup, get};

/// The user without rights, and its group, as Linux counts them.
const NOBODY: u32 = 65534;

#[test]
fn the_release_binary_alone_serves_the_whole_site_to_another_user() {
    let Some(program) = env::var_os("REGISTRY") else {
        return println!("not tested, since REGISTRY names no release build");
    };
    let setup = Setup::new();
    let folder = setup.folder();
    fs::create_dir(folder).unwrap();
    let alone = folder.join("fpm-registry");
    fs::copy(program, &alone).unwrap();
    let mut command = Command::new(&alone);
    command
        .env_clear()
        .env("LEPTOS_SITE_ADDR", "127.0.0.1:0")
        .current_dir(folder);
    if fs::metadata(folder).unwrap().uid() == 0 {
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let registry = setup.try_start_by(command).unwrap();

    let page = registry.send(&get("/auth/login").by_browser());
    page.assert_page(200, "Log in");
    let quoted = page.body.split('"');
    let files: BTreeSet<&str> = quoted.filter(|text| is_file(text)).collect();
    let kinds: BTreeSet<&str> = files.iter().filter_map(|path| kind(path)).collect();
    assert_eq!(kinds, BTreeSet::from(["css", "js", "svg", "wasm"]));
    for path in files {
        for (encoding, ending) in [("", ""), ("gzip", ".gz"), ("br", ".br")] {
            assert_serves(&registry, path, encoding, ending);
        }
    }
}

/// That a file comes in this encoding as the build left it.
fn assert_serves(registry: &Registry, path: &str, encoding: &str, ending: &str) {
    let request = get(path).with("Accept-Encoding", encoding);
    let answer = registry.send(&request);
    let told = (answer.status, answer.header("content-encoding"));
    assert_eq!(told, (200, encoding), "{path}");
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/site");
    let built = fs::read(format!("{}{path}{ending}", site.display())).unwrap();
    let sent = registry.exchange(&request.bytes());
    assert!(sent.ends_with(&built), "{path} in {encoding}");
    let length = built.len().to_string();
    assert_eq!(answer.header("content-length"), length, "{path}");
}

fn is_file(text: &str) -> bool {
    text == "/favicon.svg" || text.starts_with("/pkg/")
}

fn kind(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(_, kind)| kind)
}
