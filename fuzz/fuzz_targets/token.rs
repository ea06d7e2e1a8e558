//! Random text for `oracles/token.rs`.
#![no_main]

#[path = "../oracles/token.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &str| oracle::check(input));
