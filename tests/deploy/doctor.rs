//! `fpm-registry doctor` behind a real nginx and a real Caddy: what it says of the examples, and of each forgery that a
//! proxy lets through.

use std::net::SocketAddr;

use crate::{
    proxies::{CERTIFICATE, Proxy, free_address},
    socket::{Registry, Setup},
};

const SET_IT: &str = "have the proxy set X-Forwarded-For to the address of the client, as deploy/nginx.conf and deploy/Caddyfile do";
/// From where nginx connects, so that it differs from the doctor.
const PROXY: &str = "127.0.0.3";
/// The line of the example that drops what a client says of itself.
const SETS_FORWARDED_FOR: &str = "X-Forwarded-For $remote_addr;";

/// What the doctor says of this, line by line.
fn said_of(setup: &Setup, looked_at: &str) -> Vec<String> {
    let output = setup.command().arg("doctor").output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let is_wrong = lines.lines().any(|line| line.starts_with("wrong"));
    assert_eq!(output.status.success(), !is_wrong, "{lines}");
    let words = lines.lines().map(|line| line.split_at(9));
    let words = words.filter_map(|(word, rest)| {
        let said = rest.strip_prefix(looked_at)?;
        Some(format!("{}: {}", word.trim(), said.trim()))
    });
    words.collect()
}

/// A registry whose `PUBLIC_URL` is that of nginx at an address.
fn behind_nginx(trusted: &str) -> (Registry, SocketAddr) {
    let address = free_address();
    let setup = Setup::new()
        .with(
            "PUBLIC_URL",
            &format!("https://localhost:{}", address.port()),
        )
        .with("TRUSTED_PROXIES", trusted)
        .with("SSL_CERT_FILE", CERTIFICATE);
    (setup.start(), address)
}

/// nginx with the example, in which `from` is replaced by `to`.
fn nginx(registry: &Registry, at: SocketAddr, [from, to]: [&str; 2]) -> Option<Proxy> {
    Proxy::nginx_at(at, registry.address, |example| {
        assert!(example.contains(from), "{from}");
        let bound = format!("proxy_bind {PROXY}; proxy_pass ");
        example.replace(from, to).replace("proxy_pass ", &bound)
    })
}

#[test]
fn the_example_for_nginx_is_well() {
    let (registry, address) = behind_nginx("127.0.0.3/32");
    let Some(_nginx) = nginx(&registry, address, ["", ""]) else {
        return;
    };
    let setup = &registry.setup;
    let output = setup.command().arg("doctor").output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{lines}");
    for (looked_at, said) in [
        ("server", "ok: it runs, and its store reads and writes"),
        ("HSTS", "ok: browsers are told to keep to https"),
        (
            "proxy",
            "ok: this machine counts as 127.0.0.1, whatever it claims",
        ),
    ] {
        assert_eq!(said_of(setup, looked_at), [said]);
    }
}

#[test]
fn the_example_for_caddy_is_well() {
    let address = free_address();
    let registry = Setup::new()
        .with("PUBLIC_URL", &format!("http://{address}"))
        .with("TRUSTED_PROXIES", "127.0.0.1/32")
        .start();
    let Some(_caddy) = Proxy::caddy_at(address, registry.address, |example| example) else {
        return;
    };
    let said = said_of(&registry.setup, "proxy");
    assert_eq!(
        said,
        ["ok: this machine counts as 127.0.0.1, whatever it claims"]
    );
}

#[test]
fn each_forgery_that_nginx_lets_through_is_told() {
    let (registry, address) = behind_nginx("127.0.0.3/32");
    let unread = |name| {
        format!(
            "warning: a forged {name} arrives, which this server does not read; have the proxy drop it"
        )
    };
    for (change, said) in [
        (
            [SETS_FORWARDED_FOR, "X-Forwarded-For $http_x_forwarded_for;"],
            format!(
                "wrong: a client counts for the address that it claims in X-Forwarded-For; {SET_IT}"
            ),
        ),
        (
            [
                SETS_FORWARDED_FOR,
                "X-Forwarded-For $proxy_add_x_forwarded_for;",
            ],
            format!(
                "warning: a forged X-Forwarded-For arrives, though it does not count; {SET_IT}"
            ),
        ),
        (
            [SETS_FORWARDED_FOR, "X-Forwarded-For \"\";"],
            format!(
                "wrong: no X-Forwarded-For arrives, so that all clients count as one network; {SET_IT}"
            ),
        ),
        (
            ["proxy_set_header Forwarded \"\";", ""],
            unread("forwarded"),
        ),
        (
            ["proxy_set_header X-Real-IP \"\";", ""],
            unread("x-real-ip"),
        ),
        (
            ["proxy_set_header Remote-User \"\";", ""],
            unread("remote-user"),
        ),
        (
            ["underscores_in_headers off", "underscores_in_headers on"],
            unread("remote_user"),
        ),
        (
            ["ignore_invalid_headers on", "ignore_invalid_headers off"],
            unread("remote.user"),
        ),
    ] {
        let Some(_nginx) = nginx(&registry, address, change) else {
            return;
        };
        let all = said_of(&registry.setup, "proxy");
        assert!(all.contains(&said), "{change:?}: {all:?}");
    }
}

#[test]
fn hsts_that_nginx_hides_is_wrong() {
    let (registry, address) = behind_nginx("127.0.0.3/32");
    let hides = "proxy_hide_header Strict-Transport-Security; proxy_set_header Host";
    let Some(_nginx) = nginx(&registry, address, ["proxy_set_header Host", hides]) else {
        return;
    };
    assert_eq!(
        said_of(&registry.setup, "HSTS"),
        [
            "wrong: browsers are not told to keep to https; have the proxy pass Strict-Transport-Security on as this server sends it"
        ]
    );
}

#[test]
fn a_proxy_that_nobody_trusts_is_wrong() {
    let (registry, address) = behind_nginx("10.0.0.0/8");
    let Some(_nginx) = nginx(&registry, address, ["", ""]) else {
        return;
    };
    assert_eq!(
        said_of(&registry.setup, "proxy"),
        [
            "wrong: its address 127.0.0.3 is not in TRUSTED_PROXIES, so that all clients count as one network; add 127.0.0.3/32 to TRUSTED_PROXIES"
        ]
    );
}
