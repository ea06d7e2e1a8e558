//! Static files: the built site, held in memory.
//!
//! Only files of the site are served, so no path can lead out of it.
//!
//! # Layout
//! - [`built`]: what a build leaves, in a folder or as a part of the binary

pub mod built;

use std::{collections::HashMap, env, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use leptos::config::LeptosOptions;
use sha2::{Digest, Sha256};

use self::built::BuiltSite;
use super::{negotiation, settings::WrongSetting};

/// `Cache-Control` of files with a hash in their name, whose content never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// `Cache-Control` of other files: cached, but revalidated by `ETag`.
const REVALIDATE: &str = "public, no-cache";
/// `Content-Type` of files whose ending says nothing.
const UNKNOWN_TYPE: &str = "application/octet-stream";
/// The encodings that a build writes beside a file, with their file name endings, best first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// The site as it is served.
pub struct Site {
    at_start: Arc<Files>,
    /// Set if the folder is read for every request, since cargo-leptos changes it (`LEPTOS_WATCH`).
    watched: Option<LeptosOptions>,
}

impl Site {
    /// Reads the folder of the built site, `site-root`. Fails if it was not built with this binary.
    pub fn in_folder(options: &LeptosOptions) -> Result<Self, WrongSetting> {
        Ok(Self {
            at_start: Arc::new(Files::in_folder(options)?),
            watched: env::var_os("LEPTOS_WATCH").map(|_| options.clone()),
        })
    }

    /// A site that is part of this binary. Fails if the settings give its files other names than the build did.
    pub fn in_binary(options: &LeptosOptions, built: &BuiltSite) -> Result<Self, WrongSetting> {
        let files = Files::new(options, built);
        if !files.has_client() {
            return Err(WrongSetting::new(
                "LEPTOS_OUTPUT_NAME and LEPTOS_SITE_PKG_DIR must be unset, since the site is part of this binary",
            ));
        }
        Ok(Self {
            at_start: Arc::new(files),
            watched: None,
        })
    }

    /// A site without files, for tests.
    pub fn empty(options: &LeptosOptions) -> Self {
        Self {
            at_start: Arc::new(Files::new(options, &BuiltSite::default())),
            watched: None,
        }
    }

    /// The files now.
    pub fn files(&self) -> Arc<Files> {
        let anew = self.watched.as_ref().map(Files::in_folder);
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

/// A file as it is served.
pub struct File {
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
    fn in_folder(options: &LeptosOptions) -> Result<Self, WrongSetting> {
        let files = Self::new(options, &BuiltSite::read(options)?);
        if options.hash_files && !files.has_client() {
            return Err(WrongSetting::new(format!(
                "LEPTOS_SITE_ROOT must be the site that was built with this binary, run `cargo leptos build`: {}",
                options.site_root
            )));
        }
        Ok(files)
    }

    fn new(options: &LeptosOptions, built: &BuiltSite) -> Self {
        let hashed = format!("/{}/", options.site_pkg_dir);
        let cache_of = |path: &str| match path.starts_with(&hashed) && !built.hashes.is_empty() {
            true => IMMUTABLE,
            false => REVALIDATE,
        };
        let paths = built.contents.keys().filter(|path| !is_encoding(path));
        let by_path =
            paths.filter_map(|path| Some((path.clone(), File::new(path, cache_of(path), built)?)));
        Self {
            by_path: by_path.collect(),
            client: ClientPaths::new(options, &built.hashes),
        }
    }

    /// Whether the files that every page loads are there.
    fn has_client(&self) -> bool {
        let mut paths = self.client.paths();
        paths.all(|path| self.by_path.contains_key(path))
    }
}

fn is_encoding(path: &str) -> bool {
    ENCODINGS.iter().any(|(_, ending)| path.ends_with(ending))
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

impl File {
    /// The file with this path; none if it was not built.
    fn new(path: &str, cache: &'static str, built: &BuiltSite) -> Option<Self> {
        let content = |ending: &str| {
            let bytes = built.contents.get(&format!("{path}{ending}"))?;
            Some(Content::new(bytes.clone()))
        };
        let encoded = ENCODINGS.iter();
        let encoded = encoded.filter_map(|(name, ending)| Some((*name, content(ending)?)));
        let content_type = mime_guess::from_path(path).first_raw();
        Some(Self {
            content_type: HeaderValue::from_static(content_type.unwrap_or(UNKNOWN_TYPE)),
            cache: HeaderValue::from_static(cache),
            plain: content("")?,
            encoded: encoded.collect(),
        })
    }

    /// A file of JSON that is not part of the site.
    pub fn json(bytes: Bytes) -> Self {
        Self {
            content_type: HeaderValue::from_static("application/json"),
            cache: HeaderValue::from_static(REVALIDATE),
            plain: Content::new(bytes),
            encoded: Vec::new(),
        }
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

    /// The response with the file, or 304 if the client has it.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let (encoding, content) = self.pick(request);
        let mut response = match request.get(header::IF_NONE_MATCH) {
            Some(known) if is_known(&content.etag, known) => {
                StatusCode::NOT_MODIFIED.into_response()
            }
            _ => Body::from(content.bytes.clone()).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        headers.insert(header::CACHE_CONTROL, self.cache.clone());
        headers.insert(header::ETAG, content.etag.clone());
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(encoding) = encoding {
            let encoding = HeaderValue::from_static(encoding);
            headers.insert(header::CONTENT_ENCODING, encoding);
        }
        response
    }
}

impl Content {
    #[expect(clippy::expect_used, reason = "base64 can stand in a header")]
    fn new(bytes: Bytes) -> Self {
        let digest = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..12]);
        let etag = HeaderValue::from_str(&format!("\"{digest}\"")).expect("a tag of base64");
        Self { bytes, etag }
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
    file.answer(request.headers())
}

/// Whether an `If-None-Match` contains this tag (RFC 9110, 13.1.2).
fn is_known(etag: &HeaderValue, known: &HeaderValue) -> bool {
    let known = known.as_bytes().split(|byte| *byte == b',');
    let mut known = known.map(<[u8]>::trim_ascii);
    known.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
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
