//! What every login begins, whatever it was done by: a session, and a known device.

use super::{
    Accounts, Caller, LoggedIn,
    audit::AuditEvent,
    error::Error,
    id::UserId,
    limits::LoginAttempt,
    token::{Digest, Token},
    user::{Device, Session, User},
};

/// A session, and a device if the user does not know the caller's.
pub(super) struct NewLogin {
    token: Token,
    session: Session,
    device_token: Option<Token>,
    device: Option<Device>,
    /// The device of the caller, if the user knows it.
    known: Option<Digest>,
    /// The session of the caller, which ends.
    replaces: Option<Digest>,
}

/// A login that a user's record has.
pub(super) struct Begun {
    /// Whether the session that it took the place of was the user's own.
    was_own: bool,
}

impl NewLogin {
    /// The device of the caller, if the user knows it.
    pub(super) fn known(&self) -> Option<&Digest> {
        self.known.as_ref()
    }

    /// Begins the session, by a password alone.
    pub(super) fn begin(&self, user: &mut User) -> Begun {
        let was_own = self.was_own(user);
        let (session, device) = (self.session.clone(), self.device.clone());
        user.log_in(session, device, self.replaces.as_ref());
        Begun { was_own }
    }

    /// Begins the session, by a second factor too.
    pub(super) fn begin_with_second_factor(&self, user: &mut User) -> Begun {
        let was_own = self.was_own(user);
        let (session, device) = (self.session.clone(), self.device.clone());
        user.log_in_with_second_factor(session, device, self.replaces.as_ref());
        Begun { was_own }
    }

    fn was_own(&self, user: &User) -> bool {
        let replaces = self.replaces.as_ref();
        replaces.is_some_and(|old| user.session(old).is_some())
    }
}

impl Accounts {
    /// A login of this user.
    pub(super) fn new_login(&self, caller: &Caller, user: &User) -> NewLogin {
        let (token, session) = self.new_session(caller);
        let known = self.known_to(caller, user);
        let (device_token, device) = match known {
            Some(_) => (None, None),
            None => Some(self.new_device()).unzip(),
        };
        NewLogin {
            token,
            session,
            device_token,
            device,
            known,
            replaces: caller.replaces(),
        }
    }

    /// The device of the caller, if it is known to the user.
    pub(super) fn known_to(&self, caller: &Caller, user: &User) -> Option<Digest> {
        let device = caller.device.as_ref().map(Token::digest);
        device.filter(|device| user.knows(device, self.clock.now()))
    }

    /// Takes the attempt back after a login, and ends the session that it takes the place of.
    pub(super) async fn finish_login(
        &self,
        caller: &Caller,
        user: &UserId,
        attempt: &mut LoginAttempt,
        new: NewLogin,
        begun: &Begun,
    ) -> Result<LoggedIn, Error> {
        self.limits.succeeded(attempt, new.known()).await;
        if !begun.was_own {
            self.end_session(new.replaces).await?;
        }
        let event = match new.known {
            Some(_) => AuditEvent::LoggedIn,
            None => AuditEvent::NewDevice,
        };
        self.audit(event, user, caller);
        self.mail_waiting.notify_one();
        Ok(LoggedIn {
            session: new.token,
            device: new.device_token,
        })
    }
}
