//! Passkeys: adding one, logging in by one, alone or after the password, and showing by one again who is there.

use serde_json::Value;

use super::{
    Accounts, Caller, LoggedIn,
    audit::{AuditEvent, LoginFailure},
    challenge::{Challenge, Purpose},
    clock::Timestamp,
    email::Email,
    error::Error,
    id::{Handle, UserId},
    lifetimes::CHALLENGE_LIFE,
    limits::LoginAttempt,
    name::Name,
    passkeys::{Begun, PasskeyRefusal, RelyingParty, Used},
    record::Unknown,
    store::Key,
    token::{Digest, Token},
    user::{User, event::Origin},
};

/// What a browser is to ask its authenticators, and the token of the challenge in it.
pub type Asked = (Value, Token);

impl Accounts {
    /// Whether users can have passkeys here.
    pub fn offers_passkeys(&self) -> bool {
        self.relying_party.is_some()
    }

    fn relying_party(&self) -> Result<&RelyingParty, Error> {
        self.relying_party.as_ref().ok_or(Error::PasskeysNotOffered)
    }

    /// Asks for a passkey of nobody in particular, of the user whose login waits for a second factor, or of the user who
    /// is logged in.
    pub async fn ask_for_passkey(
        &self,
        caller: &Caller,
        purpose: Purpose,
        pending: Option<&Token>,
    ) -> Result<Asked, Error> {
        let site = self.relying_party()?;
        let (user, asked_by) = match purpose {
            Purpose::Login => (None, None),
            Purpose::SecondFactor => {
                let user = self.pending_user(caller, pending).await?;
                (Some(user), pending.map(Token::digest))
            }
            Purpose::Recent => {
                let (user, session) = self.account(caller, true).await?;
                (Some(user), Some(session.digest))
            }
            Purpose::Add | Purpose::Unknown => return Err(Error::PurposeInvalid),
        };
        let begun = match &user {
            None => site.begin_login(),
            Some(user) if user.passkeys.is_empty() => return Err(Error::NotFound),
            Some(user) => site.begin_second_factor(&user.credentials()),
        };
        self.limits
            .challenge(caller.network, asked_by.as_ref())
            .await?;
        self.keep_challenge(purpose, user.map(|user| user.id), begun)
            .await
    }

    /// Asks for a new passkey of the user who is logged in.
    pub async fn begin_to_add_passkey(&self, caller: &Caller) -> Result<Asked, Error> {
        let site = self.relying_party()?;
        let (user, session) = self.account(caller, false).await?;
        let begun = site.begin_adding(&user.id, &user.email, &user.credentials());
        self.limits
            .challenge(caller.network, Some(&session.digest))
            .await?;
        self.keep_challenge(Purpose::Add, Some(user.id), begun)
            .await
    }

    async fn keep_challenge(
        &self,
        purpose: Purpose,
        user: Option<UserId>,
        begun: Result<Begun, PasskeyRefusal>,
    ) -> Result<Asked, Error> {
        let begun = begun.map_err(|cause| {
            tracing::error!(%cause, "cannot ask for a passkey");
            Error::PasskeyRefused
        })?;
        let token = Token::random();
        let challenge = Challenge {
            digest: token.digest(),
            purpose,
            user,
            state: begun.state,
            expires_at: self.clock.now().plus(CHALLENGE_LIFE),
            unknown: Unknown::new(),
        };
        self.store.insert_challenge(&challenge).await?;
        Ok((begun.options, token))
    }

    /// Takes a challenge, which works once, before anything of the answer is read.
    async fn take_challenge(&self, token: Option<&Token>) -> Result<Challenge, Error> {
        let token = token.ok_or(Error::ChallengeExpired)?;
        let taken = self.store.take_challenge(&token.digest()).await?;
        let live = taken.filter(|taken| taken.expires_at > self.clock.now());
        live.ok_or(Error::ChallengeExpired)
    }

    /// Adds the passkey that answers the challenge.
    pub async fn add_passkey(
        &self,
        caller: &Caller,
        challenge: Option<&Token>,
        credential: &str,
        name: &str,
    ) -> Result<(), Error> {
        let site = self.relying_party()?;
        let session = caller.replaces().ok_or(Error::NotLoggedIn)?;
        let challenge = self.take_challenge(challenge).await?;
        if challenge.purpose != Purpose::Add {
            return Err(Error::ChallengeExpired);
        }
        let name = Name::parse(name)?;
        if credential.is_empty() {
            return Err(Error::CredentialRequired);
        }
        let credential = site.finish_adding(&challenge.state, credential);
        let credential = credential.map_err(|cause| {
            tracing::info!(%cause, "a new passkey was refused");
            Error::PasskeyInvalid
        })?;
        self.change_second_factors(caller, AuditEvent::SecondFactorAdded, |user, origin| {
            if challenge.user.as_ref() != Some(&user.id) {
                return Err(Error::ChallengeExpired);
            }
            user.add_passkey(&session, &name, credential.clone(), origin)
        })
        .await
    }

