//! The example of another service (`examples/packages.rs`), which takes what `fpm publish` uploads.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    ADA, DAY, PROGRAM,
    common::{Kept, Registry},
    upload_tokens::make,
};

contract! {
    a_package_is_published
    what_a_token_does_not_allow_is_refused_with_the_sentence_of_the_registry
    a_package_belongs_to_who_published_it_first
    a_token_for_a_first_publication_publishes_once
    of_two_first_publications_at_once_one_happens
    of_two_users_who_publish_one_name_at_once_one_owns_it
    what_is_no_package_is_refused
    nothing_is_published_while_the_registry_is_down
}

const DENIED: &str = "This upload token was ended or never made: make a new one";

/// The example as cargo builds it. What cargo tells of the package that is tested is left out: crates that look at such a
/// variable would be compiled anew, and once more by the next cargo that was started by hand.
static PROGRAM_FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    let build = [
        "build",
        "--quiet",
        "--features",
        "ssr",
        "--example",
        "packages",
    ];
    cargo.args(build).current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in env::vars() {
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    assert!(cargo.status().unwrap().success());
    let registry = Path::new(env!("CARGO_BIN_EXE_fpm-registry"));
    registry.with_file_name("examples").join("packages")
});

/// The running example; it is killed when it is dropped.
struct Packages {
    process: Child,
    url: String,
    folder: PathBuf,
    registry: JoinHandle<()>,
}

impl Packages {
    async fn start(registry: &Registry) -> Self {
        let (address, registry) = registry.listen().await;
        let name = format!("fpm-registry-packages-{}", uuid::Uuid::new_v4().simple());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let mut process = Command::new(&*PROGRAM_FILE)
            .env_clear()
            .current_dir(&folder)
            .env("LISTEN", "127.0.0.1:0")
            .env("REGISTRY_URL", format!("http://{address}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut said).unwrap();
        let (_, url) = said.trim().split_once("listens on ").expect("where");
        Self {
            url: url.to_owned(),
            process,
            folder,
            registry,
        }
    }

    /// What `fpm publish` says of this upload.
    async fn publish(&self, name: &str, version: &str, token: &str) -> (u64, String) {
        let tarball = self.folder.join(uuid::Uuid::new_v4().to_string());
        fs::write(&tarball, format!("{name} {version}")).unwrap();
        self.upload(&fields(name, version, &tarball, token)).await
    }

    /// The answer to these fields, sent by the line that fpm makes of them (`fpm_downloader.f90`, `upload_form`).
    async fn upload(&self, fields: &[String]) -> (u64, String) {
        let form: String = fields
            .iter()
            .map(|field| format!("-F '{field}' "))
            .collect();
        let form = format!("-H \"Content-Type: multipart/form-data\" {form}");
        self.curl(&form).await
    }

    /// The answer to what curl sends, which fpm leaves on the terminal.
    async fn curl(&self, options: &str) -> (u64, String) {
        let line = format!("curl -X POST {options}{}/packages", self.url);
        let with_status = format!("{line} --silent --write-out '\n%{{http_code}}'");
        let mut shell = Command::new("sh");
        shell.args(["-c", &with_status]);
        let output = tokio::task::spawn_blocking(move || shell.output()).await;
        let output = output.unwrap().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}: {printed}", output.status);
        let (body, status) = printed.rsplit_once('\n').unwrap();
        let told: Value = serde_json::from_str(body).unwrap();
        let code: u64 = status.parse().unwrap();
        let message = told["message"].as_str().unwrap().to_owned();
        assert_eq!(told, json!({ "message": message, "code": code }));
        (code, message)
    }

    /// All that is kept: names and content of files.
    fn kept(&self) -> Vec<String> {
        let mut kept = Vec::new();
        let mut folders = vec![self.folder.join("packages")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let content = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(self.folder.join("packages")).unwrap();
                kept.push(format!("{}: {content}", name.display()));
            }
        }
        kept.sort();
        kept
    }
}

