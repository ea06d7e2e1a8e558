//! Who is refused for too many attempts.

use std::net::IpAddr;

use serde_json::json;

use super::{
    MAX_ROWS,
    request::{NotDone, Report},
};
use crate::accounts::{
    Accounts, attempt_keys, attempts::AttemptKey, email::Email, network::Network,
};

impl Accounts {
    pub(super) async fn list_limits(&self) -> Result<Report, NotDone> {
        let closed = self
            .store
            .closed_attempts(self.clock.now(), MAX_ROWS)
            .await?;
        let rows = closed.iter().map(|(key, attempts)| {
            json!({
                "limit": key.as_str(),
                "attempts": attempts.count,
                "refused_until": attempts.open_at.rfc3339(),
            })
        });
        Ok(Report {
            sentence: match closed.len() {
                MAX_ROWS => format!("The first {MAX_ROWS} limits that are reached"),
                count => format!("Limits that are reached: {count}"),
            },
            facts: json!({ "limits": rows.collect::<Vec<_>>() }),
        })
    }

    pub(super) async fn clear_limits(&self, what: &str) -> Result<Report, NotDone> {
        let keys = keys_of(what)?;
        self.store.settle_attempts(&keys, &[]).await?;
        self.audit_operator("cleared limits", None);
        Ok(Report {
            sentence: "Forgot the attempts".to_owned(),
            facts: json!({ "cleared": keys.iter().map(AttemptKey::as_str).collect::<Vec<_>>() }),
        })
    }
}

/// The keys of an e-mail address, of the address of a network, or the one that is typed as it stands in the list.
fn keys_of(what: &str) -> Result<Vec<AttemptKey>, NotDone> {
    if let Ok(address) = what.parse::<IpAddr>() {
        return Ok(attempt_keys::keys_of_network(Network::of(address)));
    }
    if what.contains('@') {
        return Ok(attempt_keys::keys_of_address(&Email::parse(what)?));
    }
    match attempt_keys::is_key(what) {
        true => Ok(vec![AttemptKey::from(what)]),
        false => Err(NotDone::NoSuchLimit(what.to_owned())),
    }
}
