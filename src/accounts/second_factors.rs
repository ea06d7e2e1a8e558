//! Second factors: adding and removing them, and logging in by one after the password.

use std::{array, slice};

use super::{
    Accounts, Caller, LoggedIn,
    audit::AuditEvent,
    error::{CodeRefusal, Error, StoreError},
    recovery_code::{RecoveryCodeText, RecoveryCodeTexts},
    secret_keys::SecretKeys,
    store::Key,
    token::Token,
    totp::TotpSecret,
    user::{Session, User, event::Origin},
};

impl Accounts {
    /// Whether users can add an authenticator app here.
    pub fn offers_totp(&self) -> bool {
        self.secret_keys.is_some()
    }

    /// Notes in the store that the first key encrypts, before it does: one that never did is not missed when it is lost.
    pub(super) async fn note_encrypting_key(&self, keys: &SecretKeys) -> Result<(), StoreError> {
        let note = async || {
            let encrypting = slice::from_ref(keys.encrypting());
            self.store.note_secret_keys(encrypting, &[]).await
        };
        self.key_noted.get_or_try_init(note).await.copied()
    }

    /// The keys for a code of this user, by whose use a secret may be encrypted anew.
    pub(super) async fn keys_for(&self, user: &User) -> Result<Option<&SecretKeys>, StoreError> {
        let keys = self.secret_keys.as_ref();
        if let Some(keys) = keys.filter(|keys| user.is_to_be_sealed_anew(keys)) {
            self.note_encrypting_key(keys).await?;
        }
        Ok(keys)
    }

    /// Begins to add an authenticator app. Returns its secret, and the address with it that apps read.
    pub async fn begin_totp(&self, caller: &Caller) -> Result<(TotpSecret, String), Error> {
        let keys = self.secret_keys.as_ref().ok_or(Error::TotpNotOffered)?;
        let (secret, (user, session)) = (TotpSecret::random(), self.account(caller, false).await?);
        self.note_encrypting_key(keys).await?;
        let begun = self.change_own(caller, |user, origin| {
            user.begin_totp(&session, caller.form, &secret, keys, origin.at);
            Ok(())
        });
        begun.await?;
        let uri = self.totp_uri(&user, &secret)?;
        Ok((secret, uri))
    }

    /// The secret of the authenticator app that this session is adding in this browser, and the address with it that apps
    /// read.
    pub fn pending_totp(
        &self,
        caller: &Caller,
        user: &User,
        session: &Session,
    ) -> Option<(TotpSecret, String)> {
        let (keys, form) = (self.secret_keys.as_ref(), user.pending_totp.as_ref()?.form);
        if form.is_some() && form != caller.form {
            return None;
        }
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
            self.change_second_factors(caller, AuditEvent::SecondFactorAdded, |user, origin| {
                let keys = self.secret_keys.as_ref();
                user.confirm_totp(&session, code, &codes, keys, origin)
            });
        added.await.map(|()| codes)
    }

    /// Applies a rule about the second factors of the caller, which other sessions then have to show anew.
    pub(super) async fn change_second_factors(
        &self,
        caller: &Caller,
        event: AuditEvent,
        mut rule: impl FnMut(&mut User, &Origin) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let own = caller.replaces().ok_or(Error::NotLoggedIn)?;
        self.change_own_access(caller, event, |user, origin| {
            rule(user, origin)?;
            user.forget_factors_shown_elsewhere(&own);
            Ok(())
        })
        .await
    }

    /// Removes the authenticator app.
    pub async fn end_totp(&self, caller: &Caller) -> Result<(), Error> {
        self.change_second_factors(caller, AuditEvent::SecondFactorRemoved, |user, origin| {
            user.end_totp(origin).then_some(()).ok_or(Error::NotFound)
        })
        .await
    }

    /// Makes new recovery codes, in the place of older ones. They are told only now.
    pub async fn make_recovery_codes(&self, caller: &Caller) -> Result<RecoveryCodeTexts, Error> {
        let codes = random_codes();
        let made =
            self.change_second_factors(caller, AuditEvent::SecondFactorAdded, |user, origin| {
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
        let keys = self.keys_for(&user).await?;
        let new = self.new_login(caller, &user);
        let counted = self.count_login(caller, Some(&email), new.known());
        let mut attempt = counted.await?;
        let (digest, form) = (pending.digest(), caller.form);
        let origin = self.origin(caller);
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
        let error = Error::SecondFactor(refusal);
        match refusal {
            CodeRefusal::Unreadable => self.limits.aborted(&mut attempt, &error).await,
            _ => {
                self.record_failure(caller, &attempt, Some(&email), Some(&id))
                    .await?;
            }
        }
        Err(error)
    }
}

fn random_codes() -> RecoveryCodeTexts {
    array::from_fn(|_| RecoveryCodeText::random())
}
