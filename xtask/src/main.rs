//! The project's own build, `cargo xtask build [--release]`, and `cargo xtask breached LIST [FILTER]`, which makes the
//! filter of passwords that are known from breaches.
//!
//! The build does what `cargo leptos build` does, by the same keys of Cargo.toml, and puts the site into the server. It
//! compiles in two minutes where cargo-leptos takes twenty. Libraries do the work; this is the order in which they are called.
//!
//! # Layout
//! - `main.rs`: the steps, and what they need to know of the project
//! - `compile.rs`: cargo builds the server and the client
//! - `breached.rs`: the filter
//! - `site.rs`: what browsers fetch, from the client, the style sheet and the assets

#![forbid(unsafe_code)]

mod breached;
mod compile;
mod site;

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail, ensure};
use cargo_metadata::MetadataCommand;
use serde::Deserialize;

/// The keys of `[package.metadata.leptos]` that matter here.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Keys {
    output_name: String,
    site_root: PathBuf,
    site_pkg_dir: PathBuf,
    style_file: PathBuf,
    assets_dir: PathBuf,
    bin_features: Vec<String>,
    lib_features: Vec<String>,
    lib_profile_release: String,
    hash_files: bool,
}

/// What the steps need to know.
struct Project {
    package: String,
    keys: Keys,
    /// Where cargo writes, which may be shared by several checkouts.
    cargo_target: PathBuf,
    release: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the arguments say.
fn run() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["build"] => build(false),
        ["build", "--release"] => build(true),
        ["breached", list] => breached::make(list.as_ref(), None),
        ["breached", list, filter] => breached::make(list.as_ref(), Some(filter.as_ref())),
        _ => bail!("Usage: cargo xtask build [--release] | breached LIST [FILTER]"),
    }
}

/// Builds server and client.
fn build(release: bool) -> Result<()> {
    let project = load(release)?;

    // Another checkout with the same cargo target may put its own files there between our compiling and our copying.
    let lock = File::create(project.cargo_target.join("xtask.lock"))
        .context("Cannot create a lock file")?;
    lock.lock().context("Cannot lock cargo's target folder")?;

    // At once, since each alone leaves a core idle while it waits for its largest crates and links.
    let (library, client) = std::thread::scope(|scope| {
        let library = scope.spawn(|| compile::library(&project));
        let client = compile::client(&project);
        (library.join(), client)
    });
    library.map_err(|_| anyhow!("The server's compiler panicked"))??;
    let hashes = site::build(&project, &client?)?;
    let server = compile::server(&project, &hashes)?;
    deliver(&project, &server)
}

/// Reads Cargo.toml and makes its folder the current one, so that the keys' paths hold.
fn load(release: bool) -> Result<Project> {
    let metadata = MetadataCommand::new()
        .no_deps()
        .exec()
        .context("Cargo.toml cannot be read")?;
    env::set_current_dir(&metadata.workspace_root)
        .context("The project's folder cannot be entered")?;
    let package = metadata
        .root_package()
        .context("Cargo.toml has no [package]")?;
    let keys = Keys::deserialize(&package.metadata["leptos"])
        .context("[package.metadata.leptos] in Cargo.toml is incomplete")?;
    ensure!(
        keys.hash_files,
        "Only hashed file names are built: set hash-files = true in Cargo.toml"
    );
    fs::create_dir_all(&metadata.target_directory)
        .context("Cargo's target folder cannot be created")?;
    Ok(Project {
        package: package.name.to_string(),
        keys,
        cargo_target: metadata.target_directory.into(),
        release,
    })
}

/// Puts the server into the project's own target folder.
fn deliver(project: &Project, server: &Path) -> Result<()> {
    let folder = Path::new("target").join(if project.release { "release" } else { "debug" });
    fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    let binary = folder.join(server.file_name().context("The server has no file name")?);
    if binary.canonicalize().ok() != server.canonicalize().ok() {
        replace(&binary, |new| fs::copy(server, new).map(drop))?;
    }
    eprintln!("Built {}.", binary.display());
    Ok(())
}

/// Writes a file beside its place and moves it there, since a running server cannot be overwritten.
fn replace(path: &Path, write: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    let new = path.with_extension("new");
    write(&new)
        .and_then(|()| fs::rename(&new, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}
