//! Sessions: who is logged in, and logging out.

use super::{
    Accounts, Caller,
    audit::AuditEvent,
    error::Error,
    id::Handle,
    lifetimes::{TOUCH_EVERY, session_end},
    store::{Key, Visitor},
    token::Digest,
    user::{Session, User, event::Origin},
};

impl Accounts {
    /// The user whose session the request carries. If the request `is_use` of the session, its expiry moves on.
    pub async fn visitor(&self, caller: &Caller, is_use: bool) -> Result<Option<Visitor>, Error> {
        let Some(token) = &caller.session else {
            return Ok(None);
        };
        let digest = token.digest();
        let Some(visitor) = self.store.visitor(&digest).await? else {
            return Ok(None);
        };
        let session = &visitor.credential;
        if session.expires_at <= self.clock.now() || visitor.is_disabled {
            return Ok(None);
        }
        if is_use {
            self.touch(caller, session).await;
        }
        Ok(Some(visitor))
    }

    /// The user who is logged in, whole, and the session. As with [`Self::visitor`], it may be a use of it.
    pub async fn account(&self, caller: &Caller, is_use: bool) -> Result<(User, Session), Error> {
        if let Some(account) = &caller.account {
            return Ok(account.as_ref().clone());
        }
        let token = caller.session.as_ref().ok_or(Error::NotLoggedIn)?;
        let digest = token.digest();
        let user = self.users.find(Key::Session(&digest)).await?;
        let user = user.ok_or(Error::NotLoggedIn)?;
        let session = user.live_session(&digest, self.clock.now());
        let session = session.filter(|_| user.disabled_at.is_none());
        let session = session.ok_or(Error::NotLoggedIn)?.clone();
        if is_use {
            self.touch(caller, &session).await;
        }
        Ok((user, session))
    }

    /// Notes that a session is in use, so that it lives on, if that was not noted lately.
    async fn touch(&self, caller: &Caller, session: &Session) {
        let origin = self.origin(caller);
        if session.used_at.plus(TOUCH_EVERY) > origin.at {
            return;
        }
        let expires_at = session_end(session.created_at, origin.at);
        let digest = &session.digest;
        let touched = self.users.change(Key::Session(digest), |user| {
            user.touch(digest, &origin, expires_at).then_some(())
        });
        if let Err(error) = touched.await {
            tracing::warn!(%error, "cannot record the use of a session");
        }
    }

    /// Applies a rule to the user who is logged in; [`Error::NotLoggedIn`] if that session does not live.
    pub(super) async fn change_own<T>(
        &self,
        caller: &Caller,
        mut rule: impl FnMut(&mut User, &Origin) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let token = caller.session.as_ref().ok_or(Error::NotLoggedIn)?;
        let (digest, origin) = (token.digest(), self.origin(caller));
        let (user, _) = self.account(caller, false).await?;
        let changed = self.users.try_change_from(user, |user| {
            let session = user.live_session(&digest, origin.at);
            session.ok_or(Error::NotLoggedIn)?;
            rule(user, &origin)
        });
        changed.await?.ok_or(Error::NotLoggedIn)
    }

    /// The same for a rule about what opens the account: what was done is in the audit log, and its mail is sent.
    pub(super) async fn change_own_access(
        &self,
        caller: &Caller,
        event: AuditEvent,
        mut rule: impl FnMut(&mut User, &Origin) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let changed = self.change_own(caller, |user, origin| {
            rule(user, origin)?;
            Ok(user.id.clone())
        });
        self.audit(event, &changed.await?, caller);
        self.mail_waiting.notify_one();
        Ok(())
    }

    /// Ends the session of this handle; whether it was the caller's own.
    pub async fn end_session_named(&self, caller: &Caller, handle: &str) -> Result<bool, Error> {
        let handle = Handle::from_stored(handle.to_owned());
        let ended = self.change_own(caller, |user, origin| {
            let ended = user.end_session_named(&handle, origin);
            ended.ok_or(Error::NotFound)
        });
        Ok(Some(ended.await?.digest) == caller.replaces())
    }

    /// Ends all sessions of the user but the caller's own; how many.
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<usize, Error> {
        let own = caller.replaces().ok_or(Error::NotLoggedIn)?;
        let ended = self.change_own(caller, |user, origin| {
            Ok(user.end_other_sessions(&own, origin))
        });
        ended.await
    }

    /// Ends the caller's session.
    pub async fn logout(&self, caller: &Caller) -> Result<(), Error> {
        let token = caller.session.as_ref().ok_or(Error::NoSession)?;
        let (digest, origin) = (token.digest(), self.origin(caller));
        let ended = self.users.change(Key::Session(&digest), |user| {
            user.log_out(&digest, &origin).then_some(())
        });
        ended.await?.ok_or(Error::NoSession)
    }

    /// Ends the session that a new one replaces. It may be that of another user.
    pub(super) async fn end_session(&self, replaced: Option<Digest>) -> Result<(), Error> {
        let Some(digest) = replaced else {
            return Ok(());
        };
        let ended = self.users.change(Key::Session(&digest), |user| {
            user.end_session(&digest).map(drop)
        });
        ended.await.map(drop)
    }
}
