//! "This was not me": the link of a security mail.

use super::{
    Accounts, Caller, audit::AuditEvent, error::Error, store::Key, token::Token, user::User,
};

impl Accounts {
    /// The user whose link this is, if it lives, with the second factors that it would leave.
    pub async fn not_me_owner(&self, token: &Token) -> Result<Option<User>, Error> {
        let digest = token.digest();
        let owner = self.users.find(Key::NotMe(&digest)).await?;
        let now = self.clock.now();
        Ok(owner.and_then(|user| {
            let link = user.not_me_link(&digest, now)?;
            Some(user.with_second_factors_undone(link, now))
        }))
    }

    /// Takes the account back for the mailbox that the link went to, and sends it a reset link.
    pub async fn secure(&self, caller: &Caller, token: Option<&Token>) -> Result<(), Error> {
        let digest = token.ok_or(Error::LinkDead)?.digest();
        let origin = self.origin(caller);
        let secured = self.users.try_change(Key::NotMe(&digest), |user| {
            user.secure(&digest, &origin)?;
            Ok(user.id.clone())
        });
        let user = secured.await?.ok_or(Error::LinkDead)?;
        self.audit(AuditEvent::NotMe, &user, caller);
        self.mail_waiting.notify_one();
        Ok(())
    }
}
