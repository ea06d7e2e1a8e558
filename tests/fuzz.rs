//! What `make fuzz` asks of the code on random input holds for the seeds, and still compiles.
#![cfg(feature = "ssr")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fs};

#[path = "../fuzz/oracles/body.rs"]
mod body;
#[path = "../fuzz/oracles/cookie.rs"]
mod cookie;
#[path = "../fuzz/oracles/credential.rs"]
mod credential;
#[path = "../fuzz/oracles/email.rs"]
mod email;
#[path = "../fuzz/oracles/next.rs"]
mod next;
#[path = "../fuzz/oracles/token.rs"]
mod token;

/// What a fuzz target does with an input.
type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 6] = [
    ("body", body::check),
    ("cookie", cookie::check),
    ("credential", credential::check),
    ("email", |input| email::check(text(input))),
    ("next", |input| next::check(text(input))),
    ("token", |input| token::check(text(input))),
];

fn text(input: &[u8]) -> &str {
    str::from_utf8(input).unwrap()
}

#[test]
fn what_is_asked_of_random_input_holds_for_the_seeds() {
    for (target, check) in TARGETS {
        let seeds = fs::read_dir(format!("fuzz/corpus/{target}")).unwrap();
        for seed in seeds {
            let seed = seed.unwrap().path();
            println!("{}", seed.display());
            check(&fs::read(seed).unwrap());
        }
    }
}

#[test]
fn every_target_is_among_them() {
    let files = fs::read_dir("fuzz/fuzz_targets").unwrap();
    let files: BTreeSet<_> = files.map(|file| file.unwrap().file_name()).collect();
    let named = TARGETS.map(|(target, _)| format!("{target}.rs").into());
    assert_eq!(files, BTreeSet::from(named));
}
