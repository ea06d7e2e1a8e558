//! Opens the filter of passwords that are known from breaches.

use std::fs;

use breached::BreachedPasswords;

use super::settings::{Settings, WrongSetting};
use crate::accounts::policy::PasswordPolicy;

/// The policy with the filter of the settings, or else with the one in the program.
pub fn password_policy(settings: &Settings) -> Result<PasswordPolicy, WrongSetting> {
    let Some(path) = &settings.breached_filter else {
        return Ok(PasswordPolicy::default());
    };
    let wrong = |why: String| {
        let path = path.display();
        WrongSetting::new(format!(
            "BREACHED_FILTER must be a file that cargo xtask breached made, but {path} {why}"
        ))
    };
    let file = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let breached = BreachedPasswords::read(&file).map_err(|why| wrong(why.to_string()))?;
    Ok(PasswordPolicy::new(breached))
}
