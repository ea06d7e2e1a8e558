//! Users of the registry's first backend, in its MongoDB database and in a file of mongodump.

use std::{fs, io::Read, path::PathBuf, process::Stdio, thread::sleep, time::Duration};

use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use mongodb::{
    Client,
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    ADA, done, facts,
    mongod::{Mongod, database_name},
    refused, setups,
    socket::{NEW_PASSWORD, PASSWORD, Registry, Setup, post},
};

const SALT: &str = "the salt of the first backend";
const WRONG_LOGIN: &str = "Invalid email or password";

/// What the first backend stored of a password.
fn legacy_hash(password: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(format!("{password}{SALT}")))
}

/// A user as the first backend stored one.
fn former_user(name: &str, email: &str) -> Document {
    doc! {
        "_id": ObjectId::new(),
        "username": name,
        "email": email,
        "password": legacy_hash(PASSWORD),
        "lastLogout": Bson::Null,
        "loginAt": DateTime::from_millis(1_700_000_000_000),
        "createdAt": DateTime::from_millis(1_600_000_000_000),
        "uuid": "0123456789abcdef0123456789abcdef",
        "isVerified": true,
        "newEmail": "",
        "roles": ["user"],
        "authorOf": [],
    }
}

fn with(mut user: Document, field: &str, value: impl Into<Bson>) -> Document {
    user.insert(field, value);
    user
}

/// Three who can be imported, the last with hardly a field, and others.
fn former_users() -> Vec<Document> {
    vec![
        former_user("ada", ADA),
        with(former_user("\u{202e}", "Grace@Example.org"), "_id", 7),
        doc! { "_id": "a name", "email": "bare@example.org", "password": legacy_hash("hunter2") },
        former_user("eve", "eve@example.org"),
        former_user("Eve", "EVE@example.org"),
        with(
            former_user("root", "root@example.org"),
            "roles",
            vec!["user", "admin"],
        ),
        with(
            former_user("broken", "broken@example.org"),
            "password",
            PASSWORD,
        ),
        with(
            former_user("missing", "missing@example.org"),
            "password",
            Bson::Null,
        ),
        former_user("nowhere", "nowhere"),
    ]
}

/// Where the first backend's users are.
enum Source {
    Database(String),
    File(PathBuf),
}

impl Source {
    fn database(users: &[Document]) -> Self {
        let (uri, database) = (Mongod::shared().uri(), database_name());
        block_on(async {
            let client = Client::with_uri_str(&uri).await.unwrap();
            let collection = client.database(&database).collection::<Document>("users");
            collection.insert_many(users).await.unwrap();
        });
        Self::Database(format!("{uri}/{database}"))
    }

    fn file(users: &[Document]) -> Self {
        let documents = users.iter().map(|user| user.to_vec().unwrap());
        let bytes = documents.collect::<Vec<_>>().concat();
        Self::file_of(&bytes)
    }

    fn file_of(bytes: &[u8]) -> Self {
        let file = std::env::temp_dir().join(format!("{}.bson", database_name()));
        fs::write(&file, bytes).unwrap();
        Self::File(file)
    }

