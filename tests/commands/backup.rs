//! Backups: written by the command, sent by the running server, restored into either store.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        net::UnixListener,
        process::CommandExt,
    },
    process::{self, Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use bson::doc;
use mongodb::{Client, bson::Document};
use redb::{Database, TableDefinition};
use serde_json::Value;

use crate::{
    ADA, done, done_and_told, facts,
    mongod::{Mongod, database_name},
    refused, setups,
    socket::{PASSWORD, Setup},
};

#[test]
fn a_backup_of_a_running_server_fills_either_store_and_users_go_on() {
    for setup in setups() {
        let registry = setup.start();
        let ada = registry.sign_up(ADA);
        let file = setup.folder().join("registry.backup");
        let path = file.to_str().unwrap();
        let written = facts(&setup, &["backup", path]);
        assert_eq!(
            (&written["users"], &written["deleted"]),
            (&1.into(), &0.into())
        );
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let checked = done(&setup, &["restore", "--check", path]);
        assert_eq!(
            checked.lines().next(),
            Some(&*format!("Could restore 1 users from {path}"))
        );
        for target in setups() {
            let restored = facts(&target, &["restore", path]);
            assert_eq!(
                (&restored["users"], &restored["left_out"]),
                (&1.into(), &0.into())
            );
            let said = refused(&target, &["restore", path]);
            assert_eq!(
                said,
                format!(
                    "fpm-registry: {path}: the store is not empty, and a backup is restored into an empty one only\n"
                )
            );
            let restored = target.start();
            assert!(restored.is_logged_in(ada.session()));
            restored
                .log_in(ADA, PASSWORD)
                .assert_done("Login successful");
        }
        let [target, _] = setups();
        done(&target, &["restore", "--end-sessions", path]);
        assert!(!target.start().is_logged_in(ada.session()));

        fs::write(&file, "a backup of something else\n").unwrap();
        let said = refused(&target, &["restore", "--check", path]);
        assert_eq!(
            said,
            format!("fpm-registry: {path}: the file is not a backup of fpm-registry\n")
        );
        let said = refused(&setup, &["backup", "/proc/nowhere/file"]);
        assert!(
            said.contains("the file of the backup cannot be read or written: "),
            "{said}"
        );
    }
}

/// Root may look everywhere. Another user may not even reach the program, which is copied for that.
fn list_users_as_another(setup: &Setup) -> Output {
    let command = setup.command();
    let program = env::temp_dir().join(format!("fpm-registry-{}", process::id()));
    fs::copy(command.get_program(), &program).unwrap();
    let set = command.get_envs();
    let output = Command::new(&program)
        .args(["user", "list"])
        .envs(set.filter_map(|(name, value)| Some((name, value?))))
        .uid(61_234)
        .current_dir("/")
        .output();
    fs::remove_file(program).unwrap();
    output.unwrap()
}

/// Who may not look into the folder is not told that there is nothing.
#[test]
fn a_store_that_this_user_may_not_see_is_not_said_to_be_missing() {
    let setup = Setup::new();
    drop(setup.start());
    let output = match fs::metadata(setup.folder()).unwrap().uid() {
        0 => list_users_as_another(&setup),
        _ => {
            let folder = setup.folder();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o0)).unwrap();
            let output = setup.command().args(["user", "list"]).output().unwrap();
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
            output
        }
    };
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "fpm-registry: DATA_DIR: `{}` cannot be looked at: Permission denied (os error 13); run this as the user of the server, or as root\n",
            setup.folder().join("registry.redb").display()
        )
    );
}

/// Root restores into the folder of the server's user, and the server has to open what root made.
#[test]
fn what_root_makes_belongs_to_the_owner_of_the_folder() {
    const SERVER: u32 = 61_234;
    let setup = Setup::new();
    let file = setup.folder().join("registry.backup");
    let path = file.to_str().unwrap();
    setup.start().sign_up(ADA);
    done(&setup, &["backup", path]);
    if fs::metadata(&file).unwrap().uid() != 0 {
        eprintln!("not tried: only root can give files away");
        return;
    }
    let target = Setup::new();
    fs::create_dir_all(target.folder()).unwrap();
    chown(target.folder(), Some(SERVER), Some(SERVER)).unwrap();
    done(&target, &["restore", path]);
    let (_, told) = done_and_told(&target, &["user", "unlock", ADA]);
    assert!(told.contains("made the key file "), "{told}");
    let doctor = target.command().args(["doctor", "--send-to", ADA]).output();
    let examined = String::from_utf8(doctor.unwrap().stdout).unwrap();
    let unwritten =
        "mails become files in DATA_DIR, which belongs to the user 61234: none was written";
    assert!(examined.contains(unwritten), "{examined}");
    assert!(!target.folder().join("outbox").exists());
    for made in ["registry.redb", "secret.key"].map(|name| target.folder().join(name)) {
        let made_by = fs::metadata(&made).unwrap();
        let owner = (made_by.uid(), made_by.gid());
        assert_eq!(owner, (SERVER, SERVER), "{}", made.display());
    }
}

