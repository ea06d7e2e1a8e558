//! What a look found, and how it is printed.

use std::{fmt, path::Path};

use serde_json::{Value, json};

use crate::server::settings::WrongSetting;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    looked_at: &'static str,
    found: String,
    verdict: Verdict,
}

/// Whether it is well, and what to change if not.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warning(String),
    Wrong(String),
}

impl Finding {
    /// It is as it should be.
    pub fn ok(looked_at: &'static str, found: impl Into<String>) -> Self {
        Self::new(looked_at, found, Verdict::Ok)
    }

    /// It works, but something should be changed.
    pub fn warning(
        looked_at: &'static str,
        found: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self::new(looked_at, found, Verdict::Warning(change.into()))
    }

    /// It does not work, or is not safe, until something is changed.
    pub fn wrong(
        looked_at: &'static str,
        found: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self::new(looked_at, found, Verdict::Wrong(change.into()))
    }

    /// A setting is wrong, or what it names.
    pub fn wrong_setting(looked_at: &'static str, setting: &WrongSetting) -> Self {
        let change = "correct this setting, or what it names";
        Self::wrong(looked_at, setting.to_string(), change)
    }

    /// A file belongs to another user than `DATA_DIR`, so that the server may not open it.
    pub fn of_another_owner(
        looked_at: &'static str,
        file: &Path,
        (owner, of_folder): (u32, u32),
    ) -> Self {
        let name = file.display();
        Self::wrong(
            looked_at,
            format!("{name} belongs to the user {owner}, and DATA_DIR to the user {of_folder}"),
            format!("give it to the owner of DATA_DIR: chown -h {of_folder} {name}"),
        )
    }

    fn new(looked_at: &'static str, found: impl Into<String>, verdict: Verdict) -> Self {
        Self {
            looked_at,
            found: found.into(),
            verdict,
        }
    }

    /// Whether something does not work.
    pub fn is_wrong(&self) -> bool {
        matches!(self.verdict, Verdict::Wrong(_))
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let (word, change) = self.verdict.parts();
        json!({
            "verdict": word,
            "looked_at": self.looked_at,
            "found": self.found,
            "change": change,
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, change) = self.verdict.parts();
        write!(f, "{word:<8} {:<12} {}", self.looked_at, self.found)?;
        change.map_or(Ok(()), |change| write!(f, "; {change}"))
    }
}

impl Verdict {
    fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Ok => ("ok", None),
            Self::Warning(change) => ("warning", Some(change)),
            Self::Wrong(change) => ("wrong", Some(change)),
        }
    }
}
