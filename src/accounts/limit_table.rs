//! The rate limits: how many attempts of each kind are allowed (ASVS 6.1.1, 6.3.1; NIST SP 800-63B-4, 3.2.2).

use std::time::Duration;

use super::attempts::{FOR_EVER, Limit};

const QUARTER: Duration = Duration::from_secs(15 * 60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Failed logins to one account from devices it does not know.
pub const LOGIN_OF_ACCOUNT: Limit = Limit::Backoff {
    free: 10,
    first_wait: Duration::from_secs(30),
    longest_wait: QUARTER,
    memory: DAY,
};
/// Failed logins in a row, with no year's pause between: past them only a known device or a mailed link gets in.
pub const LOGIN_IN_A_ROW: Limit = Limit::Backoff {
    free: IN_A_ROW,
    first_wait: FOR_EVER,
    longest_wait: FOR_EVER,
    memory: YEAR,
};
/// The most failures in a row (NIST SP 800-63B-4, 3.2.2).
pub const IN_A_ROW: u32 = 100;
/// Failed logins from a device its owner has used.
pub const LOGIN_OF_DEVICE: Limit = Limit::Window {
    attempts: 10,
    window: YEAR,
};
/// Failed and refused logins from one network.
pub const LOGIN_OF_NETWORK: Limit = Limit::Window {
    attempts: 100,
    window: QUARTER,
};
/// Mails asked for to one address.
pub const MAIL_OF_ADDRESS: Limit = Limit::Window {
    attempts: 3,
    window: QUARTER,
};
/// Mails to one address with no day's pause between: one an hour, and never less, or strangers could use up what its
/// owner needs.
pub const MAIL_IN_A_DAY: Limit = Limit::Backoff {
    free: 6,
    first_wait: HOUR,
    longest_wait: HOUR,
    memory: DAY,
};
/// Mails asked for from one network.
pub const MAIL_OF_NETWORK: Limit = Limit::Window {
    attempts: 20,
    window: HOUR,
};
/// Accounts asked for from one network.
pub const SIGNUP_OF_NETWORK: Limit = Limit::Window {
    attempts: 20,
    window: HOUR,
};
/// New passwords tried at one reset link, or in one account.
pub const RESET_OF_LINK: Limit = Limit::Window {
    attempts: 10,
    window: QUARTER,
};
/// New passwords tried from one network, at any number of links and accounts.
pub const RESET_OF_NETWORK: Limit = Limit::Window {
    attempts: 100,
    window: QUARTER,
};
/// Unknown upload tokens from one network.
pub const UNKNOWN_TOKEN_OF_NETWORK: Limit = Limit::Window {
    attempts: 100,
    window: QUARTER,
};
/// Challenges for passkeys that one network asks for. The login page asks for one each time it is opened.
pub const CHALLENGES_OF_NETWORK: Limit = Limit::Window {
    attempts: 300,
    window: QUARTER,
};
/// Challenges for passkeys that one session, or one pending login, asks for.
pub const CHALLENGES_OF_SESSION: Limit = Limit::Window {
    attempts: 30,
    window: QUARTER,
};

/// Failed logins at one address that a user is told of, by day; none is refused for them.
pub const FAILED_IN_A_DAY: Limit = Limit::Window {
    attempts: u32::MAX,
    window: Duration::from_secs(9 * 24 * 3600),
};
/// Changes of the e-mail address of one account within [`UNDO_LIFE`](super::lifetimes::UNDO_LIFE).
pub const EMAIL_CHANGES: usize = 3;

/// How many counters of attempts a store holds at most. Past it those of addresses are dropped, the longest unused
/// first: otherwise anyone could fill the store by typing random addresses.
pub const MAX_ATTEMPTS: u64 = 1_000_000;
/// Counters that expire within this time are never dropped early. Those of networks are among them.
pub const SHORT_MEMORY: Duration = HOUR;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_closed_for_longer_and_longer_and_in_the_end_for_good() {
        let seconds = |limit: Limit| -> Vec<(u32, u64)> {
            let waits = limit.waits().into_iter();
            waits.map(|(count, wait)| (count, wait.as_secs())).collect()
        };
        assert_eq!(
            seconds(LOGIN_OF_ACCOUNT),
            [
                (10, 30),
                (11, 60),
                (12, 120),
                (13, 240),
                (14, 480),
                (15, 900)
            ]
        );
        assert_eq!(seconds(LOGIN_IN_A_ROW), [(100, FOR_EVER.as_secs())]);
        assert_eq!(seconds(MAIL_IN_A_DAY), [(6, 3600)]);
    }
}
