//! What an operator can do, by the command line.
//!
//! # Layout
//! - [`request`]: what can be asked for, and what comes of it
//! - `users`: what can be done to one user
//! - `lists`: lists of users and of events
//! - [`import`]: users of the first backend
//! - `secret_keys`: secrets of users, encrypted anew
//! - `outbox`: mail that waits or is parked; `rate_limits`: who is refused for too many attempts

pub mod import;
mod lists;
mod outbox;
mod rate_limits;
pub mod request;
mod secret_keys;
mod users;

use self::request::{NotDone, Report, Request};
use super::{Accounts, audit::AuditEvent, id::UserId};

/// The most rows of a list.
pub const MAX_ROWS: usize = 1000;

impl Accounts {
    /// Does what an operator asks for.
    pub async fn operate(&self, request: Request) -> Result<Report, NotDone> {
        match request {
            Request::User { who, act } => self.act_on(who, act).await,
            Request::CreateUser { name, email } => self.create_user(&name, &email).await,
            Request::ListUsers(filter) => self.list_users(filter).await,
            Request::ListEvents(filter) => self.list_events(filter).await,
            Request::ListInUse { after } => self.list_in_use(after).await,
            Request::AddUsers(users) => self.add_users(users).await,
            Request::ListMails => self.list_mails().await,
            Request::RetryMail(id) => self.retry_mail(&id).await,
            Request::DropMail(id) => self.drop_mail(&id).await,
            Request::ListLimits => self.list_limits().await,
            Request::ClearLimits(what) => self.clear_limits(&what).await,
            Request::SealAnew => self.seal_anew().await,
        }
    }

    /// Logs what an operator did, to this user if it was to one.
    fn audit_operator(&self, did: &'static str, user: Option<&UserId>) {
        let audit = &self.metrics.audit;
        audit.record(AuditEvent::Operator(did), user, None);
    }
}
