//! Random input for `oracles/cookie.rs`.
#![no_main]

#[path = "../oracles/cookie.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| oracle::check(input));
