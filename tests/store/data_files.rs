//! The files of every released version, kept in `data/`, open and work: a folder for each schema.
//!
//! A release that changes what is stored adds a folder: `cargo test --features ssr --test store write_data_files -- --ignored`.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bson::{Document, doc};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use fpm_registry::{
    accounts::{
        clock::Timestamp,
        mail::{MailKind, QueuedMail},
        store::{Key, Store, UserRecord},
        user::{SCHEMA, User},
    },
    server::{
        backup::{Ended, back_up, restore},
        store::open_mongo,
    },
};
use futures_util::TryStreamExt;
use mongodb::Database;
use serde_json::Value;

use super::{
    accounts::{accounts, log_in, weak_hash},
    email,
    embedded::Folder,
    mongo::open_new_database,
    mongod::Mongod,
    now, user,
    users::whole_user,
};

const PASSWORD: &str = "correct horse battery";
const COLLECTIONS: [&str; 3] = ["users", "outbox", "meta"];

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/data")
}

/// The folder of each schema.
fn versions() -> Vec<PathBuf> {
    let folders = fs::read_dir(data()).unwrap();
    let folders: Vec<_> = folders.map(|folder| folder.unwrap().path()).collect();
    assert!(folders.len() >= SCHEMA as usize);
    folders
}

fn json(file: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// All that a store has, as JSON.
async fn contents(store: &Arc<dyn Store>) -> (Value, Value) {
    let records = store.scan(None, 1000).await.unwrap().records;
    let mails = store.mails(1000).await.unwrap();
    let mails: Vec<QueuedMail> = mails.into_iter().map(|mail| mail.mail).collect();
    let records = serde_json::to_value(records).unwrap();
    (records, serde_json::to_value(mails).unwrap())
}

/// Whether all that was there is there still; a later version may have added to it.
fn assert_holds(now: &Value, then: &Value) {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            for (name, then) in then.iter().filter(|(name, _)| *name != "rev") {
                let now = now.get(name);
                assert_holds(now.unwrap_or_else(|| panic!("{name} is gone")), then);
            }
        }
        (Value::Array(now), Value::Array(then)) => {
            assert_eq!(now.len(), then.len());
            now.iter()
                .zip(then)
                .for_each(|(now, then)| assert_holds(now, then));
        }
        (now, then) => assert_eq!(now, then),
    }
}

/// Whether a store has all that a version wrote, and its users can log in.
async fn assert_works(store: &Arc<dyn Store>, version: &Path) {
    let (records, mails) = contents(store).await;
    assert_holds(&records, &json(version.join("records.json")));
    assert_holds(&mails, &json(version.join("mails.json")));
    let session = log_in(&accounts(store), "ada@example.org", PASSWORD).await;
    let key = Key::Session(&session);
    assert!(store.find(key).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_every_version_open_and_work() {
    for version in versions() {
        let folder = Folder::new();
        fs::create_dir_all(folder.path()).unwrap();
        let packed = fs::File::open(version.join("registry.redb.gz")).unwrap();
        let mut file = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut file).unwrap();
        fs::write(folder.path().join("registry.redb"), file).unwrap();
        assert_works(&folder.open(), &version).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_of_every_version_open_and_work() {
    for version in versions() {
        let (_, database) = open_new_database().await;
        for name in COLLECTIONS {
            let bytes = fs::read(version.join(format!("{name}.bson"))).unwrap();
            let (mut rest, mut documents) = (&bytes[..], Vec::new());
            while !rest.is_empty() {
                documents.push(Document::from_reader(&mut rest).unwrap());
            }
            let collection = database.collection::<Document>(name);
            collection.delete_many(doc! {}).await.unwrap();
            collection.insert_many(documents).await.unwrap();
        }
        let store = open_mongo(&Mongod::shared().uri(), database.name()).await;
        assert_works(&store.unwrap(), &version).await;
    }
}

/// Mailed links are in no backup.
#[tokio::test(flavor = "multi_thread")]
async fn backups_of_every_version_are_restored() {
    for version in versions() {
        let folder = Folder::new();
        let store = folder.open();
        let file = version.join("registry.backup");
        restore(&store, &file, Ended::default()).await.unwrap();
        let then = json(version.join("records.json"));
        let mut without_links: Vec<UserRecord> = serde_json::from_value(then).unwrap();
        for record in &mut without_links {
            if let UserRecord::User(user) = record {
                user.end_links();
            }
        }
        let (records, mails) = contents(&store).await;
        assert_holds(&records, &serde_json::to_value(without_links).unwrap());
        assert_holds(&mails, &json(version.join("mails.json")));
    }
}

/// A user with all that can be, one with the least, one who is disabled, and one who was deleted.
fn records() -> Vec<UserRecord> {
    let ada = whole_user("ada@example.org");
    let eve = user("eve@example.org");
    let bob = User {
        disabled_at: Some(now()),
        ..user("bob@example.org")
    };
    let gone = UserRecord::Deleted {
        id: user("gone@example.org").id,
        at: now(),
    };
    let users = [ada, eve, bob].map(|user| {
        UserRecord::User(Box::new(User {
            password: weak_hash(PASSWORD),
            ..user
        }))
    });
    users.into_iter().chain([gone]).collect()
}

async fn dump(database: &Database, name: &str, folder: &Path) {
    let collection = database.collection::<Document>(name);
    let documents = collection.find(doc! {}).await;
    let documents: Vec<Document> = documents.unwrap().try_collect().await.unwrap();
    let bytes = documents.iter().map(|document| document.to_vec().unwrap());
    let bytes: Vec<u8> = bytes.flatten().collect();
    fs::write(folder.join(format!("{name}.bson")), bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes into the project"]
async fn write_data_files() {
    let target = data().join(SCHEMA.to_string());
    fs::create_dir_all(&target).unwrap();
    let (folder, records) = (Folder::new(), records());
    let embedded = folder.open();
    let (mongo, database) = open_new_database().await;
    // Not one that MongoDB would find too old.
    let in_2100 = Timestamp::from_millis(4_102_444_800_000);
    let mail = QueuedMail::new(MailKind::ResetLink, email("ada@example.org"), in_2100);
    for store in [&embedded, &mongo] {
        assert_eq!(store.insert_all(records.clone()).await.unwrap(), []);
        store.queue_mail(mail.clone()).await.unwrap();
    }
    let (records, mails) = contents(&embedded).await;
    for (name, value) in [("records.json", &records), ("mails.json", &mails)] {
        fs::write(target.join(name), format!("{value:#}\n")).unwrap();
    }
    let backup = target.join("registry.backup");
    let backup = fs::File::create(backup).unwrap();
    back_up(&embedded, backup).await.unwrap();
    drop(embedded);
    let file = fs::read(folder.path().join("registry.redb")).unwrap();
    let packed = fs::File::create(target.join("registry.redb.gz")).unwrap();
    let mut packed = GzEncoder::new(packed, Compression::best());
    packed.write_all(&file).unwrap();
    packed.finish().unwrap();
    for name in COLLECTIONS {
        dump(&database, name, &target).await;
    }
}
