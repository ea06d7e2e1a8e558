//! Upload tokens: how they are made, what they allow, and how they end.

use super::{
    UploadToken, User,
    event::{EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp,
    error::{Error, TokenRefusal},
    id::Handle,
    lifetimes::{EXPIRED_TOKEN_LIFE, TOKEN_OVERLAP, TOKEN_REMINDER, TOUCH_EVERY},
    mail::{MailKind, MailedToken},
    package::PackageName,
    record::Unknown,
    token::Digest,
    token_scope::{May, WantedToken},
    upload_token_text::UploadTokenText,
};

/// The most live upload tokens a user can have.
pub const MAX_UPLOAD_TOKENS: usize = 100;
/// The most that are kept, with those that have expired: a record must stay small.
const MAX_KEPT: usize = 2 * MAX_UPLOAD_TOKENS;

impl User {
    /// Adds an upload token with this text.
    pub fn make_upload_token(
        &mut self,
        text: &UploadTokenText,
        wanted: &WantedToken,
        origin: &Origin,
    ) -> Result<(), Error> {
        let now = origin.at;
        let token = UploadToken {
            handle: Handle::random(),
            digest: text.digest(),
            last4: text.last4(),
            name: wanted.name.as_str().to_owned(),
            packages: wanted.packages.clone(),
            may: wanted.may,
            created_at: now,
            expires_at: now.plus(wanted.life),
            used_at: None,
            replaced_at: None,
            reminded_at: None,
            unknown: Unknown::new(),
        };
        self.add_upload_token(token, EventKind::UploadTokenMade, origin)
    }

    /// Adds an upload token with this text and all else as the one of this handle, which ends a day later. One for a first
    /// publication ends at once, or it would be good for two.
    pub fn rotate_upload_token(
        &mut self,
        handle: &Handle,
        text: &UploadTokenText,
        origin: &Origin,
    ) -> Result<(), Error> {
        let now = origin.at;
        let old = self.live_upload_token(handle, now);
        let old = old.ok_or(Error::NotFound)?.clone();
        if old.replaced_at.is_some() {
            return Err(Error::AlreadyReplaced);
        }
        let life = old.expires_at.since(old.created_at);
        let new = UploadToken {
            handle: Handle::random(),
            digest: text.digest(),
            last4: text.last4(),
            created_at: now,
            expires_at: now.plus(life),
            used_at: None,
            reminded_at: None,
            ..old.clone()
        };
        self.add_upload_token(new, EventKind::UploadTokenRotated, origin)?;
        if old.may == May::FirstPublish {
            self.remove_upload_token(&old.digest);
        } else if let Some(old) = self.upload_token_mut(&old.digest) {
            old.replaced_at = Some(now);
            old.expires_at = old.expires_at.min(now.plus(TOKEN_OVERLAP));
        }
        self.set_due(now);
        Ok(())
    }

    fn add_upload_token(
        &mut self,
        token: UploadToken,
        event: EventKind,
        origin: &Origin,
    ) -> Result<(), Error> {
        if self.confirmed_at.is_none() {
            return Err(Error::EmailNotConfirmed);
        }
        let oldest = origin.at.minus(EXPIRED_TOKEN_LIFE);
        self.upload_tokens.retain(|old| old.expires_at > oldest);
        if self.live_upload_tokens(origin.at).count() >= MAX_UPLOAD_TOKENS {
            return Err(Error::TooManyUploadTokens(MAX_UPLOAD_TOKENS));
        }
        while self.upload_tokens.len() >= MAX_KEPT {
            let mut tokens = self.upload_tokens.iter();
            let expired = tokens.position(|token| !token.is_live(origin.at));
            let Some(expired) = expired else { break };
            self.upload_tokens.remove(expired);
        }
        self.note_about(event, token.name.clone(), origin);
        self.upload_tokens.push(token);
        self.set_due(origin.at);
        Ok(())
    }

    /// The upload tokens that have not expired.
    pub fn live_upload_tokens(&self, now: Timestamp) -> impl Iterator<Item = &UploadToken> {
        let tokens = self.upload_tokens.iter();
        tokens.filter(move |token| token.is_live(now))
    }

    /// The upload token of this handle, if it has not expired.
    fn live_upload_token(&self, handle: &Handle, now: Timestamp) -> Option<&UploadToken> {
        let mut live = self.live_upload_tokens(now);
        live.find(|token| token.handle == *handle)
    }

    /// The upload token with this digest, even if it has expired.
    pub fn upload_token(&self, digest: &Digest) -> Option<&UploadToken> {
        let mut tokens = self.upload_tokens.iter();
        tokens.find(|token| token.digest == *digest)
    }

    fn upload_token_mut(&mut self, digest: &Digest) -> Option<&mut UploadToken> {
        let mut tokens = self.upload_tokens.iter_mut();
        tokens.find(|token| token.digest == *digest)
    }

    /// Ends the live upload token of this handle; false, with nothing changed, if there is none.
    pub fn end_upload_token(&mut self, handle: &Handle, origin: &Origin) -> bool {
        let live = self.live_upload_token(handle, origin.at);
        let digest = live.map(|token| token.digest);
        let ended = digest.and_then(|digest| self.remove_upload_token(&digest));
        let is_ended = ended.is_some();
        if let Some(ended) = ended {
            self.note_about(EventKind::UploadTokenEnded, ended.name, origin);
        }
        is_ended
    }

    /// Ends all upload tokens; how many of them were live.
    pub fn end_upload_tokens(&mut self, origin: &Origin) -> usize {
        let ended = self.live_upload_tokens(origin.at).count();
        self.upload_tokens.clear();
        if ended > 0 {
            self.note(EventKind::UploadTokensEnded, origin);
        }
        ended
    }

    /// Ends a live upload token at the wish of who holds its text, perhaps a finder, and tells the user if there may be
    /// a mail; false, with nothing changed, if there is none.
    pub fn end_upload_token_by_holder(
        &mut self,
        digest: &Digest,
        has_mail: bool,
        origin: &Origin,
    ) -> bool {
        let is_live = |token: &&UploadToken| token.is_live(origin.at);
        let is_live = self.upload_token(digest).filter(is_live).is_some();
        let ended = is_live.then(|| self.remove_upload_token(digest)).flatten();
        if let Some(ended) = ended {
            if has_mail {
                self.notify_of_token(MailKind::UploadTokenEnded, &ended, origin);
            }
            self.note_about(EventKind::UploadTokenEndedByHolder, ended.name, origin);
        }
        is_live
    }

    /// Ends the token for a first publication of this package, which has happened.
    pub fn use_upload_token_up(
        &mut self,
        digest: &Digest,
        package: &PackageName,
        origin: &Origin,
    ) -> Result<(), TokenRefusal> {
        let token = self.upload_token(digest).ok_or(TokenRefusal::Unknown)?;
        if token.may != May::FirstPublish {
            return Err(TokenRefusal::NotFirstPublish);
        }
        token.allows(package, true, origin.at)?;
        let used = self.remove_upload_token(digest);
        let name = used.map(|used| used.name).unwrap_or_default();
        self.note_about(EventKind::UploadTokenUsedUp, name, origin);
        Ok(())
    }

    /// Notes the use of an upload token; false, with nothing changed, if there is none or if that was noted lately.
    pub fn touch_upload_token(&mut self, digest: &Digest, now: Timestamp) -> bool {
        let token = self.upload_token_mut(digest);
        let token = token.filter(|token| token.is_due_for_touch(now));
        token.map(|token| token.used_at = Some(now)).is_some()
    }

    fn remove_upload_token(&mut self, digest: &Digest) -> Option<UploadToken> {
        let mut tokens = self.upload_tokens.iter();
        let position = tokens.position(|token| token.digest == *digest)?;
        Some(self.upload_tokens.remove(position))
    }

    /// Reminds of upload tokens that expire soon, by one mail about the first.
    pub(super) fn remind_of_upload_tokens(&mut self, origin: &Origin) {
        let now = origin.at;
        let is_due = |token: &&mut UploadToken| {
            token.is_live(now) && token.remind_at().is_some_and(|at| at <= now)
        };
        let mut due = Vec::new();
        for token in self.upload_tokens.iter_mut().filter(is_due) {
            token.reminded_at = Some(now);
            due.push(token.clone());
        }
        if let Some(first) = due.iter().min_by_key(|token| token.expires_at) {
            self.notify_of_token(MailKind::UploadTokenExpires, first, origin);
        }
    }

    fn notify_of_token(&mut self, kind: MailKind, token: &UploadToken, origin: &Origin) {
        let before = self.notices.len();
        self.notify(kind, origin);
        for notice in &mut self.notices[before..] {
            notice.upload_token = Some(MailedToken {
                handle: token.handle.clone(),
                last4: token.last4.clone(),
                expires_at: token.expires_at,
                unknown: Unknown::new(),
            });
        }
    }
}

impl UploadToken {
    /// Whether it has not expired.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }

    /// Whether its use at this moment is to be noted.
    pub fn is_due_for_touch(&self, now: Timestamp) -> bool {
        self.used_at.is_none_or(|at| at.plus(TOUCH_EVERY) <= now)
    }

    /// Whether it allows to publish a package, which may be new.
    pub fn allows(
        &self,
        package: &PackageName,
        is_new: bool,
        now: Timestamp,
    ) -> Result<(), TokenRefusal> {
        if !self.is_live(now) {
            return Err(TokenRefusal::Expired);
        }
        if !self.packages.contain(package) {
            let packages = self.packages.to_string();
            return Err(TokenRefusal::OtherPackage(packages.into()));
        }
        match (self.may, is_new) {
            (May::Publish, _)
            | (May::PublishNew | May::FirstPublish, true)
            | (May::PublishUpdate, false) => Ok(()),
            (May::PublishNew, false) => Err(TokenRefusal::NewOnly),
            (May::FirstPublish, false) => Err(TokenRefusal::FirstOnly),
            (May::PublishUpdate, true) => Err(TokenRefusal::UpdateOnly),
            (May::Unknown, _) => Err(TokenRefusal::OfLaterVersion),
        }
    }

    /// When its user is to be told that it expires; none if that was told, or if another one took its place.
    pub(super) fn remind_at(&self) -> Option<Timestamp> {
        let is_to_be_told = self.reminded_at.is_none() && self.replaced_at.is_none();
        is_to_be_told.then(|| self.expires_at.minus(TOKEN_REMINDER))
    }
}

#[cfg(test)]
mod tests;
