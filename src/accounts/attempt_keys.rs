//! The keys under which attempts are counted. Each begins with the kind of the attempt.

use super::{
    attempts::{AttemptKey, Limit},
    clock::Timestamp,
    email::Email,
    lifetimes::DAY,
    limit_table::{LOGIN_IN_A_ROW, LOGIN_OF_ACCOUNT, MAIL_IN_A_DAY, MAIL_OF_ADDRESS},
    network::Network,
};

/// An attempt under one key and its limit.
pub type Attempt = (AttemptKey, Limit);

/// Logins.
pub const LOGIN: &str = "login";
/// Failed logins in a row.
pub const LOGIN_ROW: &str = "login-in-a-row";
/// Failed logins of a day, which refuse nobody.
pub const FAILED: &str = "failed-login";
/// Logins from a known device.
pub const DEVICE: &str = "device";
/// Mails asked for.
pub const MAIL: &str = "mail";
/// The same within a day.
pub const MAIL_DAY: &str = "mail-in-a-day";
/// Signups.
pub const SIGNUP: &str = "signup";
/// New passwords tried.
pub const RESET: &str = "reset-password";
/// Unknown upload tokens.
pub const UPLOAD_TOKEN: &str = "upload-token";
/// Challenges for passkeys.
pub const PASSKEY: &str = "passkey";
/// All kinds.
pub const KINDS: [&str; 10] = [
    LOGIN,
    LOGIN_ROW,
    FAILED,
    DEVICE,
    MAIL,
    MAIL_DAY,
    SIGNUP,
    RESET,
    UPLOAD_TOKEN,
    PASSKEY,
];

/// The attempts of a mail to an address.
pub fn mails_to(email: &Email) -> Vec<Attempt> {
    vec![
        (AttemptKey::of_address(MAIL, email), MAIL_OF_ADDRESS),
        (AttemptKey::of_address(MAIL_DAY, email), MAIL_IN_A_DAY),
    ]
}

/// The day of a moment, counted from 1970.
pub fn day(moment: Timestamp) -> i64 {
    let day = Timestamp::PAST.plus(DAY).millis();
    moment.millis().div_euclid(day)
}

/// The attempts of a login to an account.
pub fn of_account(email: &Email) -> [Attempt; 2] {
    [
        (AttemptKey::of_address(LOGIN, email), LOGIN_OF_ACCOUNT),
        (AttemptKey::of_address(LOGIN_ROW, email), LOGIN_IN_A_ROW),
    ]
}

/// The keys under which failed logins to an account count.
pub fn login_keys(email: &Email) -> [AttemptKey; 2] {
    of_account(email).map(|(key, _)| key)
}

/// The attempts of a network and of the wider ones around it.
pub fn of_network(what: &str, network: Network, limit: Limit) -> Vec<Attempt> {
    let sizes = network.sizes().into_iter();
    sizes
        .map(|(network, size)| (AttemptKey::of_network(what, network), limit.times(size)))
        .collect()
}

/// The keys under which attempts at an address count.
pub fn keys_of_address(email: &Email) -> Vec<AttemptKey> {
    let attempts = of_account(email).into_iter().chain(mails_to(email));
    attempts.map(|(key, _)| key).collect()
}

/// The keys under which attempts from a network and the wider ones around it count.
pub fn keys_of_network(network: Network) -> Vec<AttemptKey> {
    let keys = [LOGIN, MAIL, SIGNUP, RESET, UPLOAD_TOKEN, PASSKEY].map(|what| {
        let sizes = network.sizes().into_iter();
        sizes.map(move |(network, _)| AttemptKey::of_network(what, network))
    });
    keys.into_iter().flatten().collect()
}

/// Whether a text may be the key of a counter.
pub fn is_key(text: &str) -> bool {
    kind(&AttemptKey::from(text)).is_some()
}

/// The kind of the attempts under this key.
pub fn kind(key: &AttemptKey) -> Option<&'static str> {
    KINDS.into_iter().find(|what| key.is_of(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::limit_table::LOGIN_OF_NETWORK;

    #[test]
    fn wider_networks_have_wider_limits_and_an_ipv4_address_has_one() {
        let of = |address: &str| -> Vec<(String, Limit)> {
            let network = Network::of(address.parse().unwrap());
            let attempts = of_network(LOGIN, network, LOGIN_OF_NETWORK).into_iter();
            attempts
                .map(|(key, limit)| (key.as_str().to_owned(), limit))
                .collect()
        };
        let hundreds = |n| LOGIN_OF_NETWORK.times(n);
        assert_eq!(
            of("192.0.2.1"),
            [("login:192.0.2.1".to_owned(), hundreds(1))]
        );
        assert_eq!(
            of("2001:db8:1:234::5"),
            [
                ("login:2001:db8:1::/48".to_owned(), hundreds(4)),
                ("login:2001:db8:1:200::/56".to_owned(), hundreds(2)),
                ("login:2001:db8:1:234::/64".to_owned(), hundreds(1)),
            ]
        );
    }
}
