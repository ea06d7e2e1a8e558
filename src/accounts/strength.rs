//! Whether a password is too easy to guess (ASVS 6.2.4, 6.2.11).

use zxcvbn::{Score, feedback::Warning, zxcvbn};

/// How many characters of a password zxcvbn reads: its time grows with the square of the length.
const ESTIMATED_CHARS: usize = 32;
/// The shortest of the owner's words that zxcvbn is given. Single letters would match everywhere.
const MIN_WORD_CHARS: usize = 3;
/// Words that an attacker would try here first.
const SERVICE_WORDS: [&str; 4] = ["fpm-registry", "fpm", "registry", "fortran"];
/// Groups of symbols that people write for the same letter. zxcvbn tries every combination of the letters that the
/// symbols of a password can mean: up to 800 for a crafted password, which takes some 100 ms. With one symbol of each
/// group it is 144 at most.
const SYMBOLS_OF_ONE_LETTER: [&str; 2] = ["({[<", "!|"];
/// The first of the characters that replace surplus symbols. They are in no dictionary word and on no keyboard.
const NEUTRAL: u32 = '─' as u32;

/// Why a password is too easy to guess for someone who knows `about` its owner; none if it is not.
pub fn weakness(password: &str, about: &[String]) -> Option<&'static str> {
    let start: String = password.chars().take(ESTIMATED_CHARS).collect();
    let words = about.iter().map(String::as_str);
    let words = words.filter(|word| word.chars().count() >= MIN_WORD_CHARS);
    let words: Vec<String> = words
        .chain(SERVICE_WORDS)
        .map(|word| with_symbols_of(&start, word))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let estimate = zxcvbn(&with_symbols_of(&start, &start), &words);
    (estimate.score() < Score::Two).then(|| {
        estimate
            .feedback()
            .and_then(|feedback| feedback.warning())
            .map_or("add another word or two", reason)
    })
}

/// The first [`ESTIMATED_CHARS`] of the text. Of each group of [`SYMBOLS_OF_ONE_LETTER`] only the symbol that comes
/// first in the password is left; others are replaced.
fn with_symbols_of(password: &str, text: &str) -> String {
    let is_surplus = |symbol: char| {
        let mut groups = SYMBOLS_OF_ONE_LETTER.into_iter();
        let group = groups.find(|group| group.contains(symbol));
        let first = group.and_then(|group| password.chars().find(|other| group.contains(*other)));
        first.is_some_and(|first| first != symbol)
    };
    let neutral = |symbol: char| char::from_u32(NEUTRAL + symbol as u32).unwrap_or(symbol);
    let symbols = text.chars().take(ESTIMATED_CHARS);
    symbols
        .map(|symbol| match is_surplus(symbol) {
            true => neutral(symbol),
            false => symbol,
        })
        .collect()
}

fn reason(warning: Warning) -> &'static str {
    use Warning::*;
    match warning {
        StraightRowsOfKeysAreEasyToGuess | ShortKeyboardPatternsAreEasyToGuess => {
            "it follows the keys of a keyboard"
        }
        RepeatsLikeAaaAreEasyToGuess | RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "it repeats itself"
        }
        ThisIsATop10Password | ThisIsATop100Password | ThisIsACommonPassword => {
            "it is one of the most common passwords"
        }
        ThisIsSimilarToACommonlyUsedPassword => "it is close to a common password",
        SequencesLikeAbcAreEasyToGuess => "it is a simple sequence",
        RecentYearsAreEasyToGuess | DatesAreOftenEasyToGuess => "it is built on a date",
        AWordByItselfIsEasyToGuess => "it is little more than one word",
        NamesAndSurnamesByThemselvesAreEasyToGuess | CommonNamesAndSurnamesAreEasyToGuess => {
            "it is built on a name"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const CRAFTED: &str = "4@8({[<3691!|70$5+%24813!|70$5@3 a b c e g i l o s t x z";

    #[test]
    fn easy_passwords_are_refused_with_a_reason() {
        let about = [
            "ada".to_owned(),
            "ada@example.org".to_owned(),
            "Ada Lovelace".to_owned(),
            CRAFTED.to_owned(),
        ];
        for easy in [
            "password",
            "passwordpassword",
            "123456789012345",
            "qwertyuiopasdfgh",
            "ada@example.org",
            "Ada Lovelace",
            "fpm-registry",
            "fortranfortran",
            "aaaaaaaaaaaa",
            "letmein123",
            "!@#$%^&*()",
            "p@$$w0rd!|",
            CRAFTED,
        ] {
            assert!(weakness(easy, &about).is_some(), "{easy}");
        }
        for good in [
            "correct horse battery",
            "plum tractor",
            "Wk3$pq!z",
            "пароль-на-ночь",
        ] {
            assert_eq!(weakness(good, &about), None, "{good}");
        }
    }

    #[test]
    fn a_crafted_password_is_judged_quickly() {
        let letters = "a b c e g i l o s t x z".split(' ').map(str::to_owned);
        let about: Vec<String> = letters.collect();
        // The least of some, since what else the machine does makes single ones slow.
        let least = |judge: &dyn Fn()| {
            let took = || {
                let started = Instant::now();
                judge();
                started.elapsed()
            };
            (0..5).map(|_| took()).min().unwrap()
        };
        let words: Vec<&str> = about.iter().map(String::as_str).collect();
        let unbounded = least(&|| _ = zxcvbn(CRAFTED, &words));
        for crafted in [
            CRAFTED,
            "7$|+@1(5%4986320)7$|+@1(5%498632",
            &"password1!".repeat(25),
        ] {
            let bounded = least(&|| _ = weakness(crafted, &about));
            assert!(
                3 * bounded < unbounded,
                "{crafted}: {bounded:?} of {unbounded:?}"
            );
        }
    }
}
