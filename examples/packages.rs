//! An example of another service of the registry: it takes the packages that `fpm publish` uploads, and asks the registry
//! whose upload token came along and what it allows. It uses nothing of this crate, only HTTP.
//!
//! `REGISTRY_URL=http://127.0.0.1:9090 LISTEN=127.0.0.1:8080 PACKAGES=packages cargo run --features ssr --example packages`

use std::{
    collections::HashMap,
    env,
    error::Error,
    fmt::Display,
    fs,
    io::{self, ErrorKind},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, Multipart, State,
        multipart::{MultipartError, MultipartRejection},
    },
    http::{HeaderMap, Request, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::post,
};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::spawn_blocking,
    time::timeout,
};
use uuid::Uuid;

/// The most bytes of an upload.
const MAX_UPLOAD: usize = 32 * 1024 * 1024;
/// How long the registry may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let setting = |name, default: &str| env::var(name).unwrap_or(default.to_owned());
    let registry: Uri = setting("REGISTRY_URL", "http://127.0.0.1:9090").parse()?;
    // Tokens are in what it is asked: on another machine, ask it through a proxy or a network that encrypts.
    let ("http", Some(host)) = (registry.scheme_str().unwrap_or_default(), registry.host()) else {
        return Err("REGISTRY_URL has to begin with http://".into());
    };
    let service = Service {
        registry: format!("{host}:{}", registry.port_u16().unwrap_or(80)),
        packages: setting("PACKAGES", "packages").into(),
    };
    fs::create_dir_all(&service.packages)?;
    let listener = TcpListener::bind(setting("LISTEN", "127.0.0.1:8080")).await?;
    println!(
        "The packages service listens on http://{}",
        listener.local_addr()?
    );
    let routes = Router::new()
        .route("/packages", post(publish))
        .layer(DefaultBodyLimit::max(MAX_UPLOAD))
        .with_state(Arc::new(service));
    // In production a proxy before it ends TLS, and clients that are too slow.
    Ok(axum::serve(listener, routes).await?)
}

/// Where it asks, and where it keeps packages.
struct Service {
    registry: String,
    /// `<name>/owner` has the id of the user whose package it is, `<name>/<version>/` a version.
    packages: PathBuf,
}

/// A status, and one sentence: `fpm` shows its user nothing but that.
struct Answer(u16, String);

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Self(code, message) = self;
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({ "message": message, "code": code }))).into_response()
    }
}

fn bad(sentence: impl Into<String>) -> Answer {
    Answer(400, sentence.into())
}

fn too_large() -> Answer {
    Answer(413, "A package may have 32 MB at most".into())
}

fn failed(error: io::Error) -> Answer {
    eprintln!("a package was not kept: {error}");
    Answer(500, "The package could not be kept, try again later".into())
}

fn no_answer(why: impl Display) -> Answer {
    eprintln!("the registry did not answer: {why}");
    Answer(
        503,
        "The registry does not answer, try again in a moment".into(),
    )
}

