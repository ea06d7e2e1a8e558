//! Second factors that an operator has removed for who has lost them, and keeps.

use serde_json::{Value, json};

use super::{
    ADA, PASSWORD, Registry, Setup,
    code_of_app::code_of_app,
    done, facts, history,
    key_file::{NEW, OLD, with_keys, written},
    mail_with, refused, setups,
    socket::{login, post},
};

const NOT_ENDING: &str = "fpm-registry: the second factors of this user are not about to end\n";

/// With keys for the secrets of apps, which a registry on MongoDB does not have by itself.
pub fn with_key(setup: Setup) -> Setup {
    with_keys(&setup, &written(&setup, OLD))
}

/// An authenticator app, and the recovery codes that came with it.
pub struct App {
    pub secret: String,
    pub recovery_codes: Vec<String>,
}

/// Adds an authenticator app.
pub fn add_app(registry: &Registry, email: &str) -> App {
    let session = registry.log_in(email, PASSWORD).session();
    let send = |path, fields: &[(&str, &str)]| -> Value {
        let answer = registry.send(&post(path, fields).with("Cookie", &session));
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    };
    let begun = send("/account/totp", &[]);
    let secret = begun["secret"].as_str().unwrap();
    let added = send("/account/totp/confirm", &[("code", &code_of_app(secret))]);
    App {
        secret: secret.to_owned(),
        recovery_codes: serde_json::from_value(added["recovery_codes"].clone()).unwrap(),
    }
}

fn end(setup: &Setup) -> Value {
    facts(setup, &["user", "show", ADA])["second_factors_end_at"].clone()
}

#[test]
fn second_factors_are_removed_a_day_later_unless_that_is_stopped() {
    for setup in setups().map(with_key) {
        let registry = setup.start();
        registry.sign_up(ADA);
        let ask = ["user", "end-second-factors", ADA];
        let said = refused(&setup, &ask);
        assert_eq!(said, "fpm-registry: this user has no second factor\n");
        let App { secret, .. } = add_app(&registry, ADA);
        let said = refused(&setup, &ask);
        assert_eq!(
            said,
            "fpm-registry: the email of this user is not confirmed, so the owner could not be told and object\n"
        );
        assert_eq!(
            refused(&setup, &["user", "keep-second-factors", ADA]),
            NOT_ENDING
        );
        done(&setup, &["user", "confirm-email", ADA]);

        let told = facts(&setup, &ask);
        let at = end(&setup);
        assert_eq!(
            told,
            json!({ "user": told["user"], "second_factors_end_at": at })
        );
        mail_with(&registry, "/auth/not-me?uuid=");
        let said = refused(&setup, &ask);
        assert!(
            said.starts_with("fpm-registry: the second factors of this user end on "),
            "{said}"
        );
        assert!(said.ends_with(" already\n"), "{said}");
        let shown = facts(&setup, &["user", "show", ADA]);
        assert_eq!(shown["recovery_codes"]["left"], 10);
        assert!(
            shown["authenticator_app"]["added_at"].is_string(),
            "{shown}"
        );
        assert!(!shown.to_string().contains(&secret));
        let listed =
            || facts(&setup, &["user", "list", "--losing-second-factors"])["users"].clone();
        assert_eq!(listed()[0]["second_factors_end_at"], at);

        // It is a matter of the mailbox alone, which decides about no second factor.
        done(&setup, &["user", "reset-link", ADA]);
        assert_eq!(end(&setup), at);
        let kept = done(&setup, &["user", "keep-second-factors", ADA]);
        assert!(
            kept.ends_with(": stopped the end of the second factors\n"),
            "{kept}"
        );
        assert_eq!((end(&setup), listed()), (Value::Null, json!([])));
        assert_eq!(
            refused(&setup, &["user", "keep-second-factors", ADA]),
            NOT_ENDING
        );
        let asked = ["stopped", "asked"];
        let happened =
            asked.map(|what| format!("end-of-second-factors-{what}, An operator of the registry"));
        let told = history(&setup);
        assert_eq!([&told[0], &told[2]], [&happened[0], &happened[1]]);
        let answer = registry.send(&login(ADA, PASSWORD));
        answer.assert_refused(401, "Enter the code of your second factor", Some("code"));
    }
}

