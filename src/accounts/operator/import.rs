//! Users who are imported by the process of a command, and added here.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    MAX_ROWS,
    request::{NotDone, Report},
};
use crate::accounts::{Accounts, id::UserId, import::InUse, store::UserRecord, user::User};

/// The facts of [`Request::ListInUse`](super::request::Request::ListInUse).
#[derive(Debug, Serialize, Deserialize)]
pub struct InUsePage {
    /// What belongs to these users.
    pub in_use: InUse,
    /// The user after whom to go on; none if there are no more.
    pub next: Option<UserId>,
}

/// The facts of [`Request::AddUsers`](super::request::Request::AddUsers).
#[derive(Debug, Serialize, Deserialize)]
pub struct Added {
    /// Those who were not added, since a user here has the address or the id.
    pub left_out: Vec<UserId>,
}

impl Accounts {
    pub(super) async fn list_in_use(&self, after: Option<UserId>) -> Result<Report, NotDone> {
        let scanned = self.store.scan(after.as_ref(), MAX_ROWS).await?;
        let mut in_use = InUse::default();
        scanned.records.iter().for_each(|record| in_use.add(record));
        let next = scanned.last;
        Ok(Report {
            sentence: "Ids and addresses in use".to_owned(),
            facts: json!(InUsePage { in_use, next }),
        })
    }

    pub(super) async fn add_users(&self, users: Vec<User>) -> Result<Report, NotDone> {
        let mut added: Vec<UserId> = users.iter().map(|user| user.id.clone()).collect();
        let records = users.into_iter().map(Box::new).map(UserRecord::User);
        let left_out = self.store.insert_all(records.collect()).await?;
        added.retain(|id| !left_out.contains(id));
        for user in &added {
            self.audit_operator("imported the account", Some(user));
        }
        Ok(Report {
            sentence: format!("Added {} users", added.len()),
            facts: json!(Added { left_out }),
        })
    }
}