/// `POST /packages`
async fn publish(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Answer, Answer> {
    // curl asks before it sends as much.
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_UPLOAD) {
        return Err(too_large());
    }
    let form = form.map_err(|_| bad("Send a multipart form, as fpm publish does"))?;
    let (upload, token) = read(form).await?;
    let Upload { name, version, .. } = &upload;
    let owner = service.packages.join(name).join("owner");
    let owner = match tokio::fs::read_to_string(owner).await {
        Ok(owner) => Some(owner),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let is_new = owner.is_none();

    let question = json!({ "token": token, "package": name, "is_new": is_new.to_string() });
    let publisher = service.ask("/auth/token/check", &question).await?;
    // The id alone never changes, and never belongs to anybody else.
    let id = publisher["id"]
        .as_str()
        .ok_or_else(|| no_answer("it tells no id"))?;
    if owner.is_some_and(|owner| owner != id) {
        return Err(Answer(403, format!("{name} belongs to another user")));
    }
    // Before the package is kept, so that of two uploads at once one succeeds. Whoever fails after that makes a new token.
    if publisher["may"] == "first-publish" {
        let question = json!({ "token": token, "package": name });
        service.ask("/auth/token/used", &question).await?;
    }

    let done = format!("{name} {version} published");
    let exists = match is_new {
        true => format!("{name} was published just now, try again"),
        false => format!("{name} {version} exists already"),
    };
    let new_owner = is_new.then(|| id.to_owned());
    let kept = spawn_blocking(move || service.keep(&upload, new_owner)).await;
    match kept.map_err(io::Error::other).flatten() {
        Ok(()) => Ok(Answer(200, done)),
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Err(Answer(409, exists)),
        Err(error) => Err(failed(error)),
    }
}

/// A version of a package.
struct Upload {
    name: String,
    version: String,
    license: String,
    tarball: Bytes,
}

/// Reads the form that `fpm` has curl send. The double quotes around its values are curl's, and do not arrive.
async fn read(mut form: Multipart) -> Result<(Upload, String), Answer> {
    let refusal = |error: MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => bad("The upload could not be read"),
    };
    let mut fields: HashMap<String, Bytes> = HashMap::new();
    while let Some(field) = form.next_field().await.map_err(refusal)? {
        let name = field.name().unwrap_or_default().to_owned();
        fields.insert(name, field.bytes().await.map_err(refusal)?);
    }
    let mut take = |name: &str| {
        let content = fields.remove(name).filter(|content| !content.is_empty());
        content.ok_or_else(|| bad(format!("{name} is missing")))
    };
    let text = |content: Bytes| {
        let text = String::from_utf8(content.into());
        text.map_err(|_| bad("Only the tarball may be no text"))
    };
    let upload = Upload {
        name: text(take("package_name")?)?,
        version: text(take("package_version")?)?,
        license: text(take("package_license")?)?,
        tarball: take("tarball")?,
    };
    // They become names of folders.
    if !is_name(&upload.name) {
        let sentence = "A package name has only lower-case letters, digits, - and _, at most 100";
        return Err(bad(sentence));
    }
    if !is_version(&upload.version) {
        return Err(bad("A version is up to three numbers, such as 1.2.3"));
    }
    Ok((upload, text(take("upload_token")?)?))
}

/// A name that the registry knows.
fn is_name(name: &str) -> bool {
    let may_have = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    (1..=100).contains(&name.len()) && name.bytes().all(may_have)
}

/// A version as `fpm` writes it.
fn is_version(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    let is_number = |part: &&str| part.parse().is_ok_and(|n: u32| n.to_string() == *part);
    parts.len() <= 3 && parts.iter().all(is_number)
}

impl Service {
    /// Keeps a version, with the owner if the package is new: all of it or nothing. It is written to a folder that nobody
    /// reads, and a rename shows it, which fails if something is there already.
    fn keep(&self, upload: &Upload, new_owner: Option<String>) -> io::Result<()> {
        let hidden = self.packages.join(format!(".{}", Uuid::new_v4()));
        let package = self.packages.join(&upload.name);
        let (version, shown) = match new_owner {
            Some(_) => (hidden.join(&upload.version), package),
            None => (hidden.clone(), package.join(&upload.version)),
        };
        let write = || {
            fs::create_dir_all(&version)?;
            write(version.join("package.tar.gz"), &upload.tarball)?;
            write(version.join("license"), upload.license.as_bytes())?;
            if let Some(id) = &new_owner {
                write(hidden.join("owner"), id.as_bytes())?;
            }
            fs::rename(&hidden, shown)
        };
        write().inspect_err(|_| drop(fs::remove_dir_all(&hidden)))
    }

    /// Asks the registry. A refusal is passed on, with its sentence.
    async fn ask(&self, path: &str, question: &Value) -> Result<Value, Answer> {
        let answer = timeout(TIMEOUT, self.post(path, question)).await;
        let answer = answer.unwrap_or_else(|late| Err(late.into()));
        let (status, answer) = answer.map_err(no_answer)?;
        match answer["message"].as_str() {
            _ if status == StatusCode::OK => Ok(answer),
            Some(sentence) => Err(Answer(status.as_u16(), sentence.into())),
            None => Err(no_answer(status)),
        }
    }

    async fn post(
        &self,
        path: &str,
        question: &Value,
    ) -> Result<(StatusCode, Value), Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(&self.registry).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::post(path)
            .header(header::HOST, &self.registry)
            .header(header::CONTENT_TYPE, "application/json")
            .body(question.to_string())?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok((head.status, serde_json::from_slice(&body)?))
    }
}

/// Writes a file that survives a power failure.
fn write(path: PathBuf, content: &[u8]) -> io::Result<()> {
    fs::write(&path, content)?;
    fs::File::open(path)?.sync_all()
}
