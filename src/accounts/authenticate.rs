//! Showing once more within a session who is there: by the password, or by a second factor if the user has one.

use super::{
    Accounts, Caller,
    audit::AuditEvent,
    error::{CodeRefusal, Error},
    fair_queue::Priority,
    password::{Password, Verdict},
    token::Digest,
    user::{Session, User},
};

/// What was typed to show who is there.
#[derive(Clone, Copy, Default)]
pub struct Shown<'t> {
    /// The current password.
    pub password: Option<&'t str>,
    /// A code of the second factor.
    pub code: Option<&'t str>,
}

impl Accounts {
    /// Sees whether a form may be done for which the user has to have shown who is there within the last minutes of this
    /// session, by the strongest factor that the user has (ASVS 7.5.1, 7.5.3). Returns who is logged in.
    pub async fn require_recent(
        &self,
        caller: &Caller,
        shown: Shown<'_>,
    ) -> Result<(User, Session), Error> {
        let (user, session) = self.account(caller, true).await?;
        if user.is_recent(&session, self.clock.now()) {
            return Ok((user, session));
        }
        match user.has_second_factor() {
            true => self.show_code(caller, user, &session, shown.code).await?,
            false => {
                self.show_password(caller, user, &session, shown.password)
                    .await?;
            }
        }
        self.account(caller, false).await
    }

    /// Sees whether a form may be done that needs the password each time. Returns who is logged in.
    pub async fn require_password(
        &self,
        caller: &Caller,
        typed: Option<&str>,
    ) -> Result<(User, Session), Error> {
        let (user, session) = self.account(caller, true).await?;
        // Nothing to note: what such a form does ends with the session, which another password ends.
        self.compare_password(caller, &user, &session, typed)
            .await?;
        Ok((user, session))
    }

    async fn show_password(
        &self,
        caller: &Caller,
        user: User,
        session: &Session,
        typed: Option<&str>,
    ) -> Result<(), Error> {
        self.compare_password(caller, &user, session, typed).await?;
        let (verified, now) = (user.password.clone(), self.clock.now());
        let noted = self.users.change_from(user, |user| {
            // What was verified may be another password by now.
            let is_right = user.password == verified;
            (is_right && user.authenticate(&session.digest, now)).then_some(())
        });
        noted.await?.ok_or(Error::NotLoggedIn)
    }

    /// Compares what was typed, which counts as a login from this device.
    async fn compare_password(
        &self,
        caller: &Caller,
        user: &User,
        session: &Session,
        typed: Option<&str>,
    ) -> Result<(), Error> {
        let typed = typed.filter(|typed| !typed.is_empty());
        let password = Password::typed(typed.ok_or(Error::CurrentPasswordRequired)?)?;
        let requester = caller.requester(Priority::High);
        let place = self.hasher.reserve(requester).await?;
        let device = self.known_to(caller, user).unwrap_or(session.digest);
        let counted = self.count_login(caller, Some(&user.email), Some(&device));
        let mut attempt = counted.await?;
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
        // The failures of the device stay of who has a second factor, or who has only the password could try codes, and have
        // the wrong ones forgotten by it.
        let forgotten = (!user.has_second_factor()).then_some(&device);
        self.limits.succeeded(&mut attempt, forgotten).await;
        Ok(())
    }

    /// Uses a code, which counts as a login of this session.
    async fn show_code(
        &self,
        caller: &Caller,
        user: User,
        session: &Session,
        typed: Option<&str>,
    ) -> Result<(), Error> {
        let typed = typed.filter(|typed| !typed.trim().is_empty());
        let code = typed.ok_or(Error::CurrentCode(CodeRefusal::Required))?;
        let (id, email) = (user.id.clone(), user.email.clone());
        let keys = self.keys_for(&user).await?;
        // Not for the device, which another password makes a new one.
        let counted_for = Digest::of(session.handle.as_str().as_bytes());
        let counted = self.count_login(caller, Some(&email), Some(&counted_for));
        let mut attempt = counted.await?;
        let origin = self.origin(caller);
        let used = self.users.change_from(user, |user| {
            let digest = user.live_session(&session.digest, origin.at)?.digest;
            // What a wrong code changes is stored too.
            let used = user.use_code(code, true, keys, &origin);
            Some(used.map(|()| user.authenticate_by_second_factor(&digest, origin.at)))
        });
        let used = used.await;
        self.mail_waiting.notify_one();
        match used {
            Ok(Some(Ok(_))) => {
                let settled = self.limits.succeeded(&mut attempt, Some(&counted_for));
                settled.await;
                Ok(())
            }
            Ok(Some(Err(CodeRefusal::Unreadable))) => {
                let error = Error::CurrentCode(CodeRefusal::Unreadable);
                self.limits.aborted(&mut attempt, &error).await;
                Err(error)
            }
            Ok(Some(Err(refusal))) => {
                self.audit(AuditEvent::WrongCurrentCode, &id, caller);
                self.record_failure(caller, &attempt, Some(&email), Some(&id))
                    .await?;
                Err(Error::CurrentCode(refusal))
            }
            Ok(None) => {
                let error = Error::NotLoggedIn;
                self.limits.aborted(&mut attempt, &error).await;
                Err(error)
            }
            Err(error) => {
                self.limits.aborted(&mut attempt, &error).await;
                Err(error)
            }
        }
    }
}
