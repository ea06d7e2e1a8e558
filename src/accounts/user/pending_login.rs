//! A login with the right password that waits for a second factor.

use super::{Device, PendingLogin, Session, User, event::Origin};
use crate::accounts::{
    clock::Timestamp, error::CodeRefusal, lifetimes::PENDING_LOGIN_LIFE, record::Unknown,
    secret_keys::SecretKeys, security_event::SecurityEvent, token::Digest,
};

/// The most of known devices that wait at once, and the most of others.
const MAX_PENDING_LOGINS: usize = 50;
/// How many wrong codes end one.
const MAX_WRONG_CODES: u32 = 5;

impl User {
    /// Begins a login that waits for a second factor, in the browser with this form token.
    pub fn begin_pending_login(
        &mut self,
        digest: Digest,
        form: Option<Digest>,
        of_known_device: bool,
        origin: &Origin,
    ) {
        self.end_expired_logins(origin.at);
        self.make_room_for_login(of_known_device, &origin.network);
        self.pending_logins.push(PendingLogin {
            digest,
            form,
            password: self.password_digest(),
            of_known_device,
            network: origin.network.clone(),
            device: Some(origin.device),
            wrong: 0,
            expires_at: origin.at.plus(PENDING_LOGIN_LIFE),
            unknown: Unknown::new(),
        });
        self.set_due(origin.at);
    }

    /// Notes that a device that is not known gave the right password and no right code: the user is told, unless a login
    /// from its network follows. Nobody has the token of this digest.
    pub fn note_password_alone(&mut self, digest: Digest, origin: &Origin) {
        self.end_expired_logins(origin.at);
        let mut logins = self.pending_logins.iter();
        // One is enough, and takes no place of who is asked for the code.
        if !logins.any(|login| !login.of_known_device && login.network == origin.network) {
            self.begin_pending_login(digest, None, false, origin);
        }
    }

    /// Makes room for one more. Whoever has only the password pushes out none of a known device, and of the others first
    /// those of the same network.
    fn make_room_for_login(&mut self, of_known_device: bool, network: &str) {
        let logins = self.pending_logins.iter();
        let alike = logins.filter(|login| login.of_known_device == of_known_device);
        if alike.clone().count() < MAX_PENDING_LOGINS {
            return;
        }
        let of_network = alike.clone().find(|login| login.network == network);
        let first = of_network.or(alike.clone().next());
        if let Some(digest) = first.map(|login| login.digest) {
            self.give_up_logins(|login| login.digest == digest);
        }
    }

    /// Ends the logins whose time is over.
    pub(super) fn end_expired_logins(&mut self, now: Timestamp) {
        self.give_up_logins(|login| login.expires_at <= now);
    }

    /// Ends logins that were not completed, and tells of those of devices that are not known: somebody else may have the
    /// password (ASVS 6.3.5).
    fn give_up_logins(&mut self, is_over: impl Fn(&PendingLogin) -> bool) {
        let over = self.pending_logins.extract_if(.., |login| is_over(login));
        let over: Vec<_> = over.filter(|login| !login.of_known_device).collect();
        for login in over {
            self.tell(SecurityEvent::SecondFactorMissing, &login.origin());
        }
    }

    /// Whether this login waits for a second factor, in the browser with this form token.
    pub fn has_pending_login(
        &self,
        digest: &Digest,
        form: Option<&Digest>,
        now: Timestamp,
    ) -> bool {
        let mut logins = self.pending_logins.iter();
        let login = logins.find(|login| login.digest == *digest);
        login.is_some_and(|login| {
            let is_here = login.form.is_none() || login.form.as_ref() == form;
            let is_right = login.password == self.password_digest();
            login.expires_at > now && is_here && is_right && self.disabled_at.is_none()
        })
    }

    /// Ends a login that was completed, and those that were begun in the same browser.
    pub fn end_pending_login(&mut self, digest: &Digest) {
        let mut logins = self.pending_logins.iter();
        let form = logins.find(|login| login.digest == *digest);
        let form = form.and_then(|login| login.form);
        self.pending_logins.retain(|login| {
            let is_here = form.is_some() && login.form == form;
            login.digest != *digest && !is_here
        });
    }

    /// Uses a code for a login that waits for it. A wrong one is counted, and the last of them ends the login.
    pub fn use_code_for_login(
        &mut self,
        login: &Digest,
        code: &str,
        keys: Option<&SecretKeys>,
        origin: &Origin,
    ) -> Result<(), CodeRefusal> {
        let mut logins = self.pending_logins.iter();
        let is_known = logins.any(|other| other.digest == *login && other.of_known_device);
        let used = self.use_code(code, is_known, keys, origin);
        match used {
            Ok(()) => self.end_pending_login(login),
            Err(CodeRefusal::Unreadable) => {}
            Err(_) => self.count_wrong_code(login),
        }
        used
    }

    fn count_wrong_code(&mut self, login: &Digest) {
        let mut logins = self.pending_logins.iter_mut();
        let login = logins.find(|other| other.digest == *login);
        login.into_iter().for_each(|login| login.wrong += 1);
        self.give_up_logins(|login| login.wrong >= MAX_WRONG_CODES);
    }

    /// Begins a session for who has given a second factor too, and so has not lost it. The logins that wait in the same
    /// network are taken for earlier steps to this one.
    pub fn log_in_with_second_factor(
        &mut self,
        session: Session,
        device: Option<Device>,
        replaces: Option<&Digest>,
    ) {
        let session = Session {
            second_factor_at: Some(session.created_at),
            ..session
        };
        let origin = session.origin();
        self.note_second_factor(&origin);
        self.pending_logins
            .retain(|login| login.network != origin.network);
        self.set_due(origin.at);
        self.log_in(session, device, replaces);
    }

    fn password_digest(&self) -> Digest {
        Digest::of(self.password.as_str().as_bytes())
    }
}

impl PendingLogin {
    /// When its user is to be told that it was not completed; none if the device is known.
    pub(super) fn told_at(&self) -> Option<Timestamp> {
        (!self.of_known_device).then_some(self.expires_at)
    }

    /// When and where from it was begun.
    fn origin(&self) -> Origin {
        Origin {
            at: self.expires_at.minus(PENDING_LOGIN_LIFE),
            network: self.network.clone(),
            device: self.device.unwrap_or_default(),
        }
    }
}

/// The rules are tested with a passkey and recovery codes, which need no secret key.
#[cfg(test)]
mod tests;
