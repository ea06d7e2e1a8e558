//! Who is refused for too many attempts.

use std::net::IpAddr;

use serde_json::json;

use super::{
    MAX_ROWS,
    request::{NotDone, Report},
};
use crate::accounts::{
    Accounts,
    attempt_keys::{self, login_keys},
    attempts::AttemptKey,
    clock::Timestamp,
    email::Email,
    limit_table::MAX_ATTEMPTS,
    network::Network,
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

    /// Until when logins to an account from devices it does not know are refused, if they are.
    pub(super) async fn logins_refused_until(
        &self,
        email: &Email,
    ) -> Result<Option<RefusedUntil>, NotDone> {
        let now = self.clock.now();
        let all = self.store.closed_attempts(now, MAX_ATTEMPTS as usize);
        let closed = all.await?;
        let open_at = |wanted: &AttemptKey| {
            let found = closed.iter().find(|(key, _)| key == wanted);
            found.map(|(_, attempts)| attempts.open_at)
        };
        let [for_some_time, in_a_row] = login_keys(email);
        Ok(match open_at(&in_a_row) {
            Some(_) => Some(RefusedUntil::Unlocked),
            None => open_at(&for_some_time).map(RefusedUntil::Moment),
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

/// Until when logins are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusedUntil {
    /// Until then.
    Moment(Timestamp),
    /// Until a mailed link or an operator ends it, after too many failures in a row.
    Unlocked,
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
