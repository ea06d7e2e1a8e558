//! Signing up.

use super::{
    Accounts, Caller, LoggedIn, about,
    audit::AuditEvent,
    email::Email,
    error::Error,
    fair_queue::Priority,
    id::UserId,
    mail::{MailKind, QueuedMail},
    name::Name,
    password::Password,
    store::{InsertError, Key},
    user::User,
};

impl Accounts {
    /// Makes an account and logs it in.
    pub async fn signup(
        &self,
        caller: &Caller,
        name: &str,
        email: &str,
        password: &str,
    ) -> Result<LoggedIn, Error> {
        let name = Name::parse(name)?;
        let email = Email::parse(email)?;
        let requester = caller.requester(Priority::Normal);
        let place = self.hasher.reserve(requester).await?;
        self.limits.signup(caller.network).await?;
        self.make_free(&email, None).await?;
        let password = Password::chosen(password)?;
        let about = about(name.as_str(), &email);
        let password = self.hasher.hash(place, password, about).await?;
        let (token, session) = self.new_session(caller);
        let (device_token, device) = self.new_device();
        let user = User::new(name, email.clone(), password, session, device);
        match self.store.insert(&user).await {
            Ok(()) => {
                self.audit(AuditEvent::SignedUp, &user.id, caller);
                let ended = self.end_session(caller.replaces());
                let (ended, ()) = tokio::join!(ended, self.welcome(&user));
                ended?;
                Ok(LoggedIn {
                    session: token,
                    device: Some(device_token),
                })
            }
            Err(InsertError::Taken) => Err(Error::EmailTaken),
            Err(InsertError::Store(error)) => Err(error.into()),
        }
    }

    /// What a new account begins with: a link to confirm the address, and none of the failures that strangers had there
    /// before. The account works without either.
    async fn welcome(&self, user: &User) {
        let (mailed, opened) = tokio::join!(
            self.mail_confirmation(user),
            self.limits.reopen(&user.email)
        );
        if let Err(error) = mailed {
            tracing::warn!(user = %user.id, %error, "cannot queue the confirmation mail of a new account");
        }
        if let Err(error) = opened {
            tracing::warn!(user = %user.id, %error, "cannot reset failed logins of a new account");
        }
    }

    async fn mail_confirmation(&self, user: &User) -> Result<(), Error> {
        if self.limits.has_mail(&user.email).await? {
            let mail = QueuedMail {
                user: Some(user.id.clone()),
                ..QueuedMail::new(MailKind::ConfirmEmail, user.email.clone(), user.created_at)
            };
            self.queue(mail).await?;
        }
        Ok(())
    }

    /// Sees to it that an address can be given to a user: [`Error::EmailTaken`] if another one has it or holds it.
    pub(super) async fn make_free(
        &self,
        email: &Email,
        for_user: Option<&UserId>,
    ) -> Result<(), Error> {
        let other = self.users.find(Key::Address(email)).await?;
        let Some(other) = other.filter(|other| Some(&other.id) != for_user) else {
            return Ok(());
        };
        let now = self.clock.now();
        if other.holds(email, now) {
            return Err(Error::EmailTaken);
        }
        let freed = self.users.change_from(other, |user| {
            user.drop_expired_holds(now);
            Some(())
        });
        freed.await.map(drop)
    }
}
