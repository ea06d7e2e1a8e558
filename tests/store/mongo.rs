//! What the store in MongoDB promises: its documents and indexes, those of older backends, and what stops a start.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use fpm_registry::{
    accounts::{
        clock::Timestamp,
        mail::MAIL_LIFE,
        store::{InsertError, Key, Store},
        token::{Digest, Token},
        user::{ResetLink, Session, User},
    },
    server::store::open_mongo,
};
use mongodb::{
    Client, Collection, Database,
    bson::{self, Binary, Bson, DateTime, Document, doc, spec::BinarySubtype},
    options::{Hint, IndexOptions},
};
use uuid::Uuid;

use crate::{
    DAY, HOUR, add, add_user, change, claim_all, device, digest, email, find, hash, link, lives,
    log_in, log_out, mail_from,
    mongod::{Mongod, database_name},
    now,
    proxy::{Fault, Proxy},
    queue, reset, session, user,
    users::whole_user,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_document_is_as_the_contract_says() {
    let (store, database) = open_new_database().await;
    let ada = add_user(&store, "ada@example.org").await;
    let (first, device) = (ada.sessions[0].digest, ada.devices[0].clone());
    let login = Session {
        created_at: now().plus(HOUR),
        ..session()
    };
    assert!(log_in(&store, "ada@example.org", "first", login.clone()).await);
    assert!(log_out(&store, &first, now().plus(DAY)).await);
    let link = link();
    give(&store, "ada@example.org", &link).await;

    let mut user = users(&database)
        .find_one(doc! { "email": "ada@example.org" })
        .await
        .unwrap()
        .unwrap();
    assert!(user.remove("_id").unwrap().as_object_id().is_some());
    assert_eq!(
        user,
        doc! {
            "name": "Ada Lovelace",
            "schema": 1_i64,
            "email": "ada@example.org",
            "addresses": ["ada@example.org"],
            "password": hash("first").as_str(),
            "passwordChangedAt": date(now()),
            "createdAt": date(now()),
            "loginAt": date(now().plus(HOUR)),
            "rev": 4_i64,
            "sessions": [{
                "handle": login.handle.as_str(),
                "digest": binary(&login.digest),
                "createdAt": date(login.created_at),
                "usedAt": date(login.used_at),
                "expiresAt": date(login.expires_at),
                "authenticatedAt": date(login.authenticated_at),
                "userAgent": login.user_agent,
                "network": "192.0.2.0/24",
            }],
            "devices": [{ "digest": binary(&device.digest), "createdAt": date(now()) }],
            "lastLogout": date(now().plus(DAY)),
            "reset": { "digest": binary(&link.digest), "expiresAt": date(link.expires_at) },
            "confirmation": { "email": "ada@example.org", "askedAt": date(now()) },
            "events": [
                event("signed-up", now(), "Unknown device"),
                event("logged-in", now().plus(HOUR), "Unknown device"),
                event("logged-out", now().plus(DAY), "curl"),
            ],
        }
    );
}

fn event(kind: &str, at: Timestamp, device: &str) -> Document {
    doc! { "kind": kind, "at": date(at), "network": "192.0.2.0/24", "device": device }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_links_of_mails_need_is_in_the_document() {
    let (store, database) = open_new_database().await;
    let ada = add(&store, whole_user("ada@example.org")).await;
    let ada_only = doc! { "email": "ada@example.org" };
    let document = users(&database).find_one(ada_only).await.unwrap().unwrap();
    let (asked, link) = (ada.confirmation.unwrap(), &ada.not_me[0]);
    for (field, value) in [
        ("confirmedAt", Bson::from(date(ada.confirmed_at.unwrap()))),
        (
            "addresses",
            vec!["ada@example.org", "former.ada@example.org"].into(),
        ),
        (
            "confirmation",
            doc! {
                "email": "next.ada@example.org",
                "askedAt": date(now()),
                "digest": binary(&asked.digest.unwrap()),
                "expiresAt": date(now().plus(DAY)),
            }
            .into(),
        ),
        (
            "held",
            vec![doc! {
                "email": "former.ada@example.org",
                "changedAt": date(now()),
                "expiresAt": date(now().plus(7 * DAY)),
            }]
            .into(),
        ),
        (
            "notMe",
            vec![doc! {
                "digest": binary(&link.digest),
                "mail": link.mail.to_string(),
                "email": "former.ada@example.org",
                "eventAt": date(now()),
                "expiresAt": date(now().plus(7 * DAY)),
                "keepsSecondFactors": true,
            }]
            .into(),
        ),
    ] {
        assert_eq!(document.get(field), Some(&value), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_indexes_are_made() {
    let (_store, database) = open_new_database().await;
    for field in ["email", "addresses"] {
        let index = index_of(&users(&database), field).await;
        assert_eq!(index.unique, Some(true), "{field}");
    }
    let queued = index_of(&database.collection("outbox"), "queuedAt").await;
    assert_eq!(queued.expire_after, Some(MAIL_LIFE));
    let expiring = index_of(&database.collection("attempts"), "expiresAt").await;
    assert_eq!(expiring.expire_after, Some(Duration::ZERO));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_finds_what_the_last_one_left() {
    let (store, database) = open_new_database().await;
    let ada = add_user(&store, "ada@example.org").await;
    drop(store);
    let store = open(&database).await;
    assert_eq!(find(&store, Key::Id(&ada.id)).await, Some(ada));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_with_one_email_stop_the_start() {
    for second in ["ada@example.org", "Ada@Example.org"] {
        let database = new_database().await;
        let twice = [
            doc! { "email": "ada@example.org" },
            doc! { "email": second },
        ];
        users(&database).insert_many(twice).await.unwrap();
        for start in ["first", "second"] {
            assert_eq!(
                refusal(&Mongod::shared().uri(), database.name()).await,
                "MONGO_DB_NAME: two users have one e-mail in `users`; remove one of them",
                "{second}, {start} start"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_an_older_backend_kept_as_typed_is_found() {
    let database = new_database().await;
    let typed = doc! { "email": "Ada@Example.org", "password": hash("first").as_str() };
    users(&database).insert_one(typed).await.unwrap();
    let store = open(&database).await;
    assert!(log_in(&store, "ada@example.org", "first", session()).await);
    let second = store.insert(&user("ada@example.org")).await;
    assert!(matches!(second, Err(InsertError::Taken)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_cannot_work_stops_the_start() {
    let uri = Mongod::shared().uri();
    for name in ["", "a b", "a.b", "a/b", "$x", &"x".repeat(64)] {
        assert_eq!(
            refusal(&uri, name).await,
            "MONGO_DB_NAME: not a name a MongoDB database can have",
            "{name:?}"
        );
    }
    for uri in [
        "",
        "localhost",
        "http://localhost",
        "mongodb://",
        "mongodb://ada:s3cret@a:b@c",
    ] {
        assert_eq!(
            refusal(uri, "registry").await,
            "MONGO_URI: not a MongoDB connection string such as mongodb://127.0.0.1:27017",
            "{uri:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_stops_the_start() {
    let host = Mongod::shared().uri().replace("mongodb://", "");
    assert_eq!(
        refusal(&format!("mongodb://ada:s3cret@{host}/"), "registry").await,
        format!("MONGO_URI: the server at {host} refuses the user name or password")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_uri_cannot_weaken_a_promise() {
    let database = new_database().await;
    let uri = Mongod::shared().uri() + "/?w=0&journal=false&readPreference=secondary";
    let store = open_mongo(&uri, database.name()).await.unwrap();
    let session = add_user(&store, "ada@example.org").await.sessions[0].digest;
    assert!(log_out(&store, &session, now()).await);
    assert!(!log_out(&store, &session, now()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_stops_the_start_within_seconds() {
    let (_held, address) = silent_port();
    for (uri, host) in [
        (
            "mongodb://ada:s3cret@127.0.0.1:1/?authSource=admin",
            "127.0.0.1:1",
        ),
        (&format!("mongodb://{address}"), &*address),
    ] {
        let begun = Instant::now();
        assert_eq!(
            refusal(uri, "registry").await,
            format!("MONGO_URI: no MongoDB server answers at {host}")
        );
        assert!(begun.elapsed() < Duration::from_secs(6));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_is_given_up_on() {
    let database = new_database().await;
    let proxy = Proxy::before(Mongod::shared().address()).await;
    let store = open_mongo(&proxy.uri(), database.name()).await.unwrap();
    let ada = add_user(&store, "ada@example.org").await;
    proxy.set(Fault::Silence);
    let begun = Instant::now();
    let error = store.find(Key::Email(&ada.email)).await.unwrap_err();
    assert!(
        error.to_string().starts_with("the store failed: MongoDB"),
        "{error}"
    );
    assert!(begun.elapsed() < Duration::from_millis(3500));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_an_older_backend_can_be_read() {
    let database = new_database().await;
    let legacy = [
        doc! { "email": "bare@example.org" },
        doc! { "_id": "an id", "email": "odd@example.org", "name": 7, "password": Bson::Null, "sessions": "none", "reset": 1, "createdAt": "today" },
        doc! { "email": "list@example.org", "password": hash("first").as_str(), "sessions": ["x", 1, { "digest": 1 }] },
        doc! { "email": "text@example.org", "password": hash("first").as_str(), "sessions": "none" },
        doc! { "email": "old@example.org", "password": hash("first").as_str() },
        doc! { "_id": 7, "email": "seven@example.org", "password": hash("first").as_str(), "rev": "x", "devices": 1 },
        doc! { "email": "double@example.org", "password": hash("first").as_str(), "rev": 3.0 },
        doc! { "email": "plain@example.org", "password": hash("first").as_str(), "events": 1, "held": "x", "notMe": { "a": 1 }, "confirmation": 7, "confirmedAt": "today" },
        doc! { "email": "lists@example.org", "password": hash("first").as_str(), "events": [1, { "kind": 1 }], "held": ["x"], "notMe": [{ "digest": 1 }], "confirmation": { "email": "x" } },
    ];
    users(&database).insert_many(legacy).await.unwrap();
    let store = open(&database).await;

    for address in ["bare@example.org", "odd@example.org"] {
        let user = find(&store, Key::Email(&email(address))).await.unwrap();
        assert_eq!((user.name.as_str(), user.password.as_str()), ("", ""));
    }
    for address in [
        "list@example.org",
        "text@example.org",
        "old@example.org",
        "seven@example.org",
        "double@example.org",
        "plain@example.org",
        "lists@example.org",
    ] {
        let session = session();
        assert!(log_in(&store, address, "first", session.clone()).await);
        assert!(lives(&store, &session.digest).await);
        let user = users(&database)
            .find_one(doc! { "email": address })
            .await
            .unwrap()
            .unwrap();
        assert_eq!(user.get_array("sessions").unwrap().len(), 1);
    }
    let link = link();
    give(&store, "odd@example.org", &link).await;
    assert!(reset(&store, &link.digest, "second").await);
    assert!(log_in(&store, "odd@example.org", "second", session()).await);
}

/// Whoever has written it, the password alone lets nobody in.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_that_cannot_be_read_is_not_none() {
    let (store, database) = open_new_database().await;
    let ada = add_user(&store, "ada@example.org").await;
    for (field, value) in [
        ("totp", Bson::Null),
        ("totp", false.into()),
        ("totp", doc! {}.into()),
        ("passkeys", Bson::Null),
        ("passkeys", doc! {}.into()),
    ] {
        let write = async |update| {
            let done = users(&database).update_one(doc! {}, update).await.unwrap();
            assert_eq!(done.modified_count, 1);
        };
        write(doc! { "$set": { field: value.clone() } }).await;
        let session = &ada.sessions[0].digest;
        for key in [Key::Email(&ada.email), Key::Session(session)] {
            assert_eq!(find(&store, key).await, None, "{field}: {value}");
        }
        write(doc! { "$unset": { field: 1 } }).await;
        assert!(find(&store, Key::Email(&ada.email)).await.is_some());
    }
}

/// Two versions may run side by side: what a later one wrote stays.
#[tokio::test(flavor = "multi_thread")]
async fn fields_of_a_later_version_stay() {
    let (store, database) = open_new_database().await;
    let user = add_user(&store, "ada@example.org").await;
    let later = doc! { "$set": {
        "nickname": "ada",
        "sessions.0.place": { "v": 1_i64, "seen": date(now()), "raw": binary(&digest()) },
        "devices.0.label": "laptop",
        "events.0.kind": "token-made",
        "events.0.token": { "usedAt": date(now()), "raw": binary(&digest()) },
    } };
    let ada = doc! { "email": "ada@example.org" };
    let users = users(&database);
    users.update_one(ada.clone(), later).await.unwrap();
    let before = users.find_one(ada.clone()).await.unwrap().unwrap();
    let login = change(&store, Key::Id(&user.id), |user| {
        user.log_in(session(), Some(device()), None);
        Some(())
    });
    login.await.unwrap();
    let after = users.find_one(ada).await.unwrap().unwrap();
    assert_eq!(after.get("nickname"), before.get("nickname"));
    for field in ["sessions", "devices", "events"] {
        let first = |user: &Document| user.get_array(field).unwrap()[0].clone();
        let [before, after] = [&before, &after].map(first);
        let fields = |item: &Bson| -> BTreeMap<String, Bson> {
            let item = item.as_document().unwrap().clone();
            item.into_iter().collect()
        };
        assert_eq!(fields(&after), fields(&before), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_a_later_version_has_changed_is_refused() {
    let (_, database) = open_new_database().await;
    let meta = database.collection::<Document>("meta");
    let noted = meta.find_one(doc! {}).await.unwrap().unwrap();
    let first = doc! { "_id": "schema", "version": 1_i64, "readableFrom": 1_i64 };
    assert_eq!(noted, first);
    for (readable_from, refusal) in [
        (1_i64, None),
        (
            2_i64,
            Some(format!(
                "MONGO_DB_NAME: `{}` was changed by a later version of fpm-registry (schema 2)",
                database.name()
            )),
        ),
    ] {
        let later = doc! { "_id": "schema", "version": 2_i64, "readableFrom": readable_from };
        meta.replace_one(doc! {}, later.clone()).await.unwrap();
        let opened = open_mongo(&Mongod::shared().uri(), database.name()).await;
        assert_eq!(opened.err().map(|error| error.to_string()), refusal);
        assert_eq!(meta.find_one(doc! {}).await.unwrap(), Some(later));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_nowhere_in_the_database() {
    let (store, database) = open_new_database().await;
    let (first, second, link) = (Token::random(), Token::random(), Token::random());
    let session_of = |token: &Token| Session {
        digest: token.digest(),
        ..session()
    };
    let ada = User {
        sessions: vec![session_of(&first)],
        reset: Some(ResetLink {
            digest: link.digest(),
            expires_at: now().plus(HOUR),
            unknown: Default::default(),
        }),
        ..user("ada@example.org")
    };
    add(&store, ada).await;
    assert!(log_in(&store, "ada@example.org", "first", session_of(&second)).await);
    queue(&store).await;

    let bytes = everything(&database).await;
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for token in [first, second, link] {
        let uuid: Uuid = token.reveal().parse().unwrap();
        assert!(holds(token.digest().as_bytes()));
        assert!(!holds(uuid.as_bytes()));
        assert!(!holds(uuid.to_string().as_bytes()));
        assert!(!holds(uuid.simple().to_string().as_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_a_crash_left_behind_is_sent() {
    let (store, database) = open_new_database().await;
    let crashed = |n: i32| {
        doc! { "email": format!("ada{n}@example.org"), "notices": [{
            "_id": bson::Uuid::new(),
            "kind": "password-changed",
            "to": format!("ada{n}@example.org"),
            "queuedAt": date(now()),
            "attempts": 0,
            "dueAt": date(now()),
            "leased": false,
        }] }
    };
    users(&database)
        .insert_many([crashed(1), crashed(2)])
        .await
        .unwrap();
    // The request that left it may still be at it for a moment.
    for (moment, waiting) in [(now(), 0), (now().plus(Duration::from_secs(5)), 2)] {
        let lease = moment.plus(HOUR);
        assert_eq!(store.claim_mail(moment, lease).await.unwrap(), None);
        let outbox = database.collection::<Document>("outbox");
        assert_eq!(outbox.count_documents(doc! {}).await.unwrap(), waiting);
    }
    users(&database).insert_one(crashed(3)).await.unwrap();
    store.expedite_mail(now()).await.unwrap();
    store.expedite_mail(now()).await.unwrap();
    let mut sent: Vec<_> = claim_all(&store)
        .await
        .into_iter()
        .map(|mail| mail.to)
        .collect();
    sent.sort();
    assert_eq!(
        sent,
        [1, 2, 3].map(|n| email(&format!("ada{n}@example.org")))
    );
    let user = users(&database)
        .find_one(doc! { "email": "ada1@example.org" })
        .await
        .unwrap()
        .unwrap();
    assert!(user.get_array("notices").unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_write_names_no_address() {
    let (store, database) = open_new_database().await;
    queue(&store).await;
    let nobody = doc! { "collMod": "outbox", "validator": { "to": "nobody" } };
    database.run_command(nobody).await.unwrap();
    let mail = mail_from(now());
    let error = store.queue_mail(mail).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the store failed: MongoDB: write error 121"
    );
}

pub async fn new_database() -> Database {
    let client = Client::with_uri_str(Mongod::shared().uri()).await.unwrap();
    client.database(&database_name())
}

pub async fn open_new_database() -> (Arc<dyn Store>, Database) {
    let database = new_database().await;
    (open(&database).await, database)
}

pub async fn open(database: &Database) -> Arc<dyn Store> {
    let uri = Mongod::shared().uri();
    open_mongo(&uri, database.name()).await.unwrap()
}

/// Gives a user a reset link.
async fn give(store: &Arc<dyn Store>, address: &str, link: &ResetLink) {
    let email = email(address);
    let given = change(store, Key::Email(&email), |user| {
        user.reset = Some(link.clone());
        Some(())
    });
    given.await.unwrap();
}

async fn refusal(uri: &str, database: &str) -> String {
    open_mongo(uri, database).await.err().unwrap().to_string()
}

pub fn users(database: &Database) -> Collection<Document> {
    database.collection("users")
}

pub async fn index_of(collection: &Collection<Document>, field: &str) -> IndexOptions {
    let mut indexes = collection.list_indexes().await.unwrap();
    while indexes.advance().await.unwrap() {
        let index = indexes.deserialize_current().unwrap();
        if index.keys == (doc! { field: 1 }) {
            return index.options.unwrap();
        }
    }
    panic!("no index on {field}");
}

/// All documents as bytes.
async fn everything(database: &Database) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in database.list_collection_names().await.unwrap() {
        let collection: Collection<Document> = database.collection(&name);
        let mut documents = collection
            .find(doc! {})
            .hint(Hint::Keys(doc! { "_id": 1 }))
            .await
            .unwrap();
        while documents.advance().await.unwrap() {
            bytes.extend_from_slice(documents.current().as_bytes());
        }
    }
    bytes
}

pub fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.millis())
}

pub fn binary(digest: &Digest) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: digest.as_bytes().to_vec(),
    }
}

/// A port where connections are taken and nothing is said.
fn silent_port() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}