    /// Removes the passkey of this handle.
    pub async fn end_passkey(&self, caller: &Caller, handle: &str) -> Result<(), Error> {
        let handle = Handle::from_stored(handle.to_owned());
        self.change_second_factors(caller, AuditEvent::SecondFactorRemoved, |user, origin| {
            let is_ended = user.end_passkey(&handle, origin);
            is_ended.then_some(()).ok_or(Error::NotFound)
        })
        .await
    }

    /// Uses the passkey that answers the challenge, for what it was asked for. Returns the new session; none if it only
    /// shows who is there.
    pub async fn use_passkey(
        &self,
        caller: &Caller,
        challenge: Option<&Token>,
        pending: Option<&Token>,
        credential: &str,
    ) -> Result<Option<LoggedIn>, Error> {
        self.relying_party()?;
        let challenge = self.take_challenge(challenge).await?;
        if credential.is_empty() {
            return Err(Error::CredentialRequired);
        }
        let answer = Answer {
            challenge: &challenge,
            credential,
        };
        match challenge.purpose {
            Purpose::Login => self.log_in_by_passkey(caller, answer).await.map(Some),
            Purpose::SecondFactor => {
                let completed = self.complete_by_passkey(caller, answer, pending).await;
                completed.map(Some)
            }
            Purpose::Recent => self.show_passkey(caller, answer).await.map(|()| None),
            Purpose::Add | Purpose::Unknown => Err(Error::ChallengeExpired),
        }
    }

    /// Logs in whoever has the passkey, and whom its authenticator has verified: that is two factors.
    async fn log_in_by_passkey(
        &self,
        caller: &Caller,
        answer: Answer<'_>,
    ) -> Result<LoggedIn, Error> {
        let claimed = RelyingParty::claimed_user(answer.credential);
        let user = match claimed.as_ref() {
            Some(id) => self.users.find(Key::Id(id)).await?,
            None => None,
        };
        let Some(user) = user.filter(User::can_log_in_by_passkey) else {
            let attempt = self.count_login(caller, None, None).await?;
            let error = Error::PasskeyRefused;
            return self.refuse(caller, attempt, None, None, error).await;
        };
        let (id, new) = (user.id.clone(), self.new_login(caller, &user));
        let verified = self.verify(caller, user, new.known(), answer, |user, used, now| {
            if !user.can_log_in_by_passkey() {
                return Err(Error::PasskeyRefused);
            }
            if !user.lets_in_alone(&used) {
                return Err(Error::PasskeyNotAlone);
            }
            user.note_passkey_use(used, now);
            Ok(new.begin_with_second_factor(user))
        });
        let (begun, mut attempt) = verified.await?;
        let finished = self.finish_login(caller, &id, &mut attempt, new, &begun);
        finished.await
    }

    /// Completes the login that waits for a second factor in this browser.
    async fn complete_by_passkey(
        &self,
        caller: &Caller,
        answer: Answer<'_>,
        pending: Option<&Token>,
    ) -> Result<LoggedIn, Error> {
        let user = self.pending_user(caller, pending).await?;
        let pending = pending.ok_or(Error::NotLoggedIn)?.digest();
        if answer.challenge.user.as_ref() != Some(&user.id) {
            return Err(Error::ChallengeExpired);
        }
        let (id, new) = (user.id.clone(), self.new_login(caller, &user));
        let form = caller.form;
        let verified = self.verify(caller, user, new.known(), answer, |user, used, now| {
            if !user.has_pending_login(&pending, form.as_ref(), now) {
                return Err(Error::NotLoggedIn);
            }
            user.end_pending_login(&pending);
            user.note_passkey_use(used, now);
            Ok(new.begin_with_second_factor(user))
        });
        let (begun, mut attempt) = verified.await?;
        let finished = self.finish_login(caller, &id, &mut attempt, new, &begun);
        finished.await
    }

