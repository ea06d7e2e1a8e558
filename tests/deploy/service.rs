//! The systemd unit, as far as it can be judged where systemd does not run.

use std::{env, fs, path::PathBuf, process::Command};

use crate::folder::Folder;

const UNIT: &str = include_str!("../../deploy/fpm-registry.service");
/// The most that the unit may be exposed, of 100.
const MOST_EXPOSED: &str = "--threshold=20";

/// Asks `systemd-analyze` about the unit with the program of the test; none if there is no such program, which it says.
fn analyze(arguments: &[&str]) -> Option<(bool, String)> {
    let folder = Folder::new();
    let program =
        env::var_os("REGISTRY").unwrap_or_else(|| env!("CARGO_BIN_EXE_fpm-registry").into());
    let program = PathBuf::from(program).canonicalize().unwrap();
    let unit = folder.0.join("fpm-registry.service");
    let here = UNIT.replace(
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
    let Some(said) = analyze(&["verify"]) else {
        return;
    };
    assert_eq!(said, (true, String::new()));
}

#[test]
fn the_unit_is_exposed_by_two_of_ten_at_most() {
    let Some((is_below, said)) = analyze(&["security", "--offline=yes", MOST_EXPOSED]) else {
        return;
    };
    assert!(is_below, "{said}");
    println!("{}", said.lines().last().unwrap_or_default());
}
