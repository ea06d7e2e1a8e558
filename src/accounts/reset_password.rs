//! Resetting a password by a mailed link.

use super::{
    Accounts, Caller, audit::AuditEvent, email::Email, error::Error, fair_queue::Priority,
    mail::MailKind, password::Password, store::Key, token::Token, user::User,
};

impl Accounts {
    /// Queues a mail with a reset link. Whether the address has an account is only looked up when the mail is sent, so
    /// that the answer does not depend on it.
    pub async fn forgot_password(&self, caller: &Caller, email: &str) -> Result<(), Error> {
        let email = Email::parse(email)?;
        self.limits.mail(caller.network, &email).await?;
        self.queue_mail(MailKind::ResetLink, email).await?;
        self.audit(AuditEvent::ResetAsked, None, caller);
        Ok(())
    }

    /// Sets a new password with a reset link, which can be used once. All sessions of the user end, failed logins are
    /// forgotten, and only this device stays known. Returns the token of the device.
    pub async fn reset_password(
        &self,
        caller: &Caller,
        token: Option<&Token>,
        password: &str,
    ) -> Result<Token, Error> {
        let token = token.ok_or(Error::LinkDead)?;
        let digest = token.digest();
        let requester = caller.requester(Priority::High);
        self.hasher.require_room(requester).await?;
        let owner = self.reset_owner(token).await?;
        let user = owner.ok_or(Error::LinkDead)?;
        let place = self.hasher.reserve(requester).await?;
        let attempt = self.limits.new_password(caller.network, &digest).await?;
        let password = Password::chosen(password)?;
        let hashed = self.hash_chosen(place, &user, password, &attempt);
        let password = hashed.await?;
        // Before the password is set: a crash between the two leaves a link that still works, not a closed account.
        self.limits.reopen(&user.email).await?;
        let origin = self.origin(caller);
        let (device_token, device) = self.new_device();
        let id = user.id.clone();
        let used = self.users.change_from(user, |user| {
            let (password, device) = (password.clone(), device.clone());
            let is_used = user.use_reset(&digest, password, device, &origin);
            is_used.then_some(())
        });
        used.await?.ok_or(Error::LinkDead)?;
        self.audit(AuditEvent::PasswordReset, &id, caller);
        self.mail_waiting.notify_one();
        Ok(device_token)
    }

    /// The user whose reset link this is, if it works.
    pub async fn reset_owner(&self, token: &Token) -> Result<Option<User>, Error> {
        let digest = token.digest();
        let owner = self.users.find(Key::ResetLink(&digest)).await?;
        let now = self.clock.now();
        Ok(owner.filter(|user| user.has_reset(&digest, now)))
    }
}
