//! Users by the million, with one hash. The store itself adds the first, whose record is copied for all others, and one
//! more who has as much as a user can have.

use std::{path::Path, sync::Arc};

use fpm_registry::{
    accounts::{
        clock::Clock,
        email::Email,
        id::{Handle, UserId},
        lifetimes::{DAY, SESSION_IDLE},
        name::Name,
        package::Packages,
        password::PasswordHash,
        record::Unknown,
        security_event::SecurityEvent,
        store::Store,
        token::{Digest, Token},
        token_scope::May,
        upload_token_text::UploadTokenText,
        user::{
            Device, MAX_SESSIONS, Session, UploadToken, User,
            event::{Event, EventKind},
            history::MAX_EVENTS,
        },
    },
    server::store::{open_embedded, open_mongo},
};
use mongodb::{
    Client,
    bson::{Binary, Document, doc, oid::ObjectId, spec::BinarySubtype},
};
use redb::{ReadableDatabase, TableDefinition};
use serde_json::Value;
use uuid::Builder;

const USERS: TableDefinition<&str, &[u8]> = TableDefinition::new("users");
const INDEX: TableDefinition<&[u8], &str> = TableDefinition::new("index");

/// The users of one transaction of redb.
const BATCH: u64 = 100_000;
/// The users of one message to MongoDB.
const MESSAGE: u64 = 5_000;

/// The address of the `n`-th user.
pub fn email(n: u64) -> String {
    format!("user{n:08}@example.org")
}

/// The session the `n`-th user has.
pub fn session(n: u64) -> Token {
    let digest = Digest::of(&n.to_be_bytes());
    let bytes = digest.as_bytes().first_chunk().expect("32 bytes");
    let uuid = Builder::from_random_bytes(*bytes).into_uuid();
    Token::parse(&uuid.to_string()).expect("a random uuid")
}

/// The `k`-th upload token of the `n`-th user.
pub fn token(n: u64, k: u64) -> UploadTokenText {
    let body = format!("fpm_{n:024x}{k:08x}");
    let checksum = base62(crc32fast::hash(body.as_bytes()));
    UploadTokenText::parse(&(body + &checksum)).expect("a whole token")
}

fn base62(mut rest: u32) -> String {
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [0; 6];
    for digit in text.iter_mut().rev() {
        *digit = digits[(rest % 62) as usize];
        rest /= 62;
    }
    String::from_utf8(text.to_vec()).expect("ASCII")
}

