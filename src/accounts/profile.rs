//! What a user sees of the account, the name, and the end of it all.

use super::{
    Accounts, Caller,
    audit::AuditEvent,
    email::Email,
    error::Error,
    mail::{MailKind, QueuedMail},
    name::Name,
    store::Key,
    user::{Session, User},
};

impl Accounts {
    /// Gives the user another name.
    pub async fn change_name(&self, caller: &Caller, name: &str) -> Result<(), Error> {
        let name = Name::parse(name)?;
        self.change_own(caller, |user, origin| {
            user.change_name(&name, origin);
            Ok(())
        })
        .await
    }

    /// How many logins failed at the address of a user in the last seven days.
    pub async fn failed_logins(&self, user: &User) -> Result<u64, Error> {
        self.limits.failed_logins(&user.email).await
    }

    /// The sessions of a user that live, the newest first.
    pub fn live_sessions(&self, user: User) -> Vec<Session> {
        let now = self.clock.now();
        let sessions = user.sessions.into_iter().rev();
        sessions.filter(|session| session.is_live(now)).collect()
    }

    /// How many sessions of a user live.
    pub fn count_live_sessions(&self, user: &User) -> usize {
        user.live_sessions(self.clock.now()).count()
    }

    /// Whether the user has shown in this session who is there, not long ago.
    pub fn is_recent(&self, user: &User, session: &Session) -> bool {
        user.is_recent(session, self.clock.now())
    }

    /// Removes the account of the user who is logged in, who types its address once more.
    pub async fn delete_account(&self, caller: &Caller, email: &str) -> Result<(), Error> {
        let email = Email::parse(email)?;
        let digest = caller.replaces().ok_or(Error::NotLoggedIn)?;
        let now = self.clock.now();
        let (user, _) = self.account(caller, false).await?;
        let deleted = self.users.delete(Key::Session(&digest), now, |user| {
            user.live_session(&digest, now).ok_or(Error::NotLoggedIn)?;
            if user.email != email {
                return Err(Error::NotYourEmail);
            }
            let is_told = user.confirmed_at.is_some();
            Ok(is_told.then(|| QueuedMail::new(MailKind::AccountDeleted, email.clone(), now)))
        });
        if !deleted.await? {
            return Err(Error::NotLoggedIn);
        }
        self.audit(AuditEvent::AccountDeleted, &user.id, caller);
        self.mail_waiting.notify_one();
        Ok(())
    }
}