    /// Notes that the user who is logged in has shown a passkey.
    async fn show_passkey(&self, caller: &Caller, answer: Answer<'_>) -> Result<(), Error> {
        let (user, session) = self.account(caller, true).await?;
        if answer.challenge.user.as_ref() != Some(&user.id) {
            return Err(Error::ChallengeExpired);
        }
        let device = self.known_to(caller, &user).unwrap_or(session.digest);
        let verified = self.verify(caller, user, Some(&device), answer, |user, used, now| {
            user.note_passkey_use(used, now);
            let shown = user.authenticate_by_second_factor(&session.digest, now);
            shown.then_some(()).ok_or(Error::NotLoggedIn)
        });
        let ((), mut attempt) = verified.await?;
        self.limits.succeeded(&mut attempt, Some(&device)).await;
        Ok(())
    }

    async fn pending_user(&self, caller: &Caller, pending: Option<&Token>) -> Result<User, Error> {
        let pending = pending.ok_or(Error::NotLoggedIn)?;
        let user = self.find_pending_login(caller, pending).await?;
        user.ok_or(Error::NotLoggedIn)
    }

    /// Verifies an answer against the passkeys of a user, and applies `rule` in the same step, so that no counter is
    /// missed. It counts as a failed login until the attempt, which is returned, is taken back. A passkey that may have
    /// been copied is noted.
    async fn verify<T>(
        &self,
        caller: &Caller,
        user: User,
        device: Option<&Digest>,
        answer: Answer<'_>,
        mut rule: impl FnMut(&mut User, Used, Timestamp) -> Result<T, Error>,
    ) -> Result<(T, LoginAttempt), Error> {
        let (site, origin) = (self.relying_party()?, self.origin(caller));
        // Whose a passkey says it is at a login is not known before it is verified: it counts for the network, unless the
        // device is known.
        let is_of_user = answer.challenge.purpose != Purpose::Login || device.is_some();
        let (id, email) = (user.id.clone(), is_of_user.then(|| user.email.clone()));
        let attempt = self.count_login(caller, email.as_ref(), device).await?;
        let verified = self.users.try_change_from(user, |user| {
            match answer.verify(site, user, &origin) {
                // What was noted of it is stored.
                Err(Error::PasskeyCopied) => Ok(None),
                used => rule(user, used?, origin.at).map(Some),
            }
        });
        let error = match verified.await {
            Ok(Some(Some(done))) => return Ok((done, attempt)),
            Ok(Some(None)) => {
                self.mail_waiting.notify_one();
                Error::PasskeyCopied
            }
            Ok(None) => Error::PasskeyRefused,
            Err(error) => error,
        };
        let refused = self.refuse(caller, attempt, email.as_ref(), Some(&id), error);
        refused.await
    }

    /// Counts a failed login, also at the address if it was counted there, unless nothing was compared.
    async fn refuse<T>(
        &self,
        caller: &Caller,
        mut attempt: LoginAttempt,
        email: Option<&Email>,
        user: Option<&UserId>,
        error: Error,
    ) -> Result<T, Error> {
        match &error {
            Error::PasskeyRefused
            | Error::PasskeyUnverified
            | Error::PasskeyNotAlone
            | Error::PasskeyCopied => {
                let why = AuditEvent::LoginFailed(LoginFailure::Passkey);
                self.audit(why, user, caller);
                self.record_failure(caller, &attempt, email, user).await?;
            }
            _ => self.limits.aborted(&mut attempt, &error).await,
        }
        Err(error)
    }
}

/// The answer of a browser to a challenge.
#[derive(Clone, Copy)]
struct Answer<'a> {
    challenge: &'a Challenge,
    credential: &'a str,
}

impl Answer<'_> {
    fn verify(self, site: &RelyingParty, user: &mut User, origin: &Origin) -> Result<Used, Error> {
        let known = user.credentials();
        let (state, credential) = (&self.challenge.state, self.credential);
        let verified = match self.challenge.purpose {
            Purpose::Login => site.finish_login(state, credential, &known),
            _ => site.finish_second_factor(state, credential, &known),
        };
        verified.map_err(|cause| {
            tracing::info!(user = %user.id, %cause, "a passkey was refused");
            match cause {
                PasskeyRefusal::CounterWentBack => {
                    user.note_copied_passkey(origin);
                    Error::PasskeyCopied
                }
                PasskeyRefusal::NotVerified => Error::PasskeyUnverified,
                _ => Error::PasskeyRefused,
            }
        })
    }
}
