//! Random credentials for `oracles/credential.rs`.
#![no_main]

#[path = "../oracles/credential.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check(input));