    fn name(&self) -> &str {
        match self {
            Self::Database(uri) => uri,
            Self::File(file) => file.to_str().unwrap(),
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Self::File(file) = self {
            let _ = fs::remove_file(file);
        }
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(work)
}

/// What the store has of each user, as a backup tells it.
fn stored(setup: &Setup) -> Vec<Value> {
    fs::create_dir_all(setup.folder()).unwrap();
    let file = setup.folder().join("look.backup");
    // An empty backup takes no other's place.
    let _ = fs::remove_file(&file);
    let backup = setup.command().arg("backup").arg(&file).output().unwrap();
    if String::from_utf8_lossy(&backup.stderr).contains("there is no store in") {
        return Vec::new();
    }
    assert!(backup.status.success(), "{backup:?}");
    let bytes = fs::read(file).unwrap();
    let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut lines = String::new();
    GzDecoder::new(&bytes[header..])
        .read_to_string(&mut lines)
        .unwrap();
    let users = lines.lines().map(|line| {
        let entry: Value = serde_json::from_str(line).unwrap();
        entry["record"]["user"].clone()
    });
    users.filter(Value::is_object).collect()
}

fn stored_hash(setup: &Setup, email: &str) -> String {
    let users = stored(setup);
    let user = users.iter().find(|user| user["email"] == email).unwrap();
    user["password"].as_str().unwrap().to_owned()
}

fn id_of(user: &Document) -> Value {
    match user.get("_id").unwrap() {
        Bson::ObjectId(id) => id.to_hex().into(),
        other => other.clone().into_canonical_extjson().to_string().into(),
    }
}

#[test]
fn users_of_the_first_backend_log_in_with_the_passwords_they_had() {
    let users = former_users();
    for setup in setups() {
        let setup = setup.with("LEGACY_SALT", SALT);
        let registry = setup.start();
        import(&setup, &Source::database(&users), &users);
        users_log_in(&setup, registry);
    }
}

#[test]
fn a_file_of_mongodump_is_imported_without_a_server_too() {
    let users = former_users();
    for setup in setups() {
        let setup = setup.with("LEGACY_SALT", SALT).with_key_file();
        import(&setup, &Source::file(&users), &users);
        users_log_in(&setup, setup.start());
    }
}

/// Imports, after a look, and once more.
fn import(setup: &Setup, source: &Source, users: &[Document]) {
    let not_taken =
        |number: usize, reason: &str| json!({ "user": id_of(&users[number]), "reason": reason });
    let outcome = |taken: usize, without_name: Value| {
        json!({
            "taken": taken,
            "already_here": 3 - taken,
            "without_name": without_name,
            "not_taken": [
                not_taken(3, "email-shared"),
                not_taken(4, "email-shared"),
                not_taken(5, "admin"),
                not_taken(6, "no-hash"),
                not_taken(7, "no-hash"),
                not_taken(8, "no-email"),
            ],
        })
    };
    let nameless = json!([id_of(&users[1]), id_of(&users[2])]);
    let looked = facts(setup, &["import", source.name(), "--dry-run"]);
    assert_eq!(looked, outcome(3, nameless.clone()));
    assert_eq!(stored(setup), Vec::<Value>::new());
    let imported = facts(setup, &["import", source.name()]);
    assert_eq!(imported, outcome(3, nameless));
    let mut before = stored(setup);
    before.sort_by_key(|user| user["email"].to_string());
    assert_eq!(
        before
            .iter()
            .map(|user| user["id"].clone())
            .collect::<Vec<_>>(),
        [0, 2, 1].map(|n| id_of(&users[n]))
    );
    assert_eq!(
        facts(setup, &["import", source.name()]),
        outcome(0, json!([]))
    );
    let mut after = stored(setup);
    after.sort_by_key(|user| user["email"].to_string());
    assert_eq!(before, after);
}

/// Everything that a user of the first backend finds, and who knows what was stored there does not.
fn users_log_in(setup: &Setup, registry: Registry) {
    let shown = facts(setup, &["user", "show", ADA]);
    assert_eq!(
        (
            &shown["name"],
            &shown["created_at"],
            &shown["login_at"],
            &shown["last_logout"]
        ),
        (
            &json!("ada"),
            &json!("2020-09-13T12:26:40Z"),
            &json!("2023-11-14T22:13:20Z"),
            &Value::Null
        )
    );
    assert!(shown["email_confirmed_at"].is_string(), "{shown}");
    let event = &shown["history"][0];
    assert_eq!(
        (&event["kind"], &event["device"]),
        (&json!("imported"), &json!("An operator of the registry"))
    );
    let bare = facts(setup, &["user", "show", "bare@example.org"]);
    assert_eq!(
        (&bare["name"], &bare["email_confirmed_at"]),
        (&json!(""), &Value::Null)
    );

    assert_eq!(registry.unread_mail(), None);
    let wrapped = stored_hash(setup, ADA);
    assert!(
        wrapped.starts_with("$sha256-argon2id$v=19$m=19456,t=2,p=1$"),
        "{wrapped}"
    );
    for guess in [&legacy_hash(PASSWORD), &*wrapped, "correct horse batterx"] {
        registry
            .log_in(ADA, guess)
            .assert_refused(401, WRONG_LOGIN, None);
    }
    for (email, password) in [
        (ADA, PASSWORD),
        ("grace@example.org", PASSWORD),
        ("bare@example.org", "hunter2"),
    ] {
        for _ in 0..2 {
            registry
                .log_in(email, password)
                .assert_done("Login successful");
            let upgraded = stored_hash(setup, email);
            assert!(
                upgraded.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
                "{upgraded}"
            );
        }
    }
    let (_, log) = registry.terminate();
    for secret in [SALT, ADA, &legacy_hash(PASSWORD)] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a_password_with_an_accent_works_in_each_of_its_forms() {
    let [setup, _] = setups();
    let registry = setup.with("LEGACY_SALT", SALT).start();
    let setup = &registry.setup;
    let [composed, decomposed] = ["caf\u{e9} au lait", "cafe\u{301} au lait"];
    let typed = [
        (composed, "one@example.org"),
        (decomposed, "two@example.org"),
    ];
    let users = typed.map(|(password, email)| {
        with(
            former_user("someone", email),
            "password",
            legacy_hash(password),
        )
    });
    done(setup, &["import", Source::file(&users).name()]);
    // Who typed it decomposed there has to do so here once: the first backend kept nothing else.
    registry
        .log_in("two@example.org", composed)
        .assert_refused(401, WRONG_LOGIN, None);
    for (email, password) in [
        ("one@example.org", decomposed),
        ("two@example.org", decomposed),
        ("two@example.org", composed),
    ] {
        registry
            .log_in(email, password)
            .assert_done("Login successful");
    }
}

#[test]
fn without_the_salt_a_mailed_link_lets_users_of_the_first_backend_in() {
    for setup in setups() {
        let registry = setup.start();
        done(
            &setup,
            &["import", Source::file(&[former_user("ada", ADA)]).name()],
        );
        registry
            .log_in(ADA, PASSWORD)
            .assert_refused(401, WRONG_LOGIN, None);
        let uuid = registry.reset_uuid(ADA);
        let chosen = [("uuid", &*uuid), ("password", NEW_PASSWORD)];
        assert_eq!(
            registry.send(&post("/auth/reset-password", &chosen)).status,
            200
        );
        registry
            .log_in(ADA, NEW_PASSWORD)
            .assert_done("Login successful");
        let (_, log) = registry.terminate();
        assert!(
            log.contains("the stored password needs LEGACY_SALT"),
            "{log}"
        );
    }
}

#[test]
fn an_import_that_is_killed_goes_on_with_the_rest() {
    const USERS: usize = 200;
    let users = (0..USERS).map(|n| former_user("someone", &format!("user-{n}@example.org")));
    let source = Source::file(&users.collect::<Vec<_>>());
    for setup in setups() {
        let killed_after = |time: Duration| {
            let mut import = setup.command();
            let import = import.args(["import", source.name()]).stdout(Stdio::null());
            let mut import = import.spawn().unwrap();
            sleep(time);
            import.kill().unwrap();
            import.wait().unwrap();
            stored(&setup).len()
        };
        let times = (1..).map(|number| Duration::from_millis(100 * number));
        let before = times.map(killed_after).find(|stored| *stored > 0).unwrap();
        let outcome = facts(&setup, &["import", source.name()]);
        assert_eq!(
            (&outcome["already_here"], &outcome["taken"]),
            (&json!(before), &json!(USERS - before))
        );
        assert_ne!(before, USERS, "none was killed in time");
        assert_eq!(stored(&setup).len(), USERS);
    }
}

#[test]
fn an_import_changes_no_user_who_is_here() {
    let users = [
        former_user("ada", ADA),
        former_user("grace", "grace@example.org"),
    ];
    let source = Source::file(&users);
    for setup in setups() {
        let registry = setup.start();
        registry.sign_up(ADA);
        done(&setup, &["import", source.name()]);
        done(&setup, &["user", "delete", "grace@example.org", "--yes"]);
        let outcome = facts(&setup, &["import", source.name()]);
        let expected = json!({
            "taken": 0,
            "already_here": 1,
            "without_name": [],
            "not_taken": [{ "user": id_of(&users[0]), "reason": "email-taken" }],
        });
        assert_eq!(outcome, expected);
        registry
            .log_in(ADA, PASSWORD)
            .assert_done("Login successful");
    }
}

#[test]
fn a_user_without_an_id_is_not_taken() {
    let mut nobody = former_user("ada", ADA);
    nobody.remove("_id");
    let source = Source::file(&[nobody]);
    let [setup, _] = setups().map(Setup::with_key_file);
    let said = done(&setup, &["import", source.name()]);
    let expected = "Imported 0 users; 0 were here already, 1 are not taken\n  already_here: 0\n  not_taken: \n    \
                    reason \"no-id\", user none\n  taken: 0\n  without_name: none\n";
    assert_eq!(said, expected);
}

/// Namespaces and packages refer to ids, and some programs to their kind.
#[test]
fn users_with_odd_or_shared_ids_are_not_taken() {
    let with_id = |name: &str, id: Bson| {
        let mut user = former_user(name, &format!("{name}@example.org"));
        user.insert("_id", id);
        user
    };
    let twice: Bson = ObjectId::new().into();
    let users = [
        with_id("ada", ADA.into()),
        with_id("bob", 1.5.into()),
        with_id("one", twice.clone()),
        with_id("two", twice),
    ];
    let [setup, _] = setups().map(Setup::with_key_file);
    let mut file = users.map(|user| user.to_vec().unwrap()).concat();
    let mut eve = former_user("eve", "eve@example.org");
    eve.remove("_id");
    file.extend(with_deep_id(&eve));
    let outcome = facts(&setup, &["import", Source::file_of(&file).name()]);
    let not_taken = outcome["not_taken"].as_array().unwrap().iter();
    let reasons: Vec<&str> = not_taken
        .map(|user| user["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        ["no-id", "no-id", "id-shared", "id-shared", "no-id"]
    );
    assert_eq!(outcome["taken"], 0);
}

/// A document with an `_id` of documents within each other, as deep as no program of ours writes them.
fn with_deep_id(document: &Document) -> Vec<u8> {
    const DEPTH: i32 = 50_000;
    let mut id = Vec::new();
    for depth in 0..DEPTH {
        id.extend((5 + 7 * (DEPTH - depth)).to_le_bytes());
        id.extend(b"\x03\0");
    }
    id.extend([5, 0, 0, 0, 0]);
    id.extend(vec![0; DEPTH as usize]);
    let rest = &document.to_vec().unwrap()[4..];
    let elements = [b"\x03_id\0", &id[..], rest].concat();
    let length = 4 + i32::try_from(elements.len()).unwrap();
    [&length.to_le_bytes()[..], &elements].concat()
}

#[test]
fn a_source_that_cannot_be_used_is_refused_with_a_sentence() {
    let [_, mongo] = setups();
    let uri = Mongod::shared().uri();
    let own = database_name();
    let mongo = mongo.with("MONGO_DB_NAME", &own);
    // Another name of the same server.
    let own = format!("{}/{own}", uri.replace("127.0.0.1", "localhost"));
    let whole = former_user("ada", ADA).to_vec().unwrap();
    let (cut, none) = (Source::file_of(&whole[1..]), Source::file_of(b""));
    let half = Source::file_of(&whole[..50]);
    let not_bson = "not a .bson file as mongodump makes it without --gzip, or one that was cut";
    for (source, why) in [
        (
            &*uri,
            "name the database after the host, as in mongodb://127.0.0.1:27017/fpmregistry",
        ),
        (
            &own,
            "the source is the database of this registry: set MONGO_DB_NAME to another one, into which users are copied",
        ),
        (
            "mongodb://user:secret@127.0.0.1:1/x",
            "the source: no MongoDB server answers at 127.0.0.1:1",
        ),
        (
            &format!("{uri}/nothing-here"),
            "there are no users in the source",
        ),
        (none.name(), "there are no users in the source"),
        ("no.bson", "no.bson: No such file or directory (os error 2)"),
        (cut.name(), &format!("{}: {not_bson}", cut.name())),
        (half.name(), &format!("{}: {not_bson}", half.name())),
    ] {
        assert_eq!(
            refused(&mongo, &["import", source]),
            format!("fpm-registry: {why}\n")
        );
    }
}
