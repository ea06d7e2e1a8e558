//! What browsers fetch: the client, the style sheet and the assets, under names that change with their content.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::Project;

/// What is worth compressing; images and fonts already are.
const COMPRESSIBLE: [&str; 9] = [
    "css",
    "html",
    "ico",
    "js",
    "json",
    "svg",
    "txt",
    "wasm",
    "webmanifest",
];

/// Builds the site anew unless it was built from the same inputs, and returns the hashes as the server reads them.
pub fn build(project: &Project, client: &Path) -> Result<String> {
    let keys = &project.keys;
    let css = read(&keys.style_file)?;
    let inputs = inputs(project, client, &css)?;
    let record = keys.site_root.with_extension("txt");
    if keys.site_root.is_dir()
        && let Ok(hashes) = fs::read_to_string(&record)
        && hashes.ends_with(&inputs)
    {
        return Ok(hashes);
    }

    eprintln!("Building the site.");
    let site = keys.site_root.with_extension("new");
    let pkg = site.join(&keys.site_pkg_dir);
    remove(&site)?;
    copy(&keys.assets_dir, &site)?;
    bind(project, client, &pkg)?;
    let css_file = pkg.join(&keys.output_name).with_extension("css");
    fs::write(&css_file, css).context("The style sheet cannot be written")?;

    let name = &keys.output_name;
    let mut hashes = String::new();
    for (kind, file) in [
        ("js", format!("{name}.js")),
        ("wasm", format!("{name}_bg.wasm")),
        ("css", format!("{name}.css")),
    ] {
        let hash = add_hash(&pkg.join(file), name, kind)?;
        hashes += &format!("{kind}: {hash}\n");
    }
    hashes += &inputs;
    if project.release {
        precompress(&site)?;
    }

    // The record goes first and comes last, so that a build that was cut short is not taken for a finished one.
    fs::write(&record, "").context("The site's hashes cannot be written")?;
    remove(&keys.site_root)?;
    fs::rename(&site, &keys.site_root).context("The new site cannot replace the old one")?;
    fs::write(&record, &hashes).context("The site's hashes cannot be written")?;
    Ok(hashes)
}

/// A line that is the same only when a build would give the same site; the server skips lines it does not know.
fn inputs(project: &Project, client: &Path, css: &[u8]) -> Result<String> {
    let mut digest = Sha256::new();
    digest.update([u8::from(project.release)]);
    digest.update(css);
    let this = std::env::current_exe().context("xtask cannot find itself")?;
    let mut files = files(&project.keys.assets_dir)?;
    files.extend([this, client.to_owned()]);
    for file in files {
        digest.update(file.as_os_str().as_encoded_bytes());
        digest.update(read(&file)?);
    }
    Ok(format!("inputs: {}\n", hex(&digest.finalize())))
}

/// Turns cargo's module into the wasm and JavaScript that browsers load.
fn bind(project: &Project, client: &Path, pkg: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(client)
        .out_name(&project.keys.output_name)
        .web(true)
        .and_then(|bindgen| {
            bindgen
                .typescript(false)
                // The page's script passes the name of the wasm, which has a hash.
                .omit_default_module_path(true)
                .remove_name_section(project.release)
                .remove_producers_section(project.release)
                .generate(pkg)
        })
        .context("wasm-bindgen failed")?;
    if project.release {
        let script = pkg.join(&project.keys.output_name).with_extension("js");
        let text = fs::read_to_string(&script).context("The script cannot be read")?;
        fs::write(&script, without_comments(&text)).context("The script cannot be written")?;
    }
    Ok(())
}

/// The script of wasm-bindgen without its comments and indents, an eighth of what a browser loads of it.
fn without_comments(script: &str) -> String {
    let is_comment = |line: &&str| {
        ["/**", "* ", "*/", "//"]
            .iter()
            .any(|mark| line.starts_with(mark))
    };
    let lines = script.lines().map(str::trim_start);
    let lines: Vec<&str> = lines
        .filter(|line| !line.is_empty() && !is_comment(line))
        .collect();
    // A text over several lines would lose its indents.
    match lines.iter().all(|line| line.matches('`').count() % 2 == 0) {
        true => lines.join("\n"),
        false => script.to_owned(),
    }
}

/// Renames a file to `<name>.<hash>.<kind>`, and returns the hash.
fn add_hash(file: &Path, name: &str, kind: &str) -> Result<String> {
    let hash = hex(&Sha256::digest(read(file)?)[..8]);
    fs::rename(file, file.with_file_name(format!("{name}.{hash}.{kind}")))
        .with_context(|| format!("{} cannot be renamed", file.display()))?;
    Ok(hash)
}

/// Writes `.br` and `.gz` beside every file that they make smaller to send.
fn precompress(site: &Path) -> Result<()> {
    for file in files(site)? {
        if !file
            .extension()
            .and_then(OsStr::to_str)
            .is_some_and(|kind| COMPRESSIBLE.contains(&kind))
        {
            continue;
        }
        let content = read(&file)?;
        let mut brotli = Vec::new();
        brotli::BrotliCompress(
            &mut &content[..],
            &mut brotli,
            &brotli::enc::BrotliEncoderParams::default(),
        )?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&content)?;
        for (suffix, packed) in [("br", brotli), ("gz", gzip.finish()?)] {
            if packed.len() >= content.len() {
                continue;
            }
            let mut name = file.clone().into_os_string();
            name.push(format!(".{suffix}"));
            fs::write(&name, packed)
                .with_context(|| format!("{} cannot be compressed", file.display()))?;
        }
    }
    Ok(())
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        let target = to.join(file.strip_prefix(from)?);
        target
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::copy(&file, &target))
            .with_context(|| format!("{} cannot be copied", file.display()))?;
    }
    Ok(())
}

/// All files in a folder and its folders, in the same order every time.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
