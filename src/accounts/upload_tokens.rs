//! Upload tokens: what their user does with them, and what the other services of the registry ask.

use super::{
    Accounts, Caller,
    audit::AuditEvent,
    error::{Error, TokenRefusal},
    id::Handle,
    package::PackageName,
    store::{Key, Visitor},
    token::Digest,
    token_scope::WantedToken,
    upload_token_text::UploadTokenText,
    user::{UploadToken, User},
};

impl Accounts {
    /// Makes an upload token for the user who is logged in. Its text is told only now.
    pub async fn make_upload_token(
        &self,
        caller: &Caller,
        wanted: &WantedToken,
    ) -> Result<UploadTokenText, Error> {
        let text = UploadTokenText::random();
        let made = self.change_own_access(caller, AuditEvent::UploadTokenMade, |user, origin| {
            user.make_upload_token(&text, wanted, origin)
        });
        made.await.map(|()| text)
    }

    /// Puts a new text in the place of that of an upload token, which works for another day.
    pub async fn rotate_upload_token(
        &self,
        caller: &Caller,
        handle: &str,
    ) -> Result<UploadTokenText, Error> {
        let text = UploadTokenText::random();
        let handle = Handle::from_stored(handle.to_owned());
        let made = self.change_own_access(caller, AuditEvent::UploadTokenMade, |user, origin| {
            user.rotate_upload_token(&handle, &text, origin)
        });
        made.await.map(|()| text)
    }

    /// Ends the upload token of this handle.
    pub async fn end_upload_token(&self, caller: &Caller, handle: &str) -> Result<(), Error> {
        let handle = Handle::from_stored(handle.to_owned());
        self.change_own_access(caller, AuditEvent::UploadTokenEnded, |user, origin| {
            let is_ended = user.end_upload_token(&handle, origin);
            is_ended.then_some(()).ok_or(Error::NotFound)
        })
        .await
    }

    /// Ends all upload tokens of the user who is logged in; how many.
    pub async fn end_upload_tokens(&self, caller: &Caller) -> Result<usize, Error> {
        let ended = self.change_own(caller, |user, origin| {
            Ok((user.end_upload_tokens(origin), user.id.clone()))
        });
        let (ended, id) = ended.await?;
        if ended > 0 {
            self.audit(AuditEvent::UploadTokenEnded, &id, caller);
        }
        Ok(ended)
    }

    /// The upload tokens of a user that live, the newest first.
    pub fn live_upload_tokens<'u>(&self, user: &'u User) -> Vec<&'u UploadToken> {
        let live = user.live_upload_tokens(self.clock.now());
        let mut live: Vec<_> = live.collect();
        live.reverse();
        live
    }

    /// Ends an upload token for who has its text; the user is told, if the address has not had too many mails.
    pub async fn end_upload_token_by_holder(
        &self,
        caller: &Caller,
        text: &str,
    ) -> Result<(), Error> {
        let holder = self.find_holder(caller, text).await?;
        let (holder, digest) = holder.map_err(|_| Error::NotFound)?;
        let origin = self.origin(caller);
        let has_mail = holder.email_confirmed && self.limits.has_mail(&holder.email).await?;
        let ended = self.users.change(Key::UploadToken(&digest), |user| {
            let is_ended = user.end_upload_token_by_holder(&digest, has_mail, &origin);
            is_ended.then_some(())
        });
        ended.await?.ok_or(Error::NotFound)?;
        self.audit(AuditEvent::UploadTokenEnded, &holder.id, caller);
        self.mail_waiting.notify_one();
        Ok(())
    }

    /// Whether an upload token allows to publish a package, which may be new; whose it is. Nothing is used up.
    pub async fn check_upload_token(
        &self,
        caller: &Caller,
        text: &str,
        package: &str,
        is_new: bool,
    ) -> Result<Visitor<UploadToken>, Error> {
        let package = PackageName::parse(package)?;
        let holder = self.find_holder(caller, text).await?;
        let (holder, _) = holder.map_err(Error::TokenRefused)?;
        let now = self.clock.now();
        let allowed = holder.credential.allows(&package, is_new, now);
        allowed.map_err(Error::TokenRefused)?;
        self.touch_upload_token(&holder.credential).await;
        Ok(holder)
    }

    /// Ends the upload token for a first publication of this package, which has happened.
    pub async fn use_upload_token_up(
        &self,
        caller: &Caller,
        text: &str,
        package: &str,
    ) -> Result<(), Error> {
        let package = PackageName::parse(package)?;
        let holder = self.find_holder(caller, text).await?;
        let (holder, digest) = holder.map_err(Error::TokenRefused)?;
        let origin = self.origin(caller);
        let used = self.users.try_change(Key::UploadToken(&digest), |user| {
            let used = user.use_upload_token_up(&digest, &package, &origin);
            used.map_err(Error::TokenRefused)
        });
        let unknown = Error::TokenRefused(TokenRefusal::Unknown);
        used.await?.ok_or(unknown)?;
        self.audit(AuditEvent::UploadTokenEnded, &holder.id, caller);
        Ok(())
    }

    /// Whose live upload token this is. If the request `is_use` of the token, that is noted.
    pub async fn token_holder(
        &self,
        caller: &Caller,
        text: &str,
        is_use: bool,
    ) -> Result<Visitor<UploadToken>, Error> {
        let holder = self.find_holder(caller, text).await?;
        let (holder, _) = holder.map_err(Error::BadToken)?;
        if !holder.credential.is_live(self.clock.now()) {
            return Err(Error::BadToken(TokenRefusal::Expired));
        }
        if is_use {
            self.touch_upload_token(&holder.credential).await;
        }
        Ok(holder)
    }

    /// Whose upload token this is, even if it has expired. A text that is not whole costs no look into the store, and of
    /// the others only unknown ones count against the limit: one service asks for everybody, from one address.
    async fn find_holder(
        &self,
        caller: &Caller,
        text: &str,
    ) -> Result<Result<(Visitor<UploadToken>, Digest), TokenRefusal>, Error> {
        let Some(text) = UploadTokenText::parse(text.trim()) else {
            return Ok(Err(TokenRefusal::Incomplete));
        };
        let digest = text.digest();
        if let Some(holder) = self.store.token_holder(&digest).await? {
            return Ok(match holder.is_disabled {
                false => Ok((holder, digest)),
                true => Err(TokenRefusal::Unknown),
            });
        }
        self.limits.unknown_token(caller.network).await?;
        self.audit(AuditEvent::UploadTokenUnknown, None, caller);
        Ok(Err(TokenRefusal::Unknown))
    }

    /// Notes that a token is in use, if that was not noted lately.
    async fn touch_upload_token(&self, token: &UploadToken) {
        let now = self.clock.now();
        if !token.is_due_for_touch(now) {
            return;
        }
        let touched = self.users.change(Key::UploadToken(&token.digest), |user| {
            user.touch_upload_token(&token.digest, now).then_some(())
        });
        if let Err(error) = touched.await {
            tracing::warn!(%error, "cannot record the use of an upload token");
        }
    }
}
