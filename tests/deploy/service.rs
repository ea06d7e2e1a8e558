//! The systemd unit, as far as it can be judged where systemd does not run.

use std::{env, fs, path::PathBuf, process::Command};

use crate::folder::Folder;

const UNIT: &str = include_str!("../../deploy/fpm-registry.service");
/// The most that the unit may be exposed, of 100.
const MOST_EXPOSED: &str = "--threshold=20";

/// The unit with its examples, each a line behind `#` without a space.
fn with_examples() -> String {
    let lines = UNIT.lines();
    let lines = lines.map(|line| match line.strip_prefix('#') {
        Some(example) if !example.starts_with(' ') => example,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Asks `systemd-analyze` about a unit with the program of the test; none if there is no such program, which it says.
fn analyze(text: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let folder = Folder::new();
    let program =
        env::var_os("REGISTRY").unwrap_or_else(|| env!("CARGO_BIN_EXE_fpm-registry").into());
    let program = PathBuf::from(program).canonicalize().unwrap();
    let unit = folder.0.join("fpm-registry.service");
    let here = text.replace(
        "/usr/local/bin/fpm-registry",
        &program.display().to_string(),
    );
    fs::write(&unit, here).unwrap();
    let Ok(output) = Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        .output()
    else {
        println!("not tested, since there is no systemd-analyze");
        return None;
    };
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(said).unwrap()))
}

#[test]
fn systemd_understands_the_unit() {
    assert_ne!(with_examples(), UNIT.trim_end());
    for unit in [UNIT, &with_examples()] {
        let Some(said) = analyze(unit, &["verify"]) else {
            return;
        };
        assert_eq!(said, (true, String::new()));
    }
}

#[test]
fn the_unit_is_exposed_by_two_of_ten_at_most() {
    let Some((is_below, said)) = analyze(
        &with_examples(),
        &["security", "--offline=yes", MOST_EXPOSED],
    ) else {
        return;
    };
    assert!(is_below, "{said}");
    println!("{}", said.lines().last().unwrap_or_default());
}
