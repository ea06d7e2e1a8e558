//! Backups of either store, restored into either.

use std::{
    env, fs,
    io::Read,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bson::{Document, doc};
use flate2::bufread::GzDecoder;
use fpm_registry::{
    accounts::{
        id::UserId,
        store::{Key, Replaced, Store, UserRecord},
        token::Digest,
        user::{User, event::EventKind},
    },
    server::backup::{Ended, Restored, back_up, check, format::Contents, restore},
};
use uuid::Uuid;

use super::{
    add, add_user,
    embedded::Folder,
    find, lease, lives, log_in,
    mongo::{open_new_database, users},
    now, queue, session,
    upload_tokens::upload_token,
    user,
    users::whole_user,
    with_attempts,
};

contract! {
    all_records_are_scanned_in_pages
    a_backup_is_restored_into_either_store_with_every_field
    links_are_not_in_a_backup
    sessions_and_upload_tokens_can_be_ended_by_a_restore
    a_cut_or_changed_or_newer_backup_is_refused_with_nothing_written
    a_store_that_is_not_empty_takes_no_backup
    what_was_stored_before_a_backup_began_is_in_it_while_20_clients_write
    an_address_that_two_users_of_a_backup_have_goes_to_one
    an_id_is_that_of_one_user_even_when_that_one_is_deleted
}

/// A file of its own, deleted at the end.
pub struct TestFile(pub PathBuf);

impl TestFile {
    fn new() -> Self {
        Self(env::temp_dir().join(format!("fpm-registry-{}.backup", Uuid::new_v4())))
    }

    fn with(bytes: &[u8]) -> Self {
        let file = Self::new();
        fs::write(&file.0, bytes).unwrap();
        file
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

async fn write_to(file: &TestFile, store: &Arc<dyn Store>) -> Contents {
    let file = fs::File::create(&file.0).unwrap();
    back_up(store, file).await.unwrap()
}

pub async fn backup_of(store: &Arc<dyn Store>) -> TestFile {
    let file = TestFile::new();
    write_to(&file, store).await;
    file
}

async fn records(store: &Arc<dyn Store>) -> Vec<UserRecord> {
    store.scan(None, 1000).await.unwrap().records
}

async fn delete(store: &Arc<dyn Store>, user: &User) -> UserRecord {
    let deleted = store.delete(user, now(), None).await.unwrap();
    assert_eq!(deleted, Replaced::Done);
    UserRecord::Deleted {
        id: user.id.clone(),
        at: now(),
    }
}

/// A user with everything that a backup has.
fn user_without_links(address: &str) -> User {
    let mut user = whole_user(address);
    user.end_links();
    user
}

fn whole(user: User) -> UserRecord {
    UserRecord::User(Box::new(user))
}

/// Three records by their ids: two users and a deleted one.
async fn fill(store: &Arc<dyn Store>) -> Vec<UserRecord> {
    let ada = add(store, user_without_links("ada@example.org")).await;
    let eve = add(store, user_without_links("eve@example.org")).await;
    let bob = add_user(store, "bob@example.org").await;
    let mut records = vec![whole(ada), whole(eve), delete(store, &bob).await];
    records.sort_by(|one, other| one.id().cmp(other.id()));
    records
}

async fn all_records_are_scanned_in_pages(store: Arc<dyn Store>) {
    assert_eq!(store.scan(None, 2).await.unwrap().last, None);
    let expected = fill(&store).await;
    let (mut found, mut last): (Vec<UserRecord>, Option<UserId>) = Default::default();
    loop {
        let page = store.scan(last.as_ref(), 2).await.unwrap();
        assert!(page.records.len() <= 2);
        found.extend(page.records);
        last = page.last;
        if last.is_none() {
            break;
        }
    }
    assert_eq!(found, expected);
}

async fn a_backup_is_restored_into_either_store_with_every_field(store: Arc<dyn Store>) {
    let expected = fill(&store).await;
    let (waiting, parked) = (queue(&store).await, queue(&store).await);
    store
        .park_mail(&parked.id, "550 no such user")
        .await
        .unwrap();
    let contents = Contents {
        users: 2,
        deleted: 1,
        mails: 1,
        unreadable: 0,
    };
    let file = TestFile::with(b"the backup of yesterday");
    assert_eq!(write_to(&file, &store).await, contents);
    assert_eq!(check(&file.0).await.unwrap(), contents);
    let folder = Folder::new();
    for target in [folder.open(), open_new_database().await.0] {
        let restored = restore(&target, &file.0, Ended::default()).await.unwrap();
        let left_out = 0;
        assert_eq!(restored, Restored { contents, left_out });
        assert_eq!(records(&target).await, expected);
        let mail = target.claim_mail(now(), lease()).await.unwrap();
        assert_eq!(mail, Some(with_attempts(waiting.clone(), 1)));
        assert_eq!(target.mails(9).await.unwrap().len(), 1);
        for record in &expected {
            let UserRecord::User(user) = record else {
                continue;
            };
            for session in &user.sessions {
                assert!(lives(&target, &session.digest).await);
            }
        }
    }
}

async fn links_are_not_in_a_backup(store: Arc<dyn Store>) {
    let ada = add(&store, whole_user("ada@example.org")).await;
    let file = backup_of(&store).await;
    let bytes = fs::read(&file.0).unwrap();
    let header = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut content = String::new();
    let mut records = GzDecoder::new(&bytes[header..]);
    records.read_to_string(&mut content).unwrap();
    let is_in = |digest: &Digest| content.contains(&digest.to_string());
    assert!(is_in(&ada.sessions[0].digest));
    assert!(!is_in(&ada.reset.unwrap().digest));
    assert!(!is_in(&ada.not_me[0].digest));
    assert!(!is_in(&ada.confirmation.unwrap().digest.unwrap()));
}

async fn sessions_and_upload_tokens_can_be_ended_by_a_restore(store: Arc<dyn Store>) {
    let token = upload_token(now());
    let ada = User {
        upload_tokens: vec![token.clone()],
        ..user("ada@example.org")
    };
    let ada = add(&store, ada).await;
    let file = backup_of(&store).await;
    let all = Ended {
        sessions: true,
        upload_tokens: true,
    };
    for (ended, is_left) in [(Ended::default(), true), (all, false)] {
        let folder = Folder::new();
        for target in [folder.open(), open_new_database().await.0] {
            restore(&target, &file.0, ended).await.unwrap();
            assert_eq!(lives(&target, &ada.sessions[0].digest).await, is_left);
            let holder = target.token_holder(&token.digest).await.unwrap();
            assert_eq!(holder.is_some(), is_left);
            let restored = find(&target, Key::Id(&ada.id)).await.unwrap();
            let last = restored.events.last().unwrap();
            assert_eq!(last.kind == EventKind::UploadTokensEnded, !is_left);
        }
    }
}

async fn a_cut_or_changed_or_newer_backup_is_refused_with_nothing_written(target: Arc<dyn Store>) {
    const DAMAGED: &str = "the backup is damaged: it was cut or changed";
    const NOT_ONE: &str = "the file is not a backup of fpm-registry";
    const NEWER: &str = "the backup was written by a later version of fpm-registry (format 2)";
    let folder = Folder::new();
    let source = folder.open();
    fill(&source).await;
    let file = backup_of(&source).await;
    let whole = fs::read(&file.0).unwrap();
    let size = whole.len();
    let header = "fpm-registry backup 1\n".len();
    let cut = |length: usize| whole[..length].to_vec();
    let changed = |position: usize| {
        let mut bytes = whole.clone();
        bytes[position] ^= 1;
        bytes
    };
    let mut newer = whole.clone();
    newer[header - 2] = b'2';
    let longer = [&whole[..], b"\n"].concat();
    for (bytes, why) in [
        (cut(0), NOT_ONE),
        (cut(header - 1), NOT_ONE),
        (cut(header), DAMAGED),
        (cut(header + 20), DAMAGED),
        (cut(size / 2), DAMAGED),
        (cut(size - 33), DAMAGED),
        (cut(size - 1), DAMAGED),
        (changed(0), NOT_ONE),
        (changed(header), DAMAGED),
        (changed(size / 2), DAMAGED),
        (changed(size - 33), DAMAGED),
        (changed(size - 1), DAMAGED),
        (longer, DAMAGED),
        (newer, NEWER),
    ] {
        let file = TestFile::with(&bytes);
        let refused = restore(&target, &file.0, Ended::default())
            .await
            .unwrap_err();
        assert_eq!(refused.to_string(), why);
        assert_eq!(check(&file.0).await.unwrap_err().to_string(), why);
        assert_eq!(records(&target).await, []);
    }
}

async fn a_store_that_is_not_empty_takes_no_backup(store: Arc<dyn Store>) {
    let bob = add_user(&store, "bob@example.org").await;
    let file = backup_of(&store).await;
    let deleted = delete(&store, &bob).await;
    let folder = Folder::new();
    let with_mail = folder.open();
    queue(&with_mail).await;
    for store in [&store, &with_mail] {
        let refused = restore(store, &file.0, Ended::default()).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the store is not empty, and a backup is restored into an empty one only"
        );
    }
    assert_eq!(records(&store).await, [deleted]);
}

async fn what_was_stored_before_a_backup_began_is_in_it_while_20_clients_write(
    store: Arc<dyn Store>,
) {
    let acknowledged: Arc<Mutex<Vec<(UserId, Digest)>>> = Arc::default();
    let is_over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..20)
        .map(|client| {
            let (store, acknowledged, is_over) =
                (store.clone(), acknowledged.clone(), is_over.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let address = format!("user-{client}-{number}@example.org");
                    let user = add_user(&store, &address).await;
                    let session = session();
                    let digest = session.digest;
                    assert!(log_in(&store, &address, "first", session).await);
                    acknowledged.lock().unwrap().push((user.id, digest));
                }
            })
        })
        .collect();
    while acknowledged.lock().unwrap().len() < 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = acknowledged.lock().unwrap().clone();
    let file = backup_of(&store).await;
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let folder = Folder::new();
    for target in [folder.open(), open_new_database().await.0] {
        restore(&target, &file.0, Ended::default()).await.unwrap();
        for (id, digest) in &before {
            let found = find(&target, Key::Session(digest)).await;
            assert_eq!(found.map(|user| user.id).as_ref(), Some(id));
        }
    }
}

