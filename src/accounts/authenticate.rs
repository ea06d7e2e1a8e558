//! Giving the password once more within a session.

use super::{
    Accounts, Caller,
    audit::AuditEvent,
    error::Error,
    fair_queue::Priority,
    limits::LoginAttempt,
    password::{Password, Verdict},
    token::Token,
    user::{Session, User},
};

impl Accounts {
    /// Sees whether a form may be done that needs the password: within the last minutes of this session, unless
    /// `always` (ASVS 7.5.1, 7.5.3). Returns who is logged in.
    pub async fn require_password(
        &self,
        caller: &Caller,
        typed: Option<&str>,
        always: bool,
    ) -> Result<(User, Session), Error> {
        let (user, session) = self.account(caller, true).await?;
        if !always && session.is_recent(self.clock.now()) {
            return Ok((user, session));
        }
        let typed = typed.filter(|typed| !typed.is_empty());
        let typed = typed.ok_or(Error::CurrentPasswordRequired)?;
        self.authenticate(caller, &user, &session, typed).await?;
        if always {
            // Nothing to note: what such a form does ends with the session, which another password ends.
            return Ok((user, session));
        }
        let (digest, verified) = (session.digest, user.password.clone());
        let now = self.clock.now();
        let noted = self.users.change_from(user, |user| {
            // What was verified may be another password by now.
            let is_right = user.password == verified;
            (is_right && user.authenticate(&digest, now)).then_some(())
        });
        noted.await?.ok_or(Error::NotLoggedIn)?;
        self.account(caller, false).await
    }

    /// Compares what was typed, which counts as a login from this device.
    async fn authenticate(
        &self,
        caller: &Caller,
        user: &User,
        session: &Session,
        typed: &str,
    ) -> Result<(), Error> {
        let password = Password::typed(typed)?;
        let requester = caller.requester(Priority::High);
        let place = self.hasher.reserve(requester).await?;
        let device = caller.device.as_ref().map(Token::digest);
        let device = device.filter(|device| user.knows(device, self.clock.now()));
        let counted_under = device.unwrap_or(session.digest);
        let own = self
            .limits
            .login_from_device(caller.network, &user.email, &counted_under);
        let mut attempt: LoginAttempt = match own.await? {
            Some(attempt) => attempt,
            None => self.limits.login(caller.network, Some(&user.email)).await?,
        };
        let stored = user.password.clone();
        let verdict = self.hasher.verify(place, password, Some(stored));
        match verdict.await {
            Ok(Verdict::Right(_)) => {}
            Ok(_) => {
                self.audit(AuditEvent::WrongCurrentPassword, &user.id, caller);
                let (email, id) = (Some(&user.email), Some(&user.id));
                self.record_failure(caller, &attempt, email, id).await?;
                return Err(Error::WrongCurrentPassword);
            }
            Err(error) => {
                self.limits.aborted(&mut attempt, &error).await;
                return Err(error);
            }
        }
        self.limits
            .succeeded(&mut attempt, Some(&counted_under))
            .await;
        Ok(())
    }
}
