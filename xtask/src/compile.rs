//! cargo builds the server and the client.

use std::env;
use std::ffi::OsStr;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cargo_metadata::Message;

use crate::Project;

/// What makes the site part of the server.
const EMBED: &str = "embed";

/// Compiles the library of the server, which is all of it but the site.
pub fn library(project: &Project) -> Result<()> {
    server_part(project, "server", &["--lib"], &[]).map(drop)
}

/// Compiles the server with the site in it, and says where its binary is.
pub fn server(project: &Project, hashes: &str) -> Result<PathBuf> {
    let folder = env::current_dir()?.join(&project.keys.site_root);
    let site = [
        ("SITE_FOLDER", folder.as_os_str()),
        ("SITE_HASHES", OsStr::new(hashes)),
    ];
    server_part(
        project,
        "server with the site in it",
        &["--bin", &project.package],
        &site,
    )?
    .into_iter()
    .find(|file| {
        file.file_stem()
            .is_some_and(|stem| stem == project.package.as_str())
    })
    .context("cargo built no server")
}

/// Compiles a part of the server with these environment variables, and returns the files made from it.
fn server_part(
    project: &Project,
    what: &str,
    part: &[&str],
    variables: &[(&str, &OsStr)],
) -> Result<Vec<PathBuf>> {
    let features = [&project.keys.bin_features[..], &[EMBED.to_owned()]].concat();
    let features = features.join(",");
    let profile = if project.release { "release" } else { "dev" };
    let args = [part, &["--features", &features, "--profile", profile]].concat();
    cargo(project, what, &args, variables)
}

/// Compiles the client for wasm32, and says where its module is.
pub fn client(project: &Project) -> Result<PathBuf> {
    let features = project.keys.lib_features.join(",");
    let profile = if project.release {
        &project.keys.lib_profile_release
    } else {
        "dev"
    };
    let target = "wasm32-unknown-unknown";
    cargo(
        project,
        "client",
        &[
            "--lib",
            "--target",
            target,
            "--features",
            &features,
            "--profile",
            profile,
        ],
        &[],
    )?
    .into_iter()
    .find(|file| {
        file.extension()
            .is_some_and(|extension| extension == "wasm")
    })
    .context("cargo built no client")
}

/// Runs `cargo build` with these environment variables, and returns the files made from the package itself.
fn cargo(
    project: &Project,
    what: &str,
    args: &[&str],
    variables: &[(&str, &OsStr)],
) -> Result<Vec<PathBuf>> {
    eprintln!("Compiling the {what}.");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What `cargo xtask` tells of xtask itself: crates that look at such a variable would be built anew after each
    // cargo that was started by hand.
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_a_package(name)) {
        command.env_remove(name);
    }
    let mut cargo = command
        .args([
            "build",
            "--package",
            &project.package,
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(args)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo cannot be started")?;
    let mut files = Vec::new();
    let messages = cargo.stdout.take().context("cargo has no output")?;
    for message in Message::parse_stream(BufReader::new(messages)) {
        if let Message::CompilerArtifact(artifact) =
            message.context("cargo's output cannot be read")?
            && artifact
                .target
                .src_path
                .starts_with(env::current_dir()?.join("src"))
        {
            files.extend(artifact.filenames.into_iter().map(PathBuf::from));
        }
    }
    ensure!(cargo.wait()?.success(), "The {what} does not compile.");
    Ok(files)
}

/// Whether cargo sets this variable for the package it runs.
fn is_of_a_package(variable: &OsStr) -> bool {
    variable
        .to_str()
        .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
}
