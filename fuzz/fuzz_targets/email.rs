//! Random text for `oracles/email.rs`.
#![no_main]

#[path = "../oracles/email.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &str| oracle::check(input));