/// Fills the embedded store in `folder`.
pub async fn embedded(folder: &Path, users: u64, tokens: u64, password: &PasswordHash) {
    let store = open_embedded(folder).unwrap();
    let first = add_first(&store, tokens, password).await;
    add_busy(&store, users, password).await;
    drop(store);
    let file = redb::Database::open(folder.join("registry.redb")).unwrap();
    let first = {
        let transaction = file.begin_read().unwrap();
        let table = transaction.open_table(USERS).unwrap();
        let record = table.get(first.as_str()).unwrap().unwrap();
        serde_json::from_slice::<Value>(record.value()).unwrap()
    };
    for begin in (1..users).step_by(BATCH as usize) {
        let transaction = file.begin_write().unwrap();
        {
            let mut table = transaction.open_table(USERS).unwrap();
            let mut index = transaction.open_table(INDEX).unwrap();
            let mut keys = Vec::new();
            for n in begin..users.min(begin + BATCH) {
                let record = serde_json::to_vec(&record_of(n, tokens, &first)).unwrap();
                table.insert(id(n).as_str(), record.as_slice()).unwrap();
                keys.push(([b"e", email(n).as_bytes()].concat(), n));
                keys.push(([b"s", &session(n).digest().as_bytes()[..]].concat(), n));
                for k in 0..tokens {
                    keys.push(([b"t", &token(n, k).digest().as_bytes()[..]].concat(), n));
                }
            }
            keys.sort();
            for (key, n) in keys {
                index.insert(&*key, id(n).as_str()).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}

/// The record of the `n`-th user, like that of the first.
fn record_of(n: u64, tokens: u64, first: &Value) -> Value {
    let mut record = first.clone();
    record["id"] = id(n).into();
    record["email"] = email(n).into();
    record["sessions"][0]["digest"] = session(n).digest().to_string().into();
    record["devices"][0]["digest"] = device(n).to_string().into();
    for k in 0..tokens {
        record["uploadTokens"][k as usize]["digest"] = token(n, k).digest().to_string().into();
    }
    record
}

/// The id of the `n`-th user but the first.
fn id(n: u64) -> String {
    format!("{n:024x}")
}

/// Fills a database of MongoDB.
pub async fn mongo(uri: &str, database: &str, users: u64, tokens: u64, password: &PasswordHash) {
    let store = open_mongo(uri, database).await.unwrap();
    add_first(&store, tokens, password).await;
    add_busy(&store, users, password).await;
    let client = Client::with_uri_str(uri).await.unwrap();
    let collection = client.database(database).collection::<Document>("users");
    let first = collection.find_one(doc! { "email": email(0) }).await;
    let first = first.unwrap().unwrap();
    for begin in (1..users).step_by(MESSAGE as usize) {
        let message = begin..users.min(begin + MESSAGE);
        let message = message.map(|n| document_of(n, tokens, &first));
        collection
            .insert_many(message)
            .ordered(false)
            .await
            .unwrap();
    }
}

/// The document of the `n`-th user, like that of the first.
fn document_of(n: u64, tokens: u64, first: &Document) -> Document {
    let mut document = first.clone();
    document.insert("_id", ObjectId::new());
    document.insert("email", email(n));
    document.insert("addresses", vec![email(n)]);
    let tokens = (0..tokens).map(|k| token(n, k).digest()).collect();
    for (field, digests) in [
        ("sessions", vec![session(n).digest()]),
        ("devices", vec![device(n)]),
        ("uploadTokens", tokens),
    ] {
        for (place, digest) in digests.iter().enumerate() {
            let bytes = digest.as_bytes().to_vec();
            let subtype = BinarySubtype::Generic;
            let items = document.get_array_mut(field).unwrap();
            let item = items[place].as_document_mut().unwrap();
            item.insert("digest", Binary { subtype, bytes });
        }
    }
    document
}

fn device(n: u64) -> Digest {
    Digest::of(format!("device {n}").as_bytes())
}

async fn add_first(store: &Arc<dyn Store>, tokens: u64, password: &PasswordHash) -> UserId {
    let mut user = user(0, password);
    user.upload_tokens = (0..tokens).map(|k| token_of(&token(0, k))).collect();
    store.insert(&user).await.unwrap();
    user.id
}

/// Adds the user after the last, with as many live sessions and events as a user can have.
async fn add_busy(store: &Arc<dyn Store>, users: u64, password: &PasswordHash) {
    let mut user = user(users, password);
    let others = (1..MAX_SESSIONS as u64).map(|n| session_of(session(users + n).digest()));
    user.sessions.extend(others);
    let kinds = [
        EventKind::LoggedIn,
        EventKind::Security(SecurityEvent::PasswordChanged),
    ];
    let origin = user.sessions[0].origin();
    let events = (0..2 * MAX_EVENTS).map(|n| Event {
        kind: kinds[n % 2],
        at: origin.at,
        network: origin.network.clone(),
        device: origin.device,
        about: String::new(),
        unknown: Default::default(),
    });
    user.events = events.collect();
    store.insert(&user).await.unwrap();
}

/// The `n`-th user, as after the signup.
fn user(n: u64, password: &PasswordHash) -> User {
    let device = Device {
        digest: device(n),
        created_at: Clock::default().now(),
        unknown: Unknown::new(),
    };
    let name = Name::parse("Ada Lovelace").unwrap();
    let email = Email::parse(&email(n)).unwrap();
    let session = session_of(session(n).digest());
    User::new(name, email, password.clone(), session, device)
}

/// A token that was used just now, so that its next use writes nothing.
fn token_of(text: &UploadTokenText) -> UploadToken {
    let now = Clock::default().now();
    UploadToken {
        handle: Handle::random(),
        digest: text.digest(),
        last4: text.last4(),
        name: "Continuous integration".to_owned(),
        packages: Packages::parse("stdlib json-*").unwrap(),
        may: May::Publish,
        created_at: now,
        expires_at: now.plus(DAY * 90),
        used_at: Some(now),
        replaced_at: None,
        reminded_at: None,
        unknown: Unknown::new(),
    }
}

fn session_of(digest: Digest) -> Session {
    let now = Clock::default().now();
    Session {
        handle: Handle::random(),
        digest,
        created_at: now,
        authenticated_at: now,
        second_factor_at: None,
        network: "192.0.2.0/24".to_owned(),
        used_at: now,
        expires_at: now.plus(SESSION_IDLE),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
        unknown: Unknown::new(),
    }
}
