//! Codes of authenticator apps (RFC 6238: SHA-1, 6 digits, 30 seconds).

use std::fmt;

use totp_rs::{Builder, Secret, Totp, TotpError};

use super::{clock::Timestamp, email::Email, random::random_bytes};

/// How many digits a code has.
pub const DIGITS: usize = 6;
/// How long a code is the app's, in seconds.
const STEP_SECONDS: u64 = 30;
/// How many steps earlier or later a code may be (RFC 6238, 5.2).
const TOLERANCE: u64 = 1;
/// How many steps earlier a code is recognized, to say that a clock is off: ten minutes. None of later steps is: to a
/// guesser it would tell what becomes valid.
const RECOGNIZED: u64 = 20;
/// What apps show beside the address.
const ISSUER: &str = "fpm-registry";
/// The length of a secret (RFC 4226, 4: 160 bits).
const SECRET_BYTES: usize = 20;

/// The secret that a server and an authenticator app share.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Vec<u8>);

/// What a code turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The code of this step, which is now or next to it.
    OfStep(u64),
    /// A code of some minutes earlier.
    OfOtherMinute,
    /// Another number.
    Wrong,
}

impl TotpSecret {
    /// A new secret from the operating system's generator.
    pub fn random() -> Self {
        Self(random_bytes::<SECRET_BYTES>().to_vec())
    }

    /// The secret of these bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be encrypted.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// In base32, for those who type it.
    pub fn base32(&self) -> String {
        Secret::from(self.0.clone()).to_base32()
    }

    /// The address that apps read from a QR code (Key Uri Format of Google Authenticator).
    pub fn uri(&self, email: &Email) -> Result<String, TotpError> {
        // The colon parts the issuer from the account.
        let account = email.as_str().replace(':', "_");
        let builder = self.builder().with_issuer(Some(ISSUER));
        builder.with_account_name(account).build()?.to_url()
    }

    /// What this code is at a moment.
    pub fn check(&self, code: &str, now: Timestamp) -> Checked {
        let totp = self.totp();
        let seconds = u64::try_from(now.millis() / 1000).unwrap_or_default();
        if let Some(step) = totp.check(code, seconds) {
            return Checked::OfStep(step);
        }
        let step = seconds / STEP_SECONDS;
        let mut near = step.saturating_sub(RECOGNIZED)..step;
        let has_code = |step: u64| totp.generate(step * STEP_SECONDS).to_string() == code;
        match near.any(has_code) {
            true => Checked::OfOtherMinute,
            false => Checked::Wrong,
        }
    }

    fn builder(&self) -> Builder {
        let builder = Builder::new().with_digits(DIGITS as u8);
        let builder = builder.with_skew(TOLERANCE as u16);
        builder
            .with_step_duration(STEP_SECONDS)
            .with_secret(self.0.clone())
    }

    fn totp(&self) -> Totp {
        // All is fixed but the secret, whose length an older record may have chosen.
        self.builder().build_noncompliant()
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1; the last six digits of its eight.
        let secret = TotpSecret::from_bytes(b"12345678901234567890".to_vec());
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = u64::try_from(seconds / 30).unwrap();
            assert_eq!(secret.check(code, at(seconds)), Checked::OfStep(step));
        }
    }

    #[test]
    fn a_code_counts_for_one_step_before_and_after_its_own() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890".to_vec());
        let at_step = |n| secret.check("005924", at(30 * n));
        let own = 1_234_567_890_i64 / 30;
        let step = u64::try_from(own).unwrap();
        for near in [own - 1, own, own + 1] {
            assert_eq!(at_step(near), Checked::OfStep(step));
        }
        for late in [own + 2, own + 20] {
            assert_eq!(at_step(late), Checked::OfOtherMinute);
        }
        for far in [own - 21, own - 20, own - 2, own + 21] {
            assert_eq!(at_step(far), Checked::Wrong);
        }
    }

    #[test]
    fn a_code_is_six_digits_and_nothing_else() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890".to_vec());
        for other in ["", "5924", "0005924", "00592a", "００５９２４", " 05924"] {
            assert_eq!(
                secret.check(other, at(1_234_567_890)),
                Checked::Wrong,
                "{other:?}"
            );
        }
    }

    #[test]
    fn an_app_is_told_the_secret_and_whose_it_is() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890".to_vec());
        assert_eq!(secret.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let uri = secret.uri(&Email::parse("ada@example.org").unwrap());
        assert_eq!(
            uri.unwrap(),
            "otpauth://totp/fpm-registry:ada%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=fpm-registry"
        );
        assert_ne!(TotpSecret::random(), TotpSecret::random());
        assert_eq!(TotpSecret::random().as_bytes().len(), 20);
    }
}
