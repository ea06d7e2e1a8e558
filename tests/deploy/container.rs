//! The image and the compose file, as far as they can be judged without a container engine.

use std::process::Command;

use crate::{backend::Backend, socket::Setup};

const CONTAINERFILE: &str = include_str!("../../deploy/Containerfile");
const COMPOSE: &str = include_str!("../../deploy/compose.yaml");

#[test]
fn the_health_check_believes_only_a_200() {
    for (answer, is_healthy) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
        (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            false,
        ),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false),
    ] {
        let backend = Backend::start(answer);
        assert_eq!(check_health(backend.address.port()), is_healthy, "{answer}");
        let head = backend.head();
        assert!(head.starts_with("GET /health/live HTTP/1.1\n"), "{head}");
        backend.stop();
        assert!(!check_health(backend.address.port()));
    }
}

/// Runs the health check of the image against this port.
fn check_health(port: u16) -> bool {
    let (_, command) = CONTAINERFILE.split_once("HEALTHCHECK").unwrap();
    let (_, command) = command.split_once("CMD ").unwrap();
    let command = command.lines().next().unwrap();
    let command = command.replace("127.0.0.1/9090", &format!("127.0.0.1/{port}"));
    let words: Vec<String> = serde_json::from_str(&command).unwrap();
    let output = Command::new(&words[0]).args(&words[1..]).output();
    output.unwrap().status.success()
}

#[test]
fn all_that_is_set_in_deploy_is_a_setting() {
    let help = Setup::new().with_flags(&["--help"]).command().output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    let image = CONTAINERFILE
        .lines()
        .filter_map(|line| line.strip_prefix("ENV "));
    let image = image.flat_map(|line| line.split(' ').filter_map(|pair| pair.split('=').next()));
    let unit = include_str!("../../deploy/fpm-registry.service").lines();
    let unit = unit.filter_map(|line| line.strip_prefix("Environment=")?.split('=').next());
    let compose = COMPOSE
        .lines()
        .filter_map(|line| line.trim().split(": ").next());
    let is_variable = |word: &&str| {
        let mut letters = word.chars();
        word.contains('_') && letters.all(|letter| letter.is_ascii_uppercase() || letter == '_')
    };
    let named: Vec<&str> = image
        .chain(unit)
        .chain(compose.filter(is_variable))
        .collect();
    assert_eq!(named.len(), 9, "{named:?}");
    for variable in named {
        assert!(help.contains(&format!("[env: {variable}")), "{variable}");
    }
}
