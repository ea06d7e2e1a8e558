//! Upload tokens that an operator ends, in a running registry and in a restored one.

use std::env;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    ADA, PASSWORD, Registry, Setup, done, facts, setups,
    socket::{get, post},
};

/// Makes a token as a user whose address an operator has confirmed; its text.
fn sign_up_and_make(setup: &Setup, registry: &Registry) -> String {
    registry.sign_up(ADA);
    done(setup, &["user", "confirm-email", ADA]);
    make(registry)
}

fn make(registry: &Registry) -> String {
    let session = registry.log_in(ADA, PASSWORD).session();
    let fields = [("name", "CI"), ("packages", "*"), ("may", "publish")];
    let request = post("/account/tokens", &fields).with("Cookie", session);
    let answer: Value = serde_json::from_str(&registry.send(&request).body).unwrap();
    answer["token"].as_str().expect("a token").to_owned()
}

fn works(registry: &Registry, text: &str) -> bool {
    let request = get("/auth/whoami").with("Authorization", format!("Bearer {text}"));
    registry.send(&request).status == 200
}

#[test]
fn an_operator_ends_the_tokens_of_a_user() {
    for setup in setups() {
        let registry = setup.start();
        let text = sign_up_and_make(&setup, &registry);
        assert!(works(&registry, &text));
        let shown = facts(&setup, &["user", "show", ADA]);
        assert_eq!(shown["upload_tokens"][0]["last4"], text[38..]);
        assert!(!shown.to_string().contains(&text));
        for ended in [1, 0] {
            let told = facts(&setup, &["user", "end-tokens", ADA]);
            assert_eq!(told, json!({ "user": told["user"], "ended": ended }));
        }
        assert!(!works(&registry, &text));
        let text = make(&registry);
        done(&setup, &["user", "disable", ADA]);
        assert!(!works(&registry, &text));
        done(&setup, &["user", "enable", ADA]);
        assert!(!works(&registry, &text), "it has ended for good");
    }
}

#[test]
fn tokens_live_on_after_a_restore_unless_they_are_ended() {
    let setup = Setup::new();
    let registry = setup.start();
    let text = sign_up_and_make(&setup, &registry);
    let file = env::temp_dir().join(format!("fpm-registry-{}.backup", Uuid::new_v4()));
    let path = file.to_str().unwrap();
    done(&setup, &["backup", path]);
    for (flags, is_left) in [(&[][..], true), (&["--end-tokens"][..], false)] {
        for target in setups() {
            done(&target, &[&["restore"], flags, &[path]].concat());
            assert_eq!(works(&target.start(), &text), is_left, "{flags:?}");
        }
    }
    std::fs::remove_file(file).unwrap();
}