#[test]
fn without_a_server_they_end_in_a_day_too_and_who_gets_an_account_back_keeps_them() {
    for setup in setups().map(with_key) {
        let registry = setup.start();
        registry.sign_up(ADA);
        done(&setup, &["user", "confirm-email", ADA]);
        add_app(&registry, ADA);
        assert_eq!(registry.terminate().0, Some(0));
        let said = done(&setup, &["user", "end-second-factors", ADA]);
        let did =
            ": told the user that all second factors end a day later\n  second_factors_end_at: ";
        assert!(said.contains(did), "{said}");
        let registry = setup.start();
        mail_with(&registry, "began to remove");
        assert!(end(&setup).is_string());
        done(&setup, &["user", "recover", ADA, ADA]);
        let shown = facts(&setup, &["user", "show", ADA]);
        assert_eq!(shown["second_factors_end_at"], Value::Null);
        assert!(shown["authenticator_app"].is_object(), "{shown}");
    }
}

#[test]
fn a_login_that_a_lost_key_refuses_is_logged_as_such() {
    let [setup, _] = setups().map(with_key);
    let registry = setup.start();
    registry.sign_up(ADA);
    add_app(&registry, ADA);
    drop(registry);
    written(&setup, NEW);
    let registry = setup.start();
    let fields = [("email", ADA), ("password", PASSWORD), ("code", "123456")];
    assert_eq!(registry.send(&post("/auth/login", &fields)).status, 401);
    let log = registry.stop();
    let detail = "the secret of the authenticator app cannot be decrypted, its key may be lost";
    assert_eq!(log.matches(detail).count(), 1, "{log}");
    assert!(!log.contains("wrong code of the second factor"), "{log}");
}

#[test]
fn who_gives_an_account_back_ends_what_the_thief_has_added() {
    const OF_HOURS: &str = "--end-second-factors-of-hours";
    const ALL: &str = "--end-all-second-factors";
    const EVE: &str = "eve@example.org";
    for setup in setups().map(with_key) {
        let registry = setup.start();
        registry.sign_up(ADA);
        add_app(&registry, ADA);
        let recover = ["user", "recover", ADA, ADA];
        let recover = |flags: &[&str]| facts(&setup, &[&recover, flags].concat());
        let shown = facts(&setup, &["user", "show", ADA]);
        let app = &shown["authenticator_app"];
        assert!(app["added_at"].is_string(), "{shown}");
        let told = recover(&[]);
        let left = json!({
            "user": shown["id"],
            "email": ADA,
            "authenticator_app": app,
            "passkeys": [],
            "recovery_codes": shown["recovery_codes"],
        });
        assert_eq!(told, left, "they stay by themselves");
        assert_eq!(
            recover(&[OF_HOURS, "0", "--yes"]),
            left,
            "none is of this moment"
        );
        let nothing = json!({
            "user": shown["id"],
            "email": ADA,
            "authenticator_app": null,
            "passkeys": [],
            "recovery_codes": null,
        });
        assert_eq!(recover(&[OF_HOURS, "1", "--yes"]), nothing);

        registry.sign_up(EVE);
        add_app(&registry, EVE);
        let asked = refused(&setup, &["user", "recover", EVE, EVE, ALL]);
        assert_eq!(
            asked,
            "fpm-registry: this cannot be undone, and there is no terminal to ask on: add --yes\n"
        );
        let told = facts(&setup, &["user", "recover", EVE, EVE, ALL, "--yes"]);
        assert_eq!(told["authenticator_app"], Value::Null);
        assert_eq!(told["recovery_codes"], Value::Null);
        let both = refused(&setup, &["user", "recover", EVE, EVE, ALL, OF_HOURS, "1"]);
        assert!(both.contains("cannot be used with"), "{both}");
    }
}
