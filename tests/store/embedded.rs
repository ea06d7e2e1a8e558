//! What the embedded store promises of its file.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use fpm_registry::{
    accounts::{
        attempts::AttemptKey,
        id::UserId,
        store::{Key, Store},
        user::Session,
    },
    server::store::open_embedded,
};
use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, TableHandle};
use serde_json::json;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    DAY, HOUR, TWO_AN_HOUR, add_user, add_with_link, claim_all, count, find, log_in, log_out, now,
    queue, reset, session, with_attempts,
};

const USERS: TableDefinition<&str, &[u8]> = TableDefinition::new("users");

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_a_restart() {
    let folder = Folder::new();
    let store = folder.open();
    let (ada, link) = add_with_link(&store, "ada@example.org").await;
    let session = session();
    assert!(log_in(&store, "ada@example.org", "first", session.clone()).await);
    let mail = queue(&store).await;
    drop(store);
    let store = folder.open();
    let mut kept = ada;
    kept.log_in(session, None, None);
    kept.rev = Some(2);
    for key in [
        Key::Id(&kept.id),
        Key::Email(&kept.email),
        Key::Session(&kept.sessions[1].digest),
        Key::ResetLink(&link),
    ] {
        assert_eq!(find(&store, key).await.as_ref(), Some(&kept), "{key:?}");
    }
    assert_eq!(claim_all(&store).await, [with_attempts(mail, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_claimed_before_a_restart_can_be_expedited() {
    let folder = Folder::new();
    let store = folder.open();
    queue(&store).await;
    assert_eq!(claim_all(&store).await.len(), 1);
    drop(store);
    let store = folder.open();
    store.expedite_mail(now()).await.unwrap();
    assert_eq!(claim_all(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_attempts_survive_a_crash() {
    let folder = Folder::new();
    let (store, ada) = (folder.open(), AttemptKey::from("ada"));
    for _ in 0..2 {
        assert_eq!(count(&store, &ada, TWO_AN_HOUR, now()).await, Ok(()));
    }
    store.flush_attempts().await.unwrap();
    let store = folder.as_after_a_crash().open();
    let end = now().plus(HOUR);
    assert_eq!(count(&store, &ada, TWO_AN_HOUR, now()).await, Err(end));
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_nobody_waits_for_survive_a_crash_soon() {
    let folder = Folder::new();
    let (store, ada) = (folder.open(), AttemptKey::from("ada"));
    for _ in 0..2 {
        assert_eq!(count(&store, &ada, TWO_AN_HOUR, now()).await, Ok(()));
    }
    let end = now().plus(HOUR);
    timeout(Duration::from_secs(10), async {
        let after = async || {
            let store = folder.as_after_a_crash().open();
            count(&store, &ada, TWO_AN_HOUR, now()).await
        };
        while after().await != Err(end) {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_moments_of_a_user_are_kept() {
    let folder = Folder::new();
    let store = folder.open();
    let ada = add_user(&store, "ada@example.org").await;
    let later = Session {
        created_at: now().plus(HOUR),
        ..session()
    };
    assert!(log_in(&store, "ada@example.org", "first", later).await);
    assert!(log_out(&store, &ada.sessions[0].digest, now().plus(DAY)).await);
    drop(store);
    let user = folder.user();
    assert_eq!(user["createdAt"], now().millis());
    assert_eq!(user["loginAt"], now().plus(HOUR).millis());
    assert_eq!(user["lastLogout"], now().plus(DAY).millis());
}

/// Two versions may write one file in turns: what the later one wrote stays.
#[tokio::test(flavor = "multi_thread")]
async fn fields_of_a_later_version_stay() {
    let folder = Folder::new();
    let ada = add_user(&folder.open(), "ada@example.org").await;
    let mut written = folder.user();
    written["nickname"] = json!("ada");
    written["sessions"][0]["place"] = json!({ "v": 1, "seen": [null, 2.5] });
    written["devices"][0]["label"] = json!("laptop");
    folder.put_user(&ada.id, &written);
    let store = folder.open();
    let login = session();
    assert!(log_in(&store, "ada@example.org", "first", login.clone()).await);
    drop(store);
    let mut after = folder.user();
    let sessions = after["sessions"].as_array_mut().unwrap();
    assert_eq!(sessions.pop().unwrap()["handle"], login.handle.as_str());
    let events = after["events"].as_array_mut().unwrap();
    assert_eq!(events.pop().unwrap()["kind"], "logged-in");
    written["rev"] = json!(2);
    assert_eq!(after, written);
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_sessions_and_links_leave_nothing_behind() {
    let folder = Folder::new();
    let store = folder.open();
    assert_eq!(
        count(&store, &AttemptKey::from("ada"), TWO_AN_HOUR, now()).await,
        Ok(())
    );
    for address in ["ada@example.org", "bob@example.org"] {
        let (_, link) = add_with_link(&store, address).await;
        assert!(log_in(&store, address, "first", session()).await);
        assert!(reset(&store, &link, "second").await);
    }
    add_with_link(&store, "eve@example.org").await;
    store.sweep(now().plus(HOUR), u64::MAX).await.unwrap();
    for mail in claim_all(&store).await {
        store.remove_mail(&mail.id).await.unwrap();
    }
    drop(store);
    let rows = [
        ("deleted", 0),
        ("due", 0),
        ("file", 1),
        ("outbox", 0),
        ("parked", 0),
        // Three e-mails, a session and a link.
        ("index", 5),
        ("attempts", 0),
        ("attempts_end", 0),
        ("challenges", 0),
        ("challenges_end", 0),
        ("users", 3),
    ];
    assert_eq!(
        folder.rows(),
        rows.map(|(table, rows)| (table.to_owned(), rows)).into()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_version_is_refused_and_kept() {
    for (version, sentence) in [
        (
            Some(2),
            "was written by a later version of fpm-registry (format 2)",
        ),
        (
            None,
            "was written before the first release and cannot be read any more",
        ),
    ] {
        let folder = Folder::new();
        add_user(&folder.open(), "ada@example.org").await;
        let file = redb::Database::open(folder.file()).unwrap();
        let transaction = file.begin_write().unwrap();
        {
            let table = TableDefinition::<&str, u64>::new("file");
            let mut table = transaction.open_table(table).unwrap();
            match version {
                Some(version) => drop(table.insert("version", version).unwrap()),
                None => drop(table.remove("version").unwrap()),
            }
        }
        transaction.commit().unwrap();
        drop(file);
        let kept = folder.rows();
        let refusal = open_embedded(&folder.0).err().unwrap().to_string();
        let path = folder.file();
        assert_eq!(
            refusal,
            format!("DATA_DIR: `{}` {sentence}", path.display())
        );
        assert_eq!(folder.rows(), kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_are_for_their_owner_alone() {
    let folder = Folder::new();
    drop(folder.open());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.0), 0o700);
    assert_eq!(mode(&folder.file()), 0o600);
}

#[test]
fn a_file_in_use_is_refused() {
    let folder = Folder::new();
    let _store = folder.open();
    let sentence = format!(
        "DATA_DIR: `{}` is in use by another process",
        folder.file().display()
    );
    assert_eq!(
        open_embedded(&folder.0).err().unwrap().to_string(),
        sentence
    );
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let folder = Folder::new();
    drop(folder.open());
    let dir = folder.file().join("data");
    let sentence = format!(
        "DATA_DIR: `{}` cannot be written: Not a directory",
        dir.display()
    );
    assert_eq!(open_embedded(&dir).err().unwrap().to_string(), sentence);
}

#[test]
fn a_file_of_another_program_is_refused_and_kept() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.file(), "precious").unwrap();
    let refusal = open_embedded(&folder.0).err().unwrap().to_string();
    assert!(refusal.starts_with(&format!(
        "DATA_DIR: `{}` cannot be opened",
        folder.file().display()
    )));
    assert_eq!(fs::read_to_string(folder.file()).unwrap(), "precious");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_making_was_cut_short_is_made_anew() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    for made in [vec![0], vec![0; 4096], unfinished_file()] {
        fs::write(folder.file(), made).unwrap();
        let store = folder.open();
        add_user(&store, "ada@example.org").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_lost_its_beginning_is_refused_and_kept() {
    let folder = Folder::new();
    add_user(&folder.open(), "ada@example.org").await;
    for lost in [1, 4096] {
        let mut file = fs::read(folder.file()).unwrap();
        file[..lost].fill(0);
        fs::write(folder.file(), &file).unwrap();
        let refusal = open_embedded(&folder.0).err().unwrap().to_string();
        assert!(refusal.starts_with(&format!(
            "DATA_DIR: `{}` cannot be opened",
            folder.file().display()
        )));
        assert!(fs::read(folder.file()).unwrap() == file);
    }
}

/// The file that redb leaves when it is killed before it writes the first bytes.
fn unfinished_file() -> Vec<u8> {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).unwrap();
    let new = redb::Database::create(folder.file()).unwrap();
    let mut file = fs::read(folder.file()).unwrap();
    drop(new);
    file[..9].fill(0);
    file
}

/// A directory for an embedded store, removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        Self(env::temp_dir().join(format!("fpm-registry-store-{}", Uuid::new_v4())))
    }

    pub fn open(&self) -> Arc<dyn Store> {
        open_embedded(&self.0).unwrap()
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self) -> PathBuf {
        self.0.join("registry.redb")
    }

    /// What a process would find that starts after this one was killed now.
    fn as_after_a_crash(&self) -> Self {
        let copy = Self::new();
        fs::create_dir_all(&copy.0).unwrap();
        fs::copy(self.file(), copy.file()).unwrap();
        copy
    }

    /// The record of the first user.
    fn user(&self) -> serde_json::Value {
        let file = redb::Database::open(self.file()).unwrap();
        let reading = file.begin_read().unwrap();
        let users = reading.open_table(USERS).unwrap();
        let (_, user) = users.first().unwrap().unwrap();
        serde_json::from_slice(user.value()).unwrap()
    }

    /// Writes the record of a user.
    fn put_user(&self, id: &UserId, user: &serde_json::Value) {
        let file = redb::Database::open(self.file()).unwrap();
        let writing = file.begin_write().unwrap();
        {
            let record = serde_json::to_vec(user).unwrap();
            let mut users = writing.open_table(USERS).unwrap();
            users.insert(id.as_str(), record.as_slice()).unwrap();
        }
        writing.commit().unwrap();
    }

    /// How many rows each table has, by its name.
    fn rows(&self) -> BTreeMap<String, u64> {
        let file = redb::Database::open(self.file()).unwrap();
        let reading = file.begin_read().unwrap();
        let tables = reading.list_tables().unwrap();
        tables
            .map(|table| {
                let name = table.name().to_owned();
                let rows = reading.open_untyped_table(table).unwrap();
                (name, rows.len().unwrap())
            })
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
