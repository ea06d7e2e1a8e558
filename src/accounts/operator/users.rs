//! What an operator can do to one user.

use serde_json::{Value, json};

use super::{
    rate_limits::RefusedUntil,
    request::{Act, EndedFactors, NotDone, Report},
};
use crate::accounts::{
    Accounts,
    clock::Timestamp,
    device_name::DeviceName,
    email::Email,
    error::Error,
    export,
    id::UserId,
    lifetimes::HOUR,
    mail::{MailKind, QueuedMail},
    name::Name,
    store::{InsertError, Key},
    user::{User, end_of_second_factors::CannotEnd, event::Origin},
};

impl Accounts {
    pub(super) async fn act_on(&self, who: String, act: Act) -> Result<Report, NotDone> {
        let user = self.user_named(&who).await?;
        self.act(user.ok_or(NotDone::NoSuchUser(who))?, act).await
    }

    pub(super) async fn user_named(&self, who: &str) -> Result<Option<User>, NotDone> {
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
                let rule = |user: &mut User| user.confirm_by_operator(&origin);
                self.alter(user, rule, NotDone::AlreadyConfirmed).await?;
                ("confirmed the email", json!({}))
            }
            Act::SetEmail(email) => {
                let email = Email::parse(&email)?;
                self.make_free(&email, Some(&id)).await?;
                let rule = |user: &mut User| user.set_address(&email, &origin);
                self.alter(user, rule, NotDone::OwnEmail).await?;
                ("changed the email", json!({ "email": email }))
            }
            Act::Unlock => {
                self.limits.unlock(&user).await?;
                self.change_present(user, |user| user.note_unlock(&origin))
                    .await?;
                ("forgot the failed logins", json!({}))
            }
            Act::EndSessions => {
                let rule = |user: &mut User| user.end_all_sessions(&origin);
                let ended = self.change_present(user, rule).await?;
                ("ended the sessions", json!({ "ended": ended }))
            }
            Act::EndUploadTokens => {
                let rule = |user: &mut User| user.end_upload_tokens(&origin);
                let ended = self.change_present(user, rule).await?;
                ("ended the upload tokens", json!({ "ended": ended }))
            }
            Act::EndSecondFactors => {
                let rule = |user: &mut User| user.ask_for_end_of_second_factors(&origin);
                let end = self.try_alter(user, rule).await?;
                let did = "told the user that all second factors end a day later";
                (did, json!({ "second_factors_end_at": end.rfc3339() }))
            }
            Act::KeepSecondFactors => {
                let rule = |user: &mut User| user.keep_second_factors(&origin);
                let refusal = NotDone::SecondFactorsStay;
                self.alter(user, rule, refusal).await?;
                ("stopped the end of the second factors", json!({}))
            }
            Act::SendResetLink => {
                let rule = |user: &mut User| user.send_reset_link(&origin);
                self.alter(user, rule, NotDone::Disabled).await?;
                ("queued a reset link", json!({}))
            }
            Act::Disable => {
                let rule = |user: &mut User| user.disable(&origin);
                self.alter(user, rule, NotDone::AlreadyDisabled).await?;
                ("disabled the account", json!({}))
            }
            Act::Enable => {
                let rule = |user: &mut User| user.enable(&origin);
                self.alter(user, rule, NotDone::NotDisabled).await?;
                ("enabled the account", json!({}))
            }
            Act::Recover { email, ended } => {
                let email = Email::parse(&email)?;
                self.make_free(&email, Some(&id)).await?;
                let since = ended.since(origin.at);
                let rule = |user: &mut User| {
                    user.recover(&email, since, &origin);
                    facts_after_recovery(user)
                };
                let facts = self.change_present(user, rule).await?;
                self.limits.reopen(&email).await?;
                let did = "gave the account back and queued a link to choose a password";
                (did, facts)
            }
            Act::Delete => {
                self.remove(&id).await?;
                ("deleted the account", json!({}))
            }
        };
        self.audit_operator(did, Some(&id));
        self.mail_waiting.notify_one();
        Ok(report(&id, did, facts))
    }

    /// Applies a rule to a user; `refusal`, with nothing changed, if the rule says false.
    async fn alter(
        &self,
        user: User,
        mut rule: impl FnMut(&mut User) -> bool,
        refusal: NotDone,
    ) -> Result<(), NotDone> {
        let altered = self
            .users
            .change_from(user, |user| rule(user).then_some(()));
        altered.await?.ok_or(refusal)
    }

    /// Applies a rule to a user that says why it refuses, with nothing changed.
    async fn try_alter<T>(
        &self,
        user: User,
        mut rule: impl FnMut(&mut User) -> Result<T, CannotEnd>,
    ) -> Result<T, NotDone> {
        let gone = NotDone::NoSuchUser(user.id.to_string());
        let mut refused = None;
        let altered = self.users.change_from(user, |user| {
            let altered = rule(user);
            altered.map_err(|why| refused = Some(why)).ok()
        });
        let altered = altered.await?;
        altered.ok_or_else(|| refused.map_or(gone, NotDone::from))
    }

    /// Applies a rule to a user; [`NotDone::NoSuchUser`] if the account was deleted meanwhile.
    async fn change_present<T>(
        &self,
        user: User,
        mut rule: impl FnMut(&mut User) -> T,
    ) -> Result<T, NotDone> {
        let gone = NotDone::NoSuchUser(user.id.to_string());
        let changed = self.users.change_from(user, |user| Some(rule(user)));
        changed.await?.ok_or(gone)
    }

    async fn show(&self, user: &User) -> Result<Report, NotDone> {
        let mut facts = export::export(user);
        facts["disabled_at"] = json!(user.disabled_at.map(|at| at.rfc3339()));
        let failed = self.limits.failed_logins(&user.email).await?;
        facts["failed_logins_in_7_days"] = json!(failed);
        let refused_until = self.logins_refused_until(&user.email).await?;
        facts["closed"] = json!(refused_until == Some(RefusedUntil::Unlocked));
        facts["refused_until"] = match refused_until {
            Some(RefusedUntil::Moment(moment)) => json!(moment.rfc3339()),
            Some(RefusedUntil::Unlocked) | None => Value::Null,
        };
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

    pub(super) async fn create_user(&self, name: &str, email: &str) -> Result<Report, NotDone> {
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
        self.mail_waiting.notify_one();
        let did = "created the account and queued a link to choose a password";
        self.audit_operator(did, Some(&user.id));
        Ok(report(&user.id, did, json!({})))
    }
}

impl EndedFactors {
    /// The moment since which they were added; none if none end.
    fn since(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::None => None,
            Self::OfHours(hours) => Some(now.minus(HOUR * hours)),
            Self::All => Some(Timestamp::PAST),
        }
    }
}

/// Where the account is now, and which second factors are left: one may be the thief's.
fn facts_after_recovery(user: &User) -> Value {
    json!({
        "email": user.email,
        "authenticator_app": user.totp.as_ref().map(export::totp),
        "passkeys": user.passkeys.iter().map(export::passkey).collect::<Vec<_>>(),
        "recovery_codes": user.recovery_codes.as_ref().map(export::recovery_codes),
    })
}

/// The report of an act.
fn report(id: &UserId, did: &str, mut facts: Value) -> Report {
    facts["user"] = json!(id);
    Report {
        sentence: format!("User {id}: {did}"),
        facts,
    }
}
