//! The settings, and the server that runs with them.

use crate::{examine, setup};

#[test]
fn settings_that_can_be_used_are_well() {
    examine(&setup(), &[]).assert_line("ok       settings     all can be used");
}

#[test]
fn a_setting_that_nobody_can_have_meant_is_a_warning() {
    for (setting, value, line) in [
        (
            "PUBLIC_URL",
            "https://127.0.0.1:1",
            "warning  settings     TRUSTED_PROXIES is empty, so that all clients behind a proxy count as one network; name the network of your proxy",
        ),
        (
            "ADMIN_ADDR",
            "0.0.0.0:9091",
            "warning  settings     ADMIN_ADDR is every address of this machine, so that strangers may read the metrics; set it to one that Prometheus alone reaches",
        ),
        (
            "RATE_LIMITS",
            "off",
            "warning  settings     RATE_LIMITS is off, so that passwords can be guessed without end; set it to on",
        ),
        (
            "SMTP_URL",
            "smtp://127.0.0.1:1",
            "warning  settings     MAIL_FROM is an address of localhost, which mail servers refuse; set it to an address of your domain",
        ),
    ] {
        examine(&setup().with(setting, value), &[]).assert_line(line);
    }
}

#[test]
fn a_setting_with_which_no_server_starts_is_wrong() {
    for (setting, value, line) in [
        (
            "MAIL_FROM",
            "nobody",
            "wrong    settings     MAIL_FROM must be an email address such as fpm-registry <noreply@example.org>; correct this setting, or what it names",
        ),
        (
            "BREACHED_FILTER",
            "Cargo.toml",
            "wrong    settings     BREACHED_FILTER must be a file that cargo xtask breached made, but Cargo.toml is no filter of breached passwords; correct this setting, or what it names",
        ),
    ] {
        examine(&setup().with(setting, value), &[]).assert_line(line);
    }
}

#[test]
fn a_server_that_runs_is_asked_and_one_that_hangs_is_not_waited_for() {
    let setup = setup();
    let registry = setup.start();
    let examined = examine(&setup, &[]);
    examined.assert_line("ok       server       it runs, and its store reads and writes");

    registry.signal("STOP");
    let examined = examine(&setup, &[]);
    registry.signal("CONT");
    examined.assert_line(
        "wrong    server       it does not answer on the admin socket: timed out; restart it",
    );
}

#[test]
fn a_setting_that_cannot_be_read_ends_it_as_it_ends_a_start() {
    let mut command = setup().with("PUBLIC_URL", "nonsense").command();
    let output = command.args(["doctor", "--json"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), &*output.stdout, &*said),
        (
            Some(1),
            &b""[..],
            "fpm-registry: PUBLIC_URL must be scheme, host and port such as https://registry.example.org\n"
        )
    );
}
