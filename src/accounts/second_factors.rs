//! Second factors: adding and removing them, and logging in by one after the password.

use std::array;

use super::{
    Accounts, Caller, LoggedIn,
    audit::AuditEvent,
    error::{CodeRefusal, Error},
    recovery_code::{RecoveryCodeText, RecoveryCodeTexts},
    store::Key,
    token::Token,
    totp::TotpSecret,
    user::{Session, User},
};

impl Accounts {
    /// Whether users can add an authenticator app here.
    pub fn offers_totp(&self) -> bool {
        self.secret_keys.is_some()
    }

    /// Begins to add an authenticator app. Returns its secret, and the address with it that apps read.
    pub async fn begin_totp(&self, caller: &Caller) -> Result<(TotpSecret, String), Error> {
        let keys = self.secret_keys.as_ref().ok_or(Error::TotpNotOffered)?;
        let (secret, (user, session)) = (TotpSecret::random(), self.account(caller, false).await?);
        let begun = self.change_own(caller, |user, origin| {
            user.begin_totp(&session, &secret, keys, origin.at);
            Ok(())
        });
        begun.await?;
        let uri = self.totp_uri(&user, &secret)?;
        Ok((secret, uri))
    }

    /// The secret of the authenticator app that this session is adding, and the address with it that apps read.
    pub fn pending_totp(&self, user: &User, session: &Session) -> Option<(TotpSecret, String)> {
        let keys = self.secret_keys.as_ref();
        let secret = user.pending_secret(session, keys, self.clock.now())?;
        let uri = self.totp_uri(user, &secret).ok()?;
        Some((secret, uri))
    }

    fn totp_uri(&self, user: &User, secret: &TotpSecret) -> Result<String, Error> {
        secret.uri(&user.email).map_err(|error| {
            tracing::error!(%error, "cannot make the address of an authenticator app");
            Error::TotpNotOffered
        })
    }

    /// Adds the authenticator app of which this is a code. Returns the recovery codes, which are told only now.
    pub async fn confirm_totp(
        &self,
        caller: &Caller,
        code: &str,
    ) -> Result<RecoveryCodeTexts, Error> {
        let codes = random_codes();
        let (_, session) = self.account(caller, false).await?;
        let added =
            self.change_own_access(caller, AuditEvent::SecondFactorAdded, |user, origin| {
                let keys = self.secret_keys.as_ref();
                user.confirm_totp(&session, code, &codes, keys, origin)
            });
        added.await.map(|()| codes)
    }

    /// Removes the authenticator app.
    pub async fn end_totp(&self, caller: &Caller) -> Result<(), Error> {
        self.change_own_access(caller, AuditEvent::SecondFactorRemoved, |user, origin| {
            user.end_totp(origin).then_some(()).ok_or(Error::NotFound)
        })
        .await
    }

    /// Makes new recovery codes, in the place of older ones. They are told only now.
    pub async fn make_recovery_codes(&self, caller: &Caller) -> Result<RecoveryCodeTexts, Error> {
        let codes = random_codes();
        let made = self.change_own_access(caller, AuditEvent::SecondFactorAdded, |user, origin| {
            user.make_recovery_codes(&codes, origin)
        });
        made.await.map(|()| codes)
    }

    /// The user whose login waits for a second factor in this browser.
    pub async fn find_pending_login(
        &self,
        caller: &Caller,
        pending: &Token,
    ) -> Result<Option<User>, Error> {
        let digest = pending.digest();
        let user = self.users.find(Key::PendingLogin(&digest)).await?;
        let (now, form) = (self.clock.now(), caller.form.as_ref());
        Ok(user.filter(|user| user.has_pending_login(&digest, form, now)))
    }

    /// Ends a login that waits for a second factor by a code of it: the user is logged in. A wrong code counts as a failed
    /// login.
    pub async fn complete_pending_login(
        &self,
        caller: &Caller,
        pending: Option<&Token>,
        code: &str,
    ) -> Result<LoggedIn, Error> {
        let pending = pending.ok_or(Error::NotLoggedIn)?;
        let user = self.find_pending_login(caller, pending).await?;
        let user = user.ok_or(Error::NotLoggedIn)?;
        if code.trim().is_empty() {
            return Err(Error::SecondFactor(CodeRefusal::Required));
        }
        let (id, email) = (user.id.clone(), user.email.clone());
        let new = self.new_login(caller, &user);
        let counted = self.count_login(caller, Some(&email), new.known());
        let mut attempt = counted.await?;
        let (digest, form) = (pending.digest(), caller.form);
        let (origin, keys) = (self.origin(caller), self.secret_keys.as_ref());
        let done = self.users.change_from(user, |user| {
            // It may have been ended since it was looked up.
            let waits = user.has_pending_login(&digest, form.as_ref(), origin.at);
            waits.then(|| {
                let used = user.use_code_for_login(&digest, code, keys, &origin);
                used.map(|()| new.begin_with_second_factor(user))
            })
        });
        let refusal = match done.await {
            Ok(Some(Ok(begun))) => {
                let finished = self.finish_login(caller, &id, &mut attempt, new, &begun);
                return finished.await;
            }
            Ok(Some(Err(refusal))) => refusal,
            Ok(None) => {
                let error = Error::NotLoggedIn;
                self.limits.aborted(&mut attempt, &error).await;
                return Err(error);
            }
            Err(error) => {
                self.limits.aborted(&mut attempt, &error).await;
                return Err(error);
            }
        };
        let why = AuditEvent::LoginFailed(refusal.into());
        self.audit(why, &id, caller);
        self.record_failure(caller, &attempt, Some(&email), Some(&id))
            .await?;
        Err(Error::SecondFactor(refusal))
    }
}

fn random_codes() -> RecoveryCodeTexts {
    array::from_fn(|_| RecoveryCodeText::random())
}
