//! Random input for `oracles/body.rs`.
#![no_main]

#[path = "../oracles/body.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check(input));
