//! Which passwords can be chosen (ASVS 6.2.4, 6.2.12).

use breached::BreachedPasswords;

use super::{error::Error, password::Password, strength::weakness};

/// The filter that comes with the program; `breached/README.md` says what of.
const BREACHED: &[u8] = include_bytes!("../../breached/passwords.filter");

/// The filter has every known password that could be chosen.
const _: () = assert!(breached::MIN_CHARS <= Password::MIN_CHARS);

/// Judges passwords.
pub struct PasswordPolicy {
    breached: BreachedPasswords,
}

impl PasswordPolicy {
    /// The policy that knows these passwords from breaches.
    pub fn new(breached: BreachedPasswords) -> Self {
        Self { breached }
    }

    /// Refuses a chosen password if it is known from a breach, or too easy to guess for someone who knows `about` its
    /// owner.
    pub fn check(&self, password: &Password, about: &[String]) -> Result<(), Error> {
        if let Some(reason) = weakness(password.as_str(), about) {
            return Err(Error::PasswordTooEasy(reason));
        }
        match self.is_breached(password) {
            true => Err(Error::PasswordBreached),
            false => Ok(()),
        }
    }

    /// Whether a password is known from a breach.
    pub fn is_breached(&self, password: &Password) -> bool {
        self.breached.contains(password.as_str())
    }
}

impl Default for PasswordPolicy {
    #[expect(clippy::expect_used, reason = "a test reads the file")]
    fn default() -> Self {
        Self::new(BreachedPasswords::read(BREACHED).expect("a filter"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by it")]

    use std::time::Instant;

    use uuid::{Builder, Uuid};

    use super::*;

    /// Known from breaches, although an estimate finds them good enough.
    const BREACHED_SAMPLES: [&str; 4] = ["wtxjes232", "z321765013l", "spo4likemike", "cuhas6km"];

    /// How many random passwords may be taken for breached ones (OPERATORS.md).
    const ONE_IN: u64 = 50_000;

    fn random(n: u64) -> Password {
        let uuid: Uuid = Builder::from_random_bytes(u128::from(n).to_le_bytes()).into_uuid();
        Password::chosen(&uuid.to_string()).unwrap()
    }

    #[test]
    fn a_password_that_is_known_from_a_breach_is_refused() {
        let policy = PasswordPolicy::default();
        let check = |text: &str| policy.check(&Password::chosen(text).unwrap(), &[]);
        for breached in BREACHED_SAMPLES {
            assert_eq!(weakness(breached, &[]), None, "{breached}");
            assert!(
                matches!(check(breached), Err(Error::PasswordBreached)),
                "{breached}"
            );
        }
        assert!(matches!(check("password"), Err(Error::PasswordTooEasy(_))));
        for good in ["correct horse battery", "Wk3$pq!z", "пароль-на-ночь"] {
            assert!(check(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn fewer_than_one_in_50_000_other_passwords_are_taken_for_breached_ones() {
        let policy = PasswordPolicy::default();
        let asked = 20 * ONE_IN;
        let began = Instant::now();
        let found = (0..asked)
            .filter(|n| policy.is_breached(&random(*n)))
            .count() as u64;
        let took = began.elapsed();
        assert!(found * ONE_IN < asked, "{found} of {asked}");
        assert!(took.as_micros() < u128::from(20 * asked), "{took:?}");
    }

    #[test]
    fn the_filter_that_comes_with_the_program_takes_about_a_megabyte() {
        assert!(
            (1_000_000..1_200_000).contains(&BREACHED.len()),
            "{}",
            BREACHED.len()
        );
    }
}
