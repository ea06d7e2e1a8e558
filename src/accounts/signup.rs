//! Signing up.

use super::{
    Accounts, Caller, LoggedIn, about,
    email::Email,
    error::Error,
    fair_queue::Priority,
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
        let _permit = self.hasher.permit(requester).await?;
        self.limits.signup(caller.network).await?;
        if self.users.find(Key::Email(&email)).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let password = Password::chosen(password)?;
        let about = about(name.as_str(), &email);
        let password = self.hasher.hash(password, about, requester).await?;
        let (token, session) = self.new_session(caller);
        let (device_token, device) = self.new_device();
        let user = User::new(name, email.clone(), password, session, device);
        match self.store.insert(&user).await {
            Ok(()) => {
                self.end_session(caller.replaces()).await?;
                tracing::info!(user = %user.id, client = %caller.network, "signed up");
                // Strangers may have tried to log in with this address before it had an account.
                if let Err(error) = self.limits.reopen(&email).await {
                    tracing::warn!(%error, "cannot reset failed logins of a new account");
                }
                Ok(LoggedIn {
                    session: token,
                    device: Some(device_token),
                })
            }
            Err(InsertError::Taken) => Err(Error::EmailTaken),
            Err(InsertError::Store(error)) => Err(error.into()),
        }
    }
}
