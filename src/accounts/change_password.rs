//! Another password, by who knows the current one.

use super::{
    Accounts, Caller, LoggedIn,
    audit::AuditEvent,
    error::Error,
    fair_queue::Priority,
    password::Password,
    token::{Digest, Token},
};

impl Accounts {
    /// Sets another password for the user who is logged in and has just given the current one. All else that could get
    /// into the account ends: other sessions, reset links and known devices. This session goes on under a new
    /// token, and this device is known by a new one.
    pub async fn change_password(
        &self,
        caller: &Caller,
        password: &str,
    ) -> Result<LoggedIn, Error> {
        let digest = caller.replaces().ok_or(Error::NotLoggedIn)?;
        let password = Password::chosen(password)?;
        let requester = caller.requester(Priority::High);
        let place = self.hasher.reserve(requester).await?;
        let (user, _) = self.account(caller, false).await?;
        // By the account: every change gives the session another digest.
        let account = Digest::of(user.id.as_str().as_bytes());
        let attempt = self.limits.new_password(caller.network, &account).await?;
        let hashed = self.hash_chosen(place, &user, password, &attempt);
        let password = hashed.await?;
        let session = Token::random();
        let (device_token, device) = self.new_device();
        let changed = self.change_own(caller, |user, origin| {
            let (password, device) = (password.clone(), device.clone());
            let changed = user.change_password(&digest, session.digest(), password, device, origin);
            changed.then_some(()).ok_or(Error::NotLoggedIn)
        });
        changed.await?;
        self.audit(AuditEvent::PasswordChanged, &user.id, caller);
        self.mail_waiting.notify_one();
        Ok(LoggedIn {
            session,
            device: Some(device_token),
        })
    }
}