impl Drop for Packages {
    fn drop(&mut self) {
        self.registry.abort();
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The fields as fpm writes them (`publish.f90`, `cmd_publish`).
fn fields(name: &str, version: &str, tarball: &Path, token: &str) -> Vec<String> {
    vec![
        format!("package_name=\"{name}\""),
        "package_license=\"MIT; or later\"".to_owned(),
        format!("package_version=\"{version}\""),
        format!("tarball=@\"{}\"", tarball.display()),
        format!("upload_token=\"{token}\""),
    ]
}

fn done(sentence: &str) -> (u64, String) {
    (200, sentence.to_owned())
}

fn refused(code: u64, sentence: &str) -> (u64, String) {
    (code, sentence.to_owned())
}

async fn a_package_is_published(registry: Registry) {
    let packages = Packages::start(&registry).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let id = ada.facts("/account/export").await["id"].clone();
    let id = id.as_str().unwrap();
    let token = make(&ada, "*", "publish").await;
    for version in ["1.0.0", "1.0.1"] {
        let said = packages.publish("stdlib", version, &token).await;
        assert_eq!(said, done(&format!("stdlib {version} published")));
    }
    let kept = [
        "stdlib/1.0.0/license: MIT; or later".to_owned(),
        "stdlib/1.0.0/package.tar.gz: stdlib 1.0.0".to_owned(),
        "stdlib/1.0.1/license: MIT; or later".to_owned(),
        "stdlib/1.0.1/package.tar.gz: stdlib 1.0.1".to_owned(),
        format!("stdlib/owner: {id}"),
    ];
    assert_eq!(packages.kept(), kept);
    let said = packages.publish("stdlib", "1.0.1", &token).await;
    assert_eq!(said, refused(409, "stdlib 1.0.1 exists already"));
    assert_eq!(packages.kept(), kept);
}

async fn what_a_token_does_not_allow_is_refused_with_the_sentence_of_the_registry(
    registry: Registry,
) {
    let packages = Packages::start(&registry).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let scoped = make(&ada, "json-*", "publish").await;
    let update = make(&ada, "stdlib", "publish-update").await;
    let ended = make(&ada, "*", "publish").await;
    let end = registry
        .program()
        .post("/auth/token/end", &[("token", &ended)])
        .await;
    end.assert_done(PROGRAM, "Token ended", "/");
    for (token, sentence) in [
        (scoped.as_str(), "This token is for the packages json-*"),
        (
            &update,
            "This token is for new versions of packages, and this one does not exist yet",
        ),
        (&ended, DENIED),
        (
            "john",
            "This is not a whole upload token: it begins with fpm_ and has 42 characters",
        ),
    ] {
        let said = packages.publish("stdlib", "1.0.0", token).await;
        assert_eq!(said, refused(403, sentence));
    }
    let said = packages.publish("json-fortran", "1.0.0", &scoped).await;
    assert_eq!(said, done("json-fortran 1.0.0 published"));
    registry.wait(90 * DAY);
    let said = packages.publish("json-fortran", "1.0.1", &scoped).await;
    assert_eq!(
        said,
        refused(403, "This upload token has expired: make a new one")
    );
    assert_eq!(packages.kept().len(), 3);
}

async fn a_package_belongs_to_who_published_it_first(registry: Registry) {
    let packages = Packages::start(&registry).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let bob = registry.confirmed(PROGRAM, "bob@example.org").await;
    let of_ada = make(&ada, "*", "publish").await;
    let of_bob = make(&bob, "*", "publish").await;
    let said = packages.publish("stdlib", "1.0.0", &of_ada).await;
    assert_eq!(said, done("stdlib 1.0.0 published"));
    let said = packages.publish("stdlib", "1.0.1", &of_bob).await;
    assert_eq!(said, refused(403, "stdlib belongs to another user"));
    assert_eq!(packages.kept().len(), 3);
}

async fn a_token_for_a_first_publication_publishes_once(registry: Registry) {
    let packages = Packages::start(&registry).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let first = make(&ada, "stdlib", "first-publish").await;
    let other = make(&ada, "json", "first-publish").await;
    let said = packages.publish("stdlib", "1.0.0", &other).await;
    assert_eq!(said, refused(403, "This token is for the packages json"));
    let said = packages.publish("stdlib", "1.0.0", &first).await;
    assert_eq!(said, done("stdlib 1.0.0 published"));
    let said = packages.publish("stdlib", "1.0.1", &first).await;
    assert_eq!(said, refused(403, DENIED));
    let said = packages.publish("json", "1.0.0", &other).await;
    assert_eq!(said, done("json 1.0.0 published"));
    assert_eq!(packages.kept().len(), 6);
}

async fn of_two_first_publications_at_once_one_happens(registry: Registry) {
    let packages = Packages::start(&registry).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    for round in 0..5 {
        let name = format!("package-{round}");
        let token = make(&ada, &name, "first-publish").await;
        let (one, other) = tokio::join!(
            packages.publish(&name, "1.0.0", &token),
            packages.publish(&name, "1.0.0", &token),
        );
        let mut said = [one, other];
        said.sort();
        let published = done(&format!("{name} 1.0.0 published"));
        assert_eq!(said, [published, refused(403, DENIED)]);
        assert_eq!(packages.kept().len(), 3 * (round + 1));
    }
}

async fn of_two_users_who_publish_one_name_at_once_one_owns_it(registry: Registry) {
    let packages = Packages::start(&registry).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let bob = registry.confirmed(PROGRAM, "bob@example.org").await;
    let of_ada = make(&ada, "*", "publish").await;
    let of_bob = make(&bob, "*", "publish").await;
    for round in 0..5 {
        let name = format!("package-{round}");
        let (one, other) = tokio::join!(
            packages.publish(&name, "1.0.0", &of_ada),
            packages.publish(&name, "1.0.1", &of_bob),
        );
        let (published, refusal) = if one.0 == 200 {
            (one, other)
        } else {
            (other, one)
        };
        assert_eq!(published.0, 200, "{published:?}");
        // As it came: while the other one was written, or after it.
        let sentences = [
            refused(409, &format!("{name} was published just now, try again")),
            refused(403, &format!("{name} belongs to another user")),
        ];
        assert!(sentences.contains(&refusal), "{refusal:?}");
        assert_eq!(packages.kept().len(), 3 * (round + 1));
    }
}

async fn what_is_no_package_is_refused(registry: Registry) {
    const NAME: &str = "A package name has only lower-case letters, digits, - and _, at most 100";
    const VERSION: &str = "A version is up to three numbers, such as 1.2.3";
    let packages = Packages::start(&registry).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let token = make(&ada, "*", "publish").await;
    for name in ["Stdlib", "..", "a/b", ".hidden", "st d", "päckchen"] {
        let said = packages.publish(name, "1.0.0", &token).await;
        assert_eq!(said, refused(400, NAME), "{name}");
    }
    for version in ["1.0.0.0", "..", "1.", "v1", "01.0", "1/0", "99999999999"] {
        let said = packages.publish("stdlib", version, &token).await;
        assert_eq!(said, refused(400, VERSION), "{version}");
    }
    let tarball = packages.folder.join("tar ball.tgz");
    fs::write(&tarball, "stdlib").unwrap();
    let whole = fields("stdlib", "1.0.0", &tarball, &token);
    for missing in &whole {
        let (name, _) = missing.split_once('=').unwrap();
        let rest: Vec<String> = whole
            .iter()
            .filter(|field| *field != missing)
            .cloned()
            .collect();
        let said = packages.upload(&rest).await;
        assert_eq!(said, refused(400, &format!("{name} is missing")));
    }
    let said = packages.curl("--data package_name=stdlib ").await;
    let sentence = "Send a multipart form, as fpm publish does";
    assert_eq!(said, refused(400, sentence));
    let large = fs::File::create(&tarball).unwrap();
    large.set_len(33 * 1024 * 1024).unwrap();
    let said = packages.upload(&whole).await;
    assert_eq!(said, refused(413, "A package may have 32 MB at most"));
    assert_eq!(packages.kept(), [""; 0]);
    large.set_len(31 * 1024 * 1024).unwrap();
    let said = packages.upload(&whole).await;
    assert_eq!(said, done("stdlib 1.0.0 published"));
}

async fn nothing_is_published_while_the_registry_is_down(registry: Registry) {
    let packages = Packages::start(&registry).await;
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let token = make(&ada, "*", "publish").await;
    packages.registry.abort();
    let said = packages.publish("stdlib", "1.0.0", &token).await;
    let sentence = "The registry does not answer, try again in a moment";
    assert_eq!(said, refused(503, sentence));
    assert_eq!(packages.kept(), [""; 0]);
}
