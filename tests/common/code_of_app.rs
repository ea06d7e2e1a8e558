//! What an authenticator app shows.

use std::time::SystemTime;

use base32::Alphabet::Rfc4648;
use totp_rs::Builder;

/// The code that an app shows at this time of the machine, into which this secret was typed.
pub fn code_of_app(secret: &str) -> String {
    let chars: String = secret.split_whitespace().collect();
    let secret = base32::decode(Rfc4648 { padding: false }, &chars);
    let builder = Builder::new().with_secret(secret.expect("a secret in base32"));
    let app = builder.build().expect("a secret as RFC 4226 asks for");
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    app.generate(now.as_secs()).to_string()
}