/// Whoever forgets the settings of the server in a nightly job must not get an empty backup in place of a good one.
#[test]
fn no_empty_backup_takes_the_place_of_another() {
    let setup = Setup::new();
    fs::create_dir_all(setup.folder()).unwrap();
    let file = setup.folder().join("good.backup");
    let path = file.to_str().unwrap();
    fs::write(&file, "precious").unwrap();
    let no_store = format!(
        "DATA_DIR: there is no store in `{}`; set DATA_DIR or MONGO_URI as for the server",
        setup.folder().display()
    );
    for command in [
        &["backup", path][..],
        &["user", "list"],
        &["limits", "list"],
    ] {
        let said = refused(&setup, command);
        assert!(said.trim_end().ends_with(&no_store), "{said}");
    }
    assert!(!setup.folder().join("registry.redb").exists());

    let other = Setup::new().with("MONGO_URI", &Mongod::shared().uri());
    let other = other.with("MONGO_DB_NAME", &database_name());
    for setup in [&other, &setup] {
        let registry = setup.start();
        let said = refused(setup, &["backup", path]);
        assert!(
            said.contains("the store has no users, so the older file is kept"),
            "{said}"
        );
        drop(registry);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(!has_partial(&setup));
}

#[test]
fn a_backup_takes_the_place_of_files_alone() {
    let setup = Setup::new();
    let registry = setup.start();
    registry.sign_up(ADA);
    for path in ["/dev/null", "/tmp"] {
        let said = refused(&setup, &["backup", path]);
        assert_eq!(
            said,
            format!("fpm-registry: {path}: there is something else than a file there\n")
        );
    }
}

/// The server that sends it has not begun when the signal comes.
#[test]
fn a_backup_that_is_interrupted_leaves_nothing_behind() {
    for signal in ["INT", "TERM"] {
        let setup = Setup::new();
        fs::create_dir_all(setup.folder()).unwrap();
        let _server = UnixListener::bind(setup.folder().join("admin.sock")).unwrap();
        let file = setup.folder().join("good.backup");
        fs::write(&file, "precious").unwrap();
        let mut backup = setup.command();
        backup.arg("backup").arg(&file).stderr(Stdio::piped());
        let backup = backup.spawn().unwrap();
        while !has_partial(&setup) {
            sleep(Duration::from_millis(10));
        }
        let kill = ["-s", signal, &backup.id().to_string()].map(str::to_owned);
        assert!(Command::new("kill").args(kill).status().unwrap().success());
        let ended = backup.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        let sentence = format!(
            "fpm-registry: {}: the backup was interrupted and not written\n",
            file.display()
        );
        assert_eq!((ended.status.code(), said), (Some(1), sentence));
        assert!(!has_partial(&setup));
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }
}

fn has_partial(setup: &Setup) -> bool {
    let mut files = fs::read_dir(setup.folder()).unwrap();
    files.any(|file| {
        let name = file.unwrap().file_name();
        name.to_string_lossy().ends_with(".partial")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn users_that_cannot_be_read_are_told_of() {
    let embedded = Setup::new();
    embedded.start().sign_up(ADA);
    let users = TableDefinition::<&str, &[u8]>::new("users");
    let file = Database::open(embedded.folder().join("registry.redb")).unwrap();
    let write = file.begin_write().unwrap();
    let odd = br#"{"email":"bob@localhost"}"#;
    let mut table = write.open_table(users).unwrap();
    table.insert("0dd", &odd[..]).unwrap();
    drop(table);
    write.commit().unwrap();
    drop(file);
    assert_tells_of_one(&embedded);

    let name = database_name();
    let mongo = Setup::new().with("MONGO_URI", &Mongod::shared().uri());
    let mongo = mongo.with("MONGO_DB_NAME", &name);
    mongo.start().sign_up(ADA);
    let client = Client::with_uri_str(Mongod::shared().uri()).await.unwrap();
    let users = client.database(&name).collection::<Document>("users");
    let odd = doc! { "_id": "odd", "email": "bob@localhost" };
    users.insert_one(odd).await.unwrap();
    assert_tells_of_one(&mongo);
}

#[track_caller]
fn assert_tells_of_one(setup: &Setup) {
    const TOLD: &str = "fpm-registry: 1 users could not be read and are left out\n";
    let file = setup.folder().join("registry.backup");
    let path = file.to_str().unwrap();
    let (said, told) = done_and_told(setup, &["backup", path]);
    let sentence = format!("Wrote 1 users to {path}\n");
    assert!(said.starts_with(&sentence), "{said}");
    assert_eq!(told, TOLD);
    let (said, told) = done_and_told(setup, &["user", "list"]);
    assert!(said.starts_with("Users: 1\n"), "{said}");
    assert_eq!(told, TOLD);
    assert_eq!(done_and_told(setup, &["events", "list"]).1, TOLD);
    let [target, _] = setups();
    let (restored, told) = done_and_told(&target, &["restore", path, "--json"]);
    let restored: Value = serde_json::from_str(&restored).unwrap();
    assert_eq!(
        (&restored["users"], &restored["unreadable"]),
        (&1.into(), &1.into())
    );
    assert_eq!(told, TOLD);
}
