//! Sessions: who is logged in, and logging out.

use std::time::Duration;

use super::{
    Accounts, Caller,
    error::Error,
    lifetimes::session_end,
    store::{Key, Visitor},
    token::Digest,
};

/// How often the use of a session is stored at most.
const TOUCH_EVERY: Duration = Duration::from_secs(3600);

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
        let session = &visitor.session;
        let now = self.clock.now();
        if session.expires_at <= now {
            return Ok(None);
        }
        if is_use && session.used_at.plus(TOUCH_EVERY) <= now {
            let expires_at = session_end(session.created_at, now);
            let touched = self.users.change(Key::Session(&digest), |user| {
                user.touch(&digest, now, expires_at).then_some(())
            });
            if let Err(error) = touched.await {
                tracing::warn!(%error, "cannot record the use of a session");
            }
        }
        Ok(Some(visitor))
    }

    /// Ends the caller's session.
    pub async fn logout(&self, caller: &Caller) -> Result<(), Error> {
        let token = caller.session.as_ref().ok_or(Error::NoSession)?;
        let (digest, now) = (token.digest(), self.clock.now());
        let ended = self.users.change(Key::Session(&digest), |user| {
            user.log_out(&digest, now).then_some(())
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
