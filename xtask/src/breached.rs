//! Makes the filter of passwords that are known from breaches.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use breached::BreachedPasswords;

/// Where the filter is that the server embeds.
const EMBEDDED: &str = "breached/passwords.filter";

/// Makes a filter of a list with one password a line, in place of the embedded one unless `filter` names another file.
pub fn make(list: &Path, filter: Option<&Path>) -> Result<()> {
    let filter = filter.unwrap_or(Path::new(EMBEDDED));
    let list = fs::read(list).with_context(|| format!("{} cannot be read", list.display()))?;
    // Nobody can type what is not UTF-8.
    let passwords = list.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        str::from_utf8(line).ok()
    });
    let file = BreachedPasswords::of_list(passwords)?.to_file();
    fs::write(filter, &file).with_context(|| format!("{} cannot be written", filter.display()))?;
    eprintln!("Made {} of {} bytes.", filter.display(), file.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn a_list_becomes_the_filter_of_its_lines() -> Result<()> {
        let folder = env::temp_dir().join(format!("xtask-breached-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let (list, filter) = (folder.join("list"), folder.join("filter"));
        fs::write(
            &list,
            b"iloveyou2\r\n\xff\xff\xff\xff\xff\xff\xff\xff\n\n trustno1 \nlast line",
        )?;
        make(&list, Some(&filter))?;
        let made = BreachedPasswords::read(&fs::read(&filter)?)?;
        for (password, is_in_it) in [
            ("iloveyou2", true),
            (" trustno1 ", true),
            ("trustno1", false),
            ("last line", true),
            ("", false),
        ] {
            assert_eq!(made.contains(password), is_in_it, "{password}");
        }
        fs::write(&list, "short\n")?;
        let refused = make(&list, Some(&filter)).map_err(|error| error.to_string());
        let sentence = "The list has no password of 8 or more characters";
        assert_eq!(refused, Err(sentence.to_owned()));
        fs::remove_dir_all(&folder)?;
        Ok(())
    }
}
