//! What happens to a user, as the accounts do it: a rule, and a change that is kept.
#![allow(dead_code, reason = "each suite uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use async_trait::async_trait;
use fpm_registry::accounts::{
    clock::Timestamp,
    email::Email,
    error::{Error, StoreError},
    mail::QueuedMail,
    name::Name,
    password::PasswordHash,
    store::{InsertError, Key, Store},
    token::Digest,
    user::{Device, ResetLink, Session, User},
    users::Users,
};

/// A user about to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub name: Name,
    pub email: Email,
    pub password: PasswordHash,
    pub session: Session,
    pub device: Device,
    pub replaces: Option<Digest>,
}

/// A login whose password was verified.
pub struct Login<'a> {
    pub email: &'a Email,
    pub verified: &'a PasswordHash,
    pub upgraded: Option<PasswordHash>,
    pub session: Session,
    pub device: Option<Device>,
    pub replaces: Option<Digest>,
}

#[async_trait]
pub trait Steps {
    async fn add_user(&self, user: NewUser) -> Result<(), InsertError>;
    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError>;
    async fn user_by_device(
        &self,
        email: &Email,
        device: &Digest,
    ) -> Result<Option<User>, StoreError>;
    async fn user_by_session(&self, digest: &Digest)
    -> Result<Option<(User, Session)>, StoreError>;
    async fn user_by_reset(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError>;
    async fn add_session(&self, login: Login<'_>) -> Result<bool, Error>;
    async fn touch_session(
        &self,
        digest: &Digest,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), Error>;
    async fn remove_session(&self, digest: &Digest, now: Timestamp) -> Result<bool, Error>;
    async fn set_reset(
        &self,
        email: &Email,
        digest: &Digest,
        expires_at: Timestamp,
    ) -> Result<(), Error>;
    async fn reset_password(
        &self,
        digest: &Digest,
        password: PasswordHash,
        device: Device,
        notice: QueuedMail,
        now: Timestamp,
    ) -> Result<bool, Error>;
}

async fn end_session(users: &Users, replaced: Option<Digest>) -> Result<(), Error> {
    if let Some(digest) = replaced {
        let key = Key::Session(&digest);
        users
            .change(key, |user| user.end_session(&digest).map(drop))
            .await?;
    }
    Ok(())
}

#[async_trait]
impl Steps for Arc<dyn Store> {
    async fn add_user(&self, user: NewUser) -> Result<(), InsertError> {
        let NewUser {
            name,
            email,
            password,
            session,
            device,
            replaces,
        } = user;
        self.insert(&User::new(name, email, password, session, device))
            .await?;
        let ended = end_session(&Users::new(self.clone()), replaces).await;
        ended.map_err(|error| InsertError::Store(StoreError(error.to_string())))
    }

    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        self.find(Key::Email(email)).await
    }

    async fn user_by_device(
        &self,
        email: &Email,
        device: &Digest,
    ) -> Result<Option<User>, StoreError> {
        self.find(Key::Device(email, device)).await
    }

    async fn user_by_session(
        &self,
        digest: &Digest,
    ) -> Result<Option<(User, Session)>, StoreError> {
        let Some(user) = self.find(Key::Session(digest)).await? else {
            assert_eq!(self.visitor(digest).await?, None);
            return Ok(None);
        };
        let session = user.session(digest).cloned().expect("the session");
        let visitor = self.visitor(digest).await?.expect("the same user");
        assert_eq!(
            (&visitor.id, &visitor.name, &visitor.email, &visitor.session),
            (&user.id, &user.name, &user.email, &session)
        );
        Ok(Some((user, session)))
    }

    async fn user_by_reset(
        &self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let user = self.find(Key::ResetLink(digest)).await?;
        Ok(user.filter(|user| user.has_reset(digest, now)))
    }

    async fn add_session(&self, login: Login<'_>) -> Result<bool, Error> {
        let users = Users::new(self.clone());
        let recorded = users.change(Key::Email(login.email), |user| {
            (user.password == *login.verified).then(|| {
                let (session, device) = (login.session.clone(), login.device.clone());
                user.log_in(session, device, login.replaces.as_ref());
                if let Some(password) = &login.upgraded {
                    user.password = password.clone();
                }
            })
        });
        if recorded.await?.is_none() {
            return Ok(false);
        }
        end_session(&users, login.replaces).await?;
        Ok(true)
    }

    async fn touch_session(
        &self,
        digest: &Digest,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), Error> {
        let users = Users::new(self.clone());
        let touched = users.change(Key::Session(digest), |user| {
            user.touch(digest, used_at, expires_at).then_some(())
        });
        touched.await.map(drop)
    }

    async fn remove_session(&self, digest: &Digest, now: Timestamp) -> Result<bool, Error> {
        let users = Users::new(self.clone());
        let ended = users.change(Key::Session(digest), |user| {
            user.log_out(digest, now).then_some(())
        });
        Ok(ended.await?.is_some())
    }

    async fn set_reset(
        &self,
        email: &Email,
        digest: &Digest,
        expires_at: Timestamp,
    ) -> Result<(), Error> {
        let digest = *digest;
        let users = Users::new(self.clone());
        let given = users.change(Key::Email(email), |user| {
            user.reset = Some(ResetLink { digest, expires_at });
            Some(())
        });
        given.await.map(drop)
    }

    async fn reset_password(
        &self,
        digest: &Digest,
        password: PasswordHash,
        device: Device,
        notice: QueuedMail,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let users = Users::new(self.clone());
        let used = users.change(Key::ResetLink(digest), |user| {
            let (password, device, notice) = (password.clone(), device.clone(), notice.clone());
            let is_used = user.use_reset(digest, password, device, notice, now);
            is_used.then_some(())
        });
        Ok(used.await?.is_some())
    }
}
