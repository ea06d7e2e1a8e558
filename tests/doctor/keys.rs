//! The file of the keys that encrypt secrets: there, whole, and closed to others.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use crate::{
    examine,
    mongod::{Mongod, database_name},
    setup,
    socket::post,
};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_KEY: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

#[test]
fn a_key_file_that_is_not_there_yet_is_not_made_by_a_look() {
    let setup = setup();
    let file = setup.folder().join("secret.key");
    let name = file.display();
    examine(&setup, &[]).assert_line(&format!(
        "ok       key file     the first start makes {name}"
    ));
    assert!(!file.exists());

    drop(setup.start());
    let line = format!("ok       key file     {name} has the keys ");
    let examined = examine(&setup, &[]);
    let found = examined.line("key file").unwrap();
    assert!(found.starts_with(&line), "{found}");
}

#[test]
fn a_key_file_has_keys_and_is_closed_to_others() {
    let setup = setup();
    fs::create_dir_all(setup.folder()).unwrap();
    let file = setup.folder().join("keys");
    let name = file.display();
    let setup = setup
        .clone()
        .with("SECRET_KEY_FILE", file.to_str().unwrap());
    let change = "correct this setting, or what it names";
    examine(&setup, &[]).assert_line(&format!(
        "wrong    key file     SECRET_KEY_FILE: the key file `{name}` cannot be read: No such file or directory (os error 2); {change}"
    ));
    fs::write(&file, &KEY[1..]).unwrap();
    examine(&setup, &[]).assert_line(&format!(
        "wrong    key file     SECRET_KEY_FILE: the key file `{name}` has no key of 32 bytes in base64 in line 1; {change}"
    ));
    fs::write(&file, KEY).unwrap();
    for (mode, line) in [
        (
            0o640,
            format!("ok       key file     {name} has the keys 630dcd29"),
        ),
        (
            0o644,
            format!(
                "warning  key file     others than its owner and group can read or change {name}; change its mode to 0600"
            ),
        ),
    ] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        examine(&setup, &[]).assert_line(&line);
    }
}

#[test]
fn a_key_that_the_store_needs_and_the_file_lacks_is_wrong() {
    let database = database_name();
    let on_mongo = setup()
        .with("MONGO_URI", &Mongod::shared().uri())
        .with("MONGO_DB_NAME", &database);
    for setup in [setup(), on_mongo] {
        fs::create_dir_all(setup.folder()).unwrap();
        let file = setup.folder().join("keys");
        let setup = setup
            .clone()
            .with("SECRET_KEY_FILE", file.to_str().unwrap());
        fs::write(&file, KEY).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let registry = setup.start();
        let session = registry.sign_up("ada@example.org");
        let begin = post("/account/totp", &[]).with("Cookie", session.session());
        assert_eq!(registry.send(&begin).status, 200);
        drop(registry);
        assert_eq!(examine(&setup, &[]).lines.matches("630dcd29").count(), 1);

        fs::write(&file, OTHER_KEY).unwrap();
        let line = "wrong    key file     the store needs the keys 630dcd29 too, without which authenticator apps do not work; put them back below the keys there; if they are lost, see what the log of the server says at its start";
        examine(&setup, &[]).assert_line(line);
        let _registry = setup.start();
        examine(&setup, &[]).assert_line(line);
    }
}

#[test]
fn without_a_key_file_a_database_has_no_authenticator_apps() {
    let setup = setup().with("MONGO_URI", "mongodb://127.0.0.1:1");
    examine(&setup, &[]).assert_line(
        "warning  key file     SECRET_KEY_FILE is unset, so authenticator apps are not offered; \
         set it to a file made by openssl rand -base64 32, the same on all servers",
    );
}
