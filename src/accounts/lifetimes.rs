//! How long things live.

use std::time::Duration;

use super::clock::Timestamp;

/// How long a session lives (ASVS 7.3.2; NIST SP 800-63B-4 asks for at most 30 days).
pub const SESSION_LIFE: Duration = days(30);
/// How long a session lives without use (ASVS 7.3.1).
pub const SESSION_IDLE: Duration = days(14);
/// How long a reset link works after its mail was sent.
pub const RESET_LIFE: Duration = Duration::from_secs(30 * 60);
/// How long a device stays known: failed logins of strangers do not lock its owner out.
pub const DEVICE_LIFE: Duration = days(365);
/// How long a password given in a session counts (ASVS 7.5.1, 7.5.3).
pub const RECENT: Duration = Duration::from_secs(15 * 60);
/// How long a confirmation link works after its mail was sent.
pub const CONFIRMATION_LIFE: Duration = DAY;
/// How long a security mail can take an account back, and so how long a former address is held.
pub const UNDO_LIFE: Duration = days(7);
/// How long the text of a new upload token waits in a cookie for the page that shows it.
pub const SHOWN_LIFE: Duration = Duration::from_secs(60);
/// How long an upload token works after another one took its place.
pub const TOKEN_OVERLAP: Duration = DAY;
/// How long before an upload token expires its user is told.
pub const TOKEN_REMINDER: Duration = days(3);
/// How long an upload token that has expired is remembered, to say so to who still uses it.
pub const EXPIRED_TOKEN_LIFE: Duration = days(30);
/// How often the use of a session or of an upload token is stored at most.
pub const TOUCH_EVERY: Duration = Duration::from_secs(3600);
/// How long a login with the right password waits for a second factor.
pub const PENDING_LOGIN_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long a user has to add an authenticator app whose secret was told.
pub const PENDING_TOTP_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long a challenge waits for the answer of a passkey.
pub const CHALLENGE_LIFE: Duration = Duration::from_secs(5 * 60);
/// How long the owner can object after an operator has asked to end all second factors.
pub const END_OF_SECOND_FACTORS_DELAY: Duration = DAY;
/// An hour.
pub const HOUR: Duration = Duration::from_secs(3600);
/// A day.
pub const DAY: Duration = days(1);

const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 24 * 3600)
}

/// When a session expires that was created and last used at these times.
pub fn session_end(created_at: Timestamp, used_at: Timestamp) -> Timestamp {
    created_at
        .plus(SESSION_LIFE)
        .min(used_at.plus(SESSION_IDLE))
}
