//! Looks at the settings, those that can be used but should not.

use super::finding::Finding;
use crate::server::{
    breached::password_policy,
    mail::Sender,
    settings::{Settings, WrongSetting},
};

const SETTINGS: &str = "settings";

/// Looks at the settings. What the others name is looked at elsewhere.
pub fn look(settings: &Settings) -> Vec<Finding> {
    let wrong = [
        password_policy(settings).err(),
        Sender::parse(&settings.mail_from).err(),
    ];
    let wrong = wrong
        .iter()
        .flatten()
        .map(|setting: &WrongSetting| Finding::wrong_setting(SETTINGS, setting));
    let findings: Vec<Finding> = wrong.chain(doubts(settings)).collect();
    match findings.is_empty() {
        true => vec![Finding::ok(SETTINGS, "all can be used")],
        false => findings,
    }
}

/// What an operator may not have meant.
fn doubts(settings: &Settings) -> impl Iterator<Item = Finding> {
    let is_https = settings.public_url.is_https();
    let metrics = settings.admin_addr;
    let doubts = [
        (
            metrics.is_some_and(|address| address.ip().is_unspecified()),
            "ADMIN_ADDR is every address of this machine, so that strangers may read the metrics",
            "set it to one that Prometheus alone reaches",
        ),
        (
            is_https && settings.trusted_proxies.is_empty(),
            "TRUSTED_PROXIES is empty, so that all clients behind a proxy count as one network",
            "name the network of your proxy",
        ),
        (
            !settings.rate_limits,
            "RATE_LIMITS is off, so that passwords can be guessed without end",
            "set it to on",
        ),
        (
            settings.smtp_url.is_some() && settings.mail_from.contains("@localhost"),
            "MAIL_FROM is an address of localhost, which mail servers refuse",
            "set it to an address of your domain",
        ),
    ];
    let doubts = doubts.into_iter().filter(|(is_so, ..)| *is_so);
    doubts.map(|(_, found, change)| Finding::warning(SETTINGS, found, change))
}
