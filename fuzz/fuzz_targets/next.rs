//! Random text for `oracles/next.rs`.
#![no_main]

#[path = "../oracles/next.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &str| oracle::check(input));
