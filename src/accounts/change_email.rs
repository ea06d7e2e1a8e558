//! Another e-mail address, and the confirmation of one.

use super::{
    Accounts, Caller, audit::AuditEvent, email::Email, error::Error, store::Key, token::Token,
    user::User,
};

impl Accounts {
    /// Has a confirmation link sent to an address that is to take the place of the user's. The answer is the same
    /// whether that address has an account or not: its owner is told by mail.
    pub async fn change_email(&self, caller: &Caller, email: &str) -> Result<(), Error> {
        let email = Email::parse(email)?;
        let (mut user, _) = self.account(caller, false).await?;
        // What the rule refuses costs nobody a mail.
        user.ask_for_address(&email, &self.origin(caller))?;
        self.limits.mail(caller.network, &email).await?;
        let asked = self.change_own(caller, |user, origin| user.ask_for_address(&email, origin));
        asked.await?;
        self.audit(AuditEvent::EmailChangeAsked, &user.id, caller);
        self.mail_waiting.notify_one();
        Ok(())
    }

    /// Has a confirmation link sent to the address of record again.
    pub async fn resend_confirmation(&self, caller: &Caller) -> Result<(), Error> {
        let (mut user, _) = self.account(caller, false).await?;
        user.ask_again(&self.origin(caller))?;
        self.limits.mail(caller.network, &user.email).await?;
        self.change_own(caller, |user, origin| user.ask_again(origin))
            .await?;
        self.mail_waiting.notify_one();
        Ok(())
    }

    /// The user whose confirmation link this is, and the address it confirms, if it lives.
    pub async fn confirmation_owner(&self, token: &Token) -> Result<Option<(User, Email)>, Error> {
        let digest = token.digest();
        let owner = self.users.find(Key::Confirmation(&digest)).await?;
        Ok(owner.and_then(|user| {
            let email = user.address_to_confirm(&digest, self.clock.now())?.clone();
            Some((user, email))
        }))
    }

    /// Confirms an address by its link. The user it belongs to has to be logged in: whoever got a mail that was meant for
    /// somebody else must not confirm. To another user the link is dead.
    pub async fn confirm_email(&self, caller: &Caller, token: Option<&Token>) -> Result<(), Error> {
        let token = token.ok_or(Error::LinkDead)?;
        let digest = token.digest();
        let (owner, _) = self.account(caller, false).await?;
        let email = owner.address_to_confirm(&digest, self.clock.now());
        let email = email.ok_or(Error::LinkDead)?.clone();
        if email != owner.email {
            self.make_free(&email, Some(&owner.id)).await?;
        }
        self.change_own(caller, |user, origin| user.confirm(&digest, origin))
            .await?;
        self.audit(AuditEvent::EmailConfirmed, &owner.id, caller);
        if email != owner.email {
            // What strangers tried at the address before is not the owner's.
            self.limits.reopen(&email).await?;
        }
        self.mail_waiting.notify_one();
        Ok(())
    }
}