async fn an_address_that_two_users_of_a_backup_have_goes_to_one(store: Arc<dyn Store>) {
    let (ada, bob) = (user("ada@example.org"), user("bob@example.org"));
    let again = user("ada@example.org");
    let all = [&ada, &again, &bob].map(|user| whole(user.clone()));
    let left_out = store.insert_all(all.to_vec()).await.unwrap();
    assert_eq!(find(&store, Key::Id(&again.id)).await, None);
    assert_eq!(left_out, [again.id]);
    for user in [ada, bob] {
        let found = find(&store, Key::Email(&user.email)).await;
        assert_eq!(found.map(|found| found.id), Some(user.id));
    }
}

async fn an_id_is_that_of_one_user_even_when_that_one_is_deleted(store: Arc<dyn Store>) {
    let ada = add_user(&store, "ada@example.org").await;
    let bob = add_user(&store, "bob@example.org").await;
    delete(&store, &bob).await;
    let with_id_of = |other: &User, address: &str| {
        let id = other.id.clone();
        whole(User {
            id,
            ..user(address)
        })
    };
    let before = records(&store).await;
    let again = vec![
        with_id_of(&ada, "ada@new.example"),
        with_id_of(&bob, "bob@new.example"),
    ];
    let left_out = store.insert_all(again).await.unwrap();
    assert_eq!(left_out, [ada.id, bob.id]);
    assert_eq!(records(&store).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_programs_wrote_comes_back_with_ids_of_every_type() {
    let (store, database) = open_new_database().await;
    let written = |id: bson::Bson, address: &str| {
        let kept = doc! { "list": [1, 2.5, true], "when": bson::DateTime::from_millis(7) };
        let (name, password) = ("Ada", "a hash");
        doc! { "_id": id, "email": address, "name": name, "password": password, "later": kept }
    };
    let ids = [
        bson::Bson::from(7_i64),
        "a name".into(),
        bson::oid::ObjectId::new().into(),
    ];
    for (number, id) in ids.iter().enumerate() {
        let document = written(id.clone(), &format!("user-{number}@example.org"));
        users(&database).insert_one(document).await.unwrap();
    }
    let file = backup_of(&store).await;
    let folder = Folder::new();
    let between = folder.open();
    restore(&between, &file.0, Ended::default()).await.unwrap();
    let file = backup_of(&between).await;
    let (target, restored) = open_new_database().await;
    restore(&target, &file.0, Ended::default()).await.unwrap();
    for (number, id) in ids.iter().enumerate() {
        let found: Option<Document> = users(&restored)
            .find_one(doc! { "_id": id.clone() })
            .await
            .unwrap();
        let expected = written(id.clone(), &format!("user-{number}@example.org"));
        let found = found.expect("is restored");
        for (name, value) in &expected {
            assert_eq!(found.get(name), Some(value), "{name} of {id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; it measures"]
async fn a_million_users_take_this_long() {
    const USERS: u32 = 1_000_000;
    let folder = Folder::new();
    let store = folder.open();
    for first in (0..USERS).step_by(500) {
        let batch = (first..first + 500).map(|n| whole(user(&format!("user-{n}@example.org"))));
        store.insert_all(batch.collect()).await.unwrap();
    }
    let file = TestFile::new();
    let report = |what: &str, began: std::time::Instant| {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let memory = status.lines().find(|line| line.starts_with("VmHWM"));
        println!("{what}: {:.1?}, {}", began.elapsed(), memory.unwrap());
    };
    report("before", std::time::Instant::now());
    let began = std::time::Instant::now();
    write_to(&file, &store).await;
    report("backup", began);
    println!("{} bytes", fs::metadata(&file.0).unwrap().len());
    let began = std::time::Instant::now();
    check(&file.0).await.unwrap();
    report("check", began);
    let folder = Folder::new();
    let (mongo, database) = open_new_database().await;
    for (what, store) in [("embedded", folder.open()), ("MongoDB", mongo)] {
        let began = std::time::Instant::now();
        restore(&store, &file.0, Ended::default()).await.unwrap();
        report(&format!("restore, {what}"), began);
        let began = std::time::Instant::now();
        write_to(&TestFile::new(), &store).await;
        report(&format!("backup, {what}"), began);
    }
    database.drop().await.unwrap();
}
