//! What an authenticator app shows.
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::time::SystemTime;

use base32::Alphabet::Rfc4648;
use totp_rs::Builder;

/// The code that an app shows at this time of the machine, into which this secret was typed.
pub fn code_of_app(secret: &str) -> String {
    code_of_app_at(secret, now())
}

/// The next one, which counts already, and was not used to add the app.
pub fn next_code_of_app(secret: &str) -> String {
    code_of_app_at(secret, now() + 30)
}

/// What it shows so many seconds after 1970.
pub fn code_of_app_at(secret: &str, seconds: u64) -> String {
    let builder = Builder::new().with_secret(bytes_of_secret(secret));
    let app = builder.build().expect("a secret as RFC 4226 asks for");
    app.generate(seconds).to_string()
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// The bytes of a secret as it is typed.
pub fn bytes_of_secret(base32: &str) -> Vec<u8> {
    let chars: String = base32.split_whitespace().collect();
    base32::decode(Rfc4648 { padding: false }, &chars).expect("a secret in base32")
}
