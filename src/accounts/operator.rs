//! What an operator can do for users, by the command line.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Accounts,
    device_name::DeviceName,
    email::Email,
    error::{Error, StoreError},
    export,
    id::UserId,
    mail::{MailKind, QueuedMail},
    name::Name,
    store::{InsertError, Key},
    user::{User, event::Origin},
};

/// What an operator asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Something about one user, who is named by an e-mail address or an id.
    User {
        /// The address or the id.
        who: String,
        /// What.
        act: Act,
    },
    /// An account that somebody else is to use, who is mailed a link to choose a password.
    CreateUser {
        /// The name.
        name: String,
        /// The address.
        email: String,
    },
}

/// What an operator can do to a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Tells what is held about the user.
    Show,
    /// Takes the address for confirmed.
    ConfirmEmail,
    /// Puts another address in the place of the one of record.
    SetEmail(String),
    /// Forgets failed logins, so that the user can try again.
    Unlock,
    /// Ends all sessions.
    EndSessions,
    /// Mails a link to choose a new password.
    SendResetLink,
    /// Keeps the user out.
    Disable,
    /// Lets the user in again.
    Enable,
    /// Removes the account for good.
    Delete,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// For people.
    pub sentence: String,
    /// For programs, and for people who asked to see it.
    pub facts: Value,
}

/// Why it was not done. The text is what the operator reads.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// Nobody has this address or id.
    #[error("there is no user `{0}`")]
    NoSuchUser(String),
    /// The address of record is confirmed.
    #[error("the email of this user is already confirmed")]
    AlreadyConfirmed,
    /// The address is the user's already.
    #[error("this is already the email of this user")]
    OwnEmail,
    /// The user is kept out already.
    #[error("this user is already disabled")]
    AlreadyDisabled,
    /// The user is not kept out.
    #[error("this user is not disabled")]
    NotDisabled,
    /// A disabled user cannot use a reset link.
    #[error("this user is disabled, enable the account first")]
    Disabled,
    /// What a user would be told too.
    #[error(transparent)]
    Refused(#[from] Error),
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl Accounts {
    /// Does what an operator asks for.
    pub async fn operate(&self, request: Request) -> Result<Report, NotDone> {
        match request {
            Request::User { who, act } => {
                let user = self.user_named(&who).await?;
                self.act(user.ok_or(NotDone::NoSuchUser(who))?, act).await
            }
            Request::CreateUser { name, email } => self.create_user(&name, &email).await,
        }
    }

    async fn user_named(&self, who: &str) -> Result<Option<User>, NotDone> {
        if !who.contains('@') {
            let id = UserId::from_stored(who.to_owned());
            return Ok(self.users.find(Key::Id(&id)).await?);
        }
        let email = Email::parse(who)?;
        Ok(self.users.find(Key::Email(&email)).await?)
    }

    async fn act(&self, user: User, act: Act) -> Result<Report, NotDone> {
        let origin = Origin::of_operator(self.clock.now());
        let id = user.id.clone();
        let (did, facts) = match act {
            Act::Show => return self.show(&user).await,
            Act::ConfirmEmail => {
                let confirmed = self.alter(user, |user| user.confirm_by_operator(&origin));
                confirmed.await?.ok_or(NotDone::AlreadyConfirmed)?;
                ("confirmed the email", json!({}))
            }
            Act::SetEmail(email) => {
                let email = Email::parse(&email)?;
                self.make_free(&email, Some(&id)).await?;
                let set = self.alter(user, |user| user.set_address(&email, &origin));
                set.await?.ok_or(NotDone::OwnEmail)?;
                ("changed the email", json!({ "email": email }))
            }
            Act::Unlock => {
                self.limits.unlock(&user).await?;
                self.alter(user, |user| {
                    user.note_unlock(&origin);
                    true
                })
                .await?;
                ("forgot the failed logins", json!({}))
            }
            Act::EndSessions => {
                let ended = self.users.change_from(user, |user| {
                    let ended = user.end_all_sessions(&origin);
                    Some(ended)
                });
                let ended = ended.await?.unwrap_or_default();
                ("ended the sessions", json!({ "ended": ended }))
            }
            Act::SendResetLink => {
                let sent = self.alter(user, |user| user.send_reset_link(&origin));
                sent.await?.ok_or(NotDone::Disabled)?;
                ("queued a reset link", json!({}))
            }
            Act::Disable => {
                let disabled = self.alter(user, |user| user.disable(&origin));
                disabled.await?.ok_or(NotDone::AlreadyDisabled)?;
                ("disabled the account", json!({}))
            }
            Act::Enable => {
                let enabled = self.alter(user, |user| user.enable(&origin));
                enabled.await?.ok_or(NotDone::NotDisabled)?;
                ("enabled the account", json!({}))
            }
            Act::Delete => {
                self.remove(&id).await?;
                ("deleted the account", json!({}))
            }
        };
        tracing::info!(user = %id, did, "an operator acted on a user");
        self.mail_waiting.notify_one();
        Ok(report(&id, did, facts))
    }

    /// Applies a rule to a user; none, with nothing changed, if the rule says false.
    async fn alter(
        &self,
        user: User,
        mut rule: impl FnMut(&mut User) -> bool,
    ) -> Result<Option<()>, NotDone> {
        let altered = self
            .users
            .change_from(user, |user| rule(user).then_some(()));
        Ok(altered.await?)
    }

    async fn show(&self, user: &User) -> Result<Report, NotDone> {
        let mut facts = export::export(user);
        facts["disabled_at"] = json!(user.disabled_at.map(|at| at.rfc3339()));
        facts["failed_logins"] = json!(self.limits.failed_logins(&user.email).await?);
        Ok(Report {
            sentence: format!("User {}", user.id),
            facts,
        })
    }

    async fn remove(&self, id: &UserId) -> Result<(), NotDone> {
        let now = self.clock.now();
        let deleted = self.users.delete(Key::Id(id), now, |user| {
            let is_told = user.confirmed_at.is_some();
            Ok(is_told.then(|| QueuedMail {
                device: Some(DeviceName::OPERATOR),
                ..QueuedMail::new(MailKind::AccountDeleted, user.email.clone(), now)
            }))
        });
        match deleted.await? {
            true => Ok(()),
            false => Err(NotDone::NoSuchUser(id.to_string())),
        }
    }

    async fn create_user(&self, name: &str, email: &str) -> Result<Report, NotDone> {
        let (name, email) = (Name::parse(name)?, Email::parse(email)?);
        self.make_free(&email, None).await?;
        let origin = Origin::of_operator(self.clock.now());
        let user = User::created(name, email, &origin);
        match self.store.insert(&user).await {
            Ok(()) => {}
            Err(InsertError::Taken) => return Err(Error::EmailTaken.into()),
            Err(InsertError::Store(error)) => return Err(error.into()),
        }
        let mailed = self.users.change(Key::Id(&user.id), |user| {
            Some(user.send_reset_link(&origin))
        });
        mailed.await?;
        tracing::info!(user = %user.id, "an operator created a user");
        self.mail_waiting.notify_one();
        let did = "created the account and queued a link to choose a password";
        Ok(report(&user.id, did, json!({})))
    }
}

/// The report of an act.
fn report(id: &UserId, did: &str, mut facts: Value) -> Report {
    facts["user"] = json!(id);
    Report {
        sentence: format!("User {id}: {did}"),
        facts,
    }
}
