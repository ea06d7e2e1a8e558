//! Static files: the built site, held in memory.
//!
//! Only files that were in the site's folder at start are served, so no path can lead out of it. While cargo-leptos
//! watches, the folder is read again for each request.

use std::{
    collections::HashMap,
    env, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use leptos::config::LeptosOptions;
use sha2::{Digest, Sha256};

use super::{negotiation, settings::WrongSetting};

/// `Cache-Control` of files with a hash in their name, whose content never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// `Cache-Control` of other files: cached, but revalidated by `ETag`.
const REVALIDATE: &str = "public, no-cache";
/// The encodings that a build writes beside a file, with their file name endings, best first.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// The built site.
pub struct Site {
    at_start: Arc<Files>,
    /// Set if the folder is read for every request, since cargo-leptos changes it (`LEPTOS_WATCH`).
    watched: Option<LeptosOptions>,
}

impl Site {
    /// Reads the folder of the built site, `site-root`. Fails if it was not built with this binary.
    pub fn load(options: &LeptosOptions) -> Result<Self, WrongSetting> {
        Ok(Self {
            at_start: Arc::new(Files::load(options)?),
            watched: env::var_os("LEPTOS_WATCH").map(|_| options.clone()),
        })
    }

    /// A site without files, for tests.
    pub fn empty(options: &LeptosOptions) -> Self {
        let files = Files {
            by_path: HashMap::new(),
            client: ClientPaths::new(options, ""),
        };
        Self {
            at_start: Arc::new(files),
            watched: None,
        }
    }

    /// The files now.
    pub fn files(&self) -> Arc<Files> {
        let anew = self.watched.as_ref().map(Files::load);
        anew.and_then(Result::ok)
            .map_or_else(|| self.at_start.clone(), Arc::new)
    }

    /// Whether the files may change while they are served.
    pub fn is_watched(&self) -> bool {
        self.watched.is_some()
    }
}

/// The files of a site.
pub struct Files {
    by_path: HashMap<String, File>,
    /// The files that every page loads.
    pub client: ClientPaths,
}

/// The paths of the files that every page loads.
pub struct ClientPaths {
    /// The style sheet.
    pub style: String,
    /// The script that loads the module.
    pub script: String,
    /// The module itself, WebAssembly.
    pub module: String,
}

struct File {
    content_type: HeaderValue,
    cache: HeaderValue,
    plain: Content,
    /// By the name of the encoding, best first.
    encoded: Vec<(&'static str, Content)>,
}

#[derive(Clone)]
struct Content {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Files {
    fn load(options: &LeptosOptions) -> Result<Self, WrongSetting> {
        let root = &options.site_root;
        let by_path = Self::read(options).map_err(|error| {
            WrongSetting::new(format!(
                "LEPTOS_SITE_ROOT must be a built site, run `make build`: {root}: {error}"
            ))
        })?;
        let hashes = match options.hash_files {
            true => read_hashes(options).map_err(|_| {
                WrongSetting::new(format!(
                    "LEPTOS_HASH_FILES needs {} beside the binary, run `make build`",
                    options.hash_file
                ))
            })?,
            false => String::new(),
        };
        let client = ClientPaths::new(options, &hashes);
        if options.hash_files && !client.paths().all(|path| by_path.contains_key(path)) {
            return Err(WrongSetting::new(format!(
                "LEPTOS_SITE_ROOT must be the site that was built with this binary, run `make build`: {root}"
            )));
        }
        Ok(Self { by_path, client })
    }

    fn read(options: &LeptosOptions) -> io::Result<HashMap<String, File>> {
        let root = PathBuf::from(&*options.site_root);
        let hashed = options
            .hash_files
            .then(|| root.join(&*options.site_pkg_dir));
        let mut files = HashMap::new();
        for path in list(&root)? {
            let is_encoding = |ending| path.extension().is_some_and(|found| found == ending);
            if ENCODINGS.iter().any(|(_, ending)| is_encoding(*ending)) {
                continue;
            }
            let is_hashed = hashed.as_ref().is_some_and(|pkg| path.starts_with(pkg));
            let cache = if is_hashed { IMMUTABLE } else { REVALIDATE };
            let name = path.strip_prefix(&root).unwrap_or(&path);
            files.insert(format!("/{}", name.display()), File::load(&path, cache)?);
        }
        Ok(files)
    }
}

impl ClientPaths {
    /// From the lines `kind: hash` that a build writes. A kind without a line has no hash in its name.
    fn new(options: &LeptosOptions, hashes: &str) -> Self {
        let path = |kind: &str| {
            let of_kind = |line: &str| {
                let (found, hash) = line.split_once(": ")?;
                (found == kind).then(|| format!(".{hash}"))
            };
            let hash = hashes.lines().find_map(of_kind).unwrap_or_default();
            let (folder, name) = (&options.site_pkg_dir, &options.output_name);
            format!("/{folder}/{name}{hash}.{kind}")
        };
        Self {
            style: path("css"),
            script: path("js"),
            module: path("wasm"),
        }
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        [&self.style, &self.script, &self.module]
            .into_iter()
            .map(String::as_str)
    }
}

/// Reads the hashes in file names, which a build writes beside the binary.
fn read_hashes(options: &LeptosOptions) -> io::Result<String> {
    let binary = env::current_exe()?;
    fs::read_to_string(binary.with_file_name(&*options.hash_file))
}

impl File {
    fn load(path: &Path, cache: &'static str) -> io::Result<Self> {
        let content_type = mime_guess::from_path(path).first_or_octet_stream();
        let mut encoded = Vec::new();
        for (encoding, ending) in ENCODINGS {
            let mut beside = path.as_os_str().to_owned();
            beside.push(format!(".{ending}"));
            if Path::new(&beside).exists() {
                encoded.push((encoding, Content::load(Path::new(&beside))?));
            }
        }
        Ok(Self {
            content_type: HeaderValue::from_str(content_type.as_ref()).map_err(io::Error::other)?,
            cache: HeaderValue::from_static(cache),
            plain: Content::load(path)?,
            encoded,
        })
    }

    /// The best encoding that the client accepts.
    fn pick(&self, headers: &HeaderMap) -> (Option<&'static str>, &Content) {
        let accepted = headers
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        self.encoded
            .iter()
            .find(|(encoding, _)| negotiation::names(accepted, encoding))
            .map_or((None, &self.plain), |(encoding, content)| {
                (Some(*encoding), content)
            })
    }
}

impl Content {
    fn load(path: &Path) -> io::Result<Self> {
        let bytes = Bytes::from(fs::read(path)?);
        let digest = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..12]);
        let etag = HeaderValue::from_str(&format!("\"{digest}\"")).map_err(io::Error::other)?;
        Ok(Self { bytes, etag })
    }
}

/// The fallback for paths without a route: a file, or 404.
pub fn serve(site: &Site, request: &Request) -> Response {
    let files = site.files();
    let Some(file) = files.by_path.get(request.uri().path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let (encoding, content) = file.pick(request.headers());
    let mut response = match request.headers().get(header::IF_NONE_MATCH) {
        Some(known) if is_known(&content.etag, known) => StatusCode::NOT_MODIFIED.into_response(),
        _ => Body::from(content.bytes.clone()).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, file.content_type.clone());
    headers.insert(header::CACHE_CONTROL, file.cache.clone());
    headers.insert(header::ETAG, content.etag.clone());
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        let encoding = HeaderValue::from_static(encoding);
        headers.insert(header::CONTENT_ENCODING, encoding);
    }
    response
}

/// Whether an `If-None-Match` contains this tag (RFC 9110, 13.1.2).
fn is_known(etag: &HeaderValue, known: &HeaderValue) -> bool {
    let known = known.as_bytes().split(|byte| *byte == b',');
    let mut known = known.map(<[u8]>::trim_ascii);
    known.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_a_list_weakened_or_by_a_star() {
        let etag = HeaderValue::from_static("\"one\"");
        for (known, expected) in [
            ("\"one\"", true),
            ("W/\"one\"", true),
            ("\"two\" , W/\"one\"", true),
            ("*", true),
            ("\"two\"", false),
            ("one", false),
            ("", false),
        ] {
            let header = HeaderValue::from_static(known);
            assert_eq!(is_known(&etag, &header), expected, "{known}");
        }
    }
}
