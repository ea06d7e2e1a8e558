//! The store: reachable, with its indexes, and not made by a look.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown, symlink},
};

use mongodb::{
    Client,
    bson::{Document, doc},
};

use crate::{
    examine,
    mongod::{Mongod, database_name},
    setup,
    tcp::{Fault, Proxy},
};

const MADE_AT_START: &str = "; start or restart a server, which makes them";

#[test]
fn a_store_that_is_not_there_is_not_made_by_a_look() {
    let setup = setup();
    let file = setup.folder().join("registry.redb");
    let examined = examine(&setup, &[]);
    examined.assert_line(&format!(
        "ok       store        the first start makes {}",
        file.display()
    ));
    assert!(!setup.folder().exists());
}

#[test]
fn the_file_of_the_store_can_be_opened_or_is_damaged() {
    let setup = setup();
    setup.start().sign_up("ada@example.org");
    let file = setup.folder().join("registry.redb");
    let name = file.display();
    examine(&setup, &[]).assert_line(&format!("ok       store        {name} can be opened"));

    fs::write(&file, "not a store").unwrap();
    let examined = examine(&setup, &[]);
    let line = examined.line("store").unwrap();
    let begins = format!("wrong    store        DATA_DIR: `{name}`");
    assert!(line.starts_with(&begins), "{line}");
}

#[test]
fn a_store_and_a_key_of_another_than_the_folder_are_wrong() {
    let setup = setup();
    drop(setup.start());
    if fs::metadata(setup.folder()).unwrap().uid() != 0 {
        eprintln!("not tried: only root can give files away");
        return;
    }
    chown(setup.folder(), Some(61_234), None).unwrap();
    for (looked_at, name) in [("store   ", "registry.redb"), ("key file", "secret.key")] {
        let name = setup.folder().join(name);
        let name = name.display();
        examine(&setup, &[]).assert_line(&format!(
            "wrong    {looked_at}     {name} belongs to the user 0, and DATA_DIR to the user 61234; give it to the owner of DATA_DIR: chown -h 61234 {name}"
        ));
    }
}

#[test]
fn a_folder_that_is_a_link_to_nothing_is_no_store() {
    let setup = setup();
    fs::create_dir_all(setup.folder()).unwrap();
    let link = setup.folder().join("link");
    symlink("/nowhere/at/all", &link).unwrap();
    let setup = setup.clone().with("DATA_DIR", link.to_str().unwrap());
    let said = setup.try_start().err().unwrap();
    assert_eq!(
        said,
        format!(
            "fpm-registry: DATA_DIR: `{}` is a link to what is not there\n",
            link.display()
        )
    );
}

#[test]
fn a_folder_that_cannot_be_read_is_wrong() {
    let setup = setup().with("DATA_DIR", "Cargo.toml");
    examine(&setup, &[]).assert_line(
        "wrong    store        Cargo.toml/registry.redb cannot be looked at: Not a directory (os error 20); correct DATA_DIR, or run doctor as the user of the server",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_has_its_indexes_and_the_time() {
    let name = database_name();
    let setup = setup()
        .with("MONGO_URI", &Mongod::shared().uri())
        .with("MONGO_DB_NAME", &name);
    let found = format!("ok       store        MongoDB answers, database {name}");
    let examined = examine(&setup, &[]);
    examined.assert_line(&found);
    examined.assert_line(&format!(
        "wrong    indexes      there is none of users.email, users.addresses, users.sessions.digest, \
         users.reset.digest, users.confirmation.digest, users.notMe.digest, users.uploadTokens.digest, \
         users.pendingLogins.digest, users.dueAt, users.notices.queuedAt, outbox.dueAt, outbox.queuedAt, attempts.expiresAt, \
         challenges.digest, challenges.expiresAt{MADE_AT_START}"
    ));

    let registry = setup.start();
    let examined = examine(&setup, &[]);
    for line in [
        found.as_str(),
        "ok       indexes      all are there",
        "ok       clock        this machine and the database agree",
    ] {
        examined.assert_line(line);
    }

    let database = Client::with_uri_str(Mongod::shared().uri()).await.unwrap();
    let database = database.database(&name);
    let users = database.collection::<Document>("users");
    users.drop_index("addresses_1").await.unwrap();
    let not_unique = doc! { "key": { "addresses": 1 }, "name": "addresses_1", "sparse": true };
    let create = doc! { "createIndexes": "users", "indexes": [not_unique] };
    database.run_command(create).await.unwrap();
    let outbox = database.collection::<Document>("outbox");
    outbox.drop_index("dueAt_1").await.unwrap();
    let examined = examine(&setup, &[]);
    let missing = "wrong    indexes      there is none of users.addresses, outbox.dueAt";
    examined.assert_line(&format!("{missing}{MADE_AT_START}"));
    drop(registry);
}

#[test]
fn a_database_out_of_reach_is_given_up() {
    let setup = setup().with("MONGO_URI", "mongodb://ada:s3cret@127.0.0.1:1");
    let examined = examine(&setup, &[]);
    examined.assert_line(
        "wrong    store        MONGO_URI: no MongoDB server answers at 127.0.0.1:1; correct this setting, or what it names",
    );
    assert!(!examined.lines.contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_from_a_running_server_is_told_twice() {
    let database = Proxy::before(Mongod::shared().address()).await;
    let mut setup = setup()
        .with("MONGO_URI", &database.uri())
        .with("MONGO_DB_NAME", &database_name());
    setup.meets_faults = true;
    let _registry = setup.start();
    database.set(Fault::Refuse);
    let examined = examine(&setup, &[]);
    examined.assert_line(
        "wrong    server       its store does not read and write; see its log for the cause",
    );
    examined.assert_line(&format!(
        "wrong    store        MONGO_URI: no MongoDB server answers at {}; correct this setting, or what it names",
        database.address()
    ));
}
