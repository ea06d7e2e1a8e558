//! What a device is called: words of a closed list, since what it calls itself is anybody's text.

use std::{fmt, sync::LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Serialize, Serializer};

use super::record::Word;

/// A program and the system it runs on, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceName {
    program: Option<&'static str>,
    system: Option<&'static str>,
}

/// Programs by what their `User-Agent` contains. The first that fits counts: most browsers name others too.
const PROGRAMS: [(&str, &str); 16] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi", "Vivaldi"),
    ("SamsungBrowser", "Samsung Internet"),
    ("FxiOS", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "Python"),
    ("Python", "Python"),
    ("Go-http-client/", "Go"),
    ("fpm", "fpm"),
];

/// Systems, in the same way.
const SYSTEMS: [(&str, &str); 8] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

static PROGRAM_PARTS: LazyLock<AhoCorasick> = LazyLock::new(|| parts(&PROGRAMS));
static SYSTEM_PARTS: LazyLock<AhoCorasick> = LazyLock::new(|| parts(&SYSTEMS));

const OPERATOR: &str = "An operator of the registry";
const UNKNOWN: &str = "Unknown device";

impl DeviceName {
    /// What stands for an operator, who comes by no device of the user's.
    pub const OPERATOR: Self = Self {
        program: Some(OPERATOR),
        system: None,
    };

    /// The name of what sends this `User-Agent`.
    pub fn of_user_agent(text: &str) -> Self {
        let find = |parts: &AhoCorasick, list: &[(&str, &'static str)]| {
            let found = parts.find_iter(text).map(|part| part.pattern().as_usize());
            found.min().map(|first| list[first].1)
        };
        Self {
            program: find(&PROGRAM_PARTS, &PROGRAMS),
            system: find(&SYSTEM_PARTS, &SYSTEMS),
        }
    }
}

/// Searches for all parts of a list at once.
#[expect(clippy::expect_used, reason = "they are few and short")]
fn parts(list: &[(&str, &str)]) -> AhoCorasick {
    let parts = list.iter().map(|(part, _)| part);
    let mut builder = AhoCorasick::builder();
    let builder = builder.match_kind(MatchKind::LeftmostFirst);
    builder.build(parts).expect("few and short parts")
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.program, self.system) {
            (Some(program), Some(system)) => write!(f, "{program} on {system}"),
            (Some(name), None) | (None, Some(name)) => f.write_str(name),
            (None, None) => f.write_str(UNKNOWN),
        }
    }
}

impl Serialize for DeviceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Word for DeviceName {
    const LATER: Self = Self {
        program: None,
        system: None,
    };

    fn parse(words: &str) -> Option<Self> {
        let known = |list: &[(&str, &'static str)], word: &str| {
            let found = list.iter().find(|(_, name)| *name == word);
            found.map(|(_, name)| *name)
        };
        if words == OPERATOR {
            return Some(Self::OPERATOR);
        }
        let on_a_system = SYSTEMS.iter().find_map(|(_, system)| {
            let program = words.strip_suffix(system)?.strip_suffix(" on ")?;
            Some((program, *system))
        });
        let (program, system) = match on_a_system {
            Some((program, system)) => (Some(known(&PROGRAMS, program)?), Some(system)),
            None => (known(&PROGRAMS, words), known(&SYSTEMS, words)),
        };
        let is_known = program.is_some() || system.is_some() || words == UNKNOWN;
        is_known.then_some(Self { program, system })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_by_its_program_and_system() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            ("curl/8.15.0", "curl"),
            ("", "Unknown device"),
            ("<script>alert(1)</script>", "Unknown device"),
        ] {
            let named = DeviceName::of_user_agent(user_agent);
            assert_eq!(named.to_string(), name);
            assert_eq!(DeviceName::parse(name), Some(named));
        }
    }

    #[test]
    fn words_of_no_list_are_those_of_a_later_version() {
        for words in [
            "Netscape",
            "curl on http://evil.example",
            "Netscape on Linux",
            "on",
            "Firefox on ",
            "",
        ] {
            assert_eq!(DeviceName::parse(words), None, "{words}");
        }
    }
}
