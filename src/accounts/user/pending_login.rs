//! A login with the right password that waits for a second factor.

use super::{Device, PendingLogin, Session, User, drop_first, event::Origin};
use crate::accounts::{
    clock::Timestamp, error::CodeRefusal, lifetimes::PENDING_LOGIN_LIFE, record::Unknown,
    secret_keys::SecretKeys, token::Digest,
};

/// The most that wait at once; a further one takes the place of the oldest.
const MAX_PENDING_LOGINS: usize = 10;
/// How many wrong codes end one.
const MAX_WRONG_CODES: u32 = 5;

impl User {
    /// Begins a login that waits for a second factor, in the browser with this form token.
    pub fn begin_pending_login(&mut self, digest: Digest, form: Option<Digest>, now: Timestamp) {
        self.pending_logins.retain(|login| login.expires_at > now);
        self.pending_logins.push(PendingLogin {
            digest,
            form,
            password: self.password_digest(),
            wrong: 0,
            expires_at: now.plus(PENDING_LOGIN_LIFE),
            unknown: Unknown::new(),
        });
        drop_first(&mut self.pending_logins, MAX_PENDING_LOGINS);
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

    /// Ends a login that waits for a second factor.
    pub fn end_pending_login(&mut self, digest: &Digest) {
        self.pending_logins.retain(|login| login.digest != *digest);
    }

    /// Uses a code for a login that waits for it. A wrong one is counted, and the last of them ends the login.
    pub fn use_code_for_login(
        &mut self,
        login: &Digest,
        code: &str,
        keys: Option<&SecretKeys>,
        origin: &Origin,
    ) -> Result<(), CodeRefusal> {
        let used = self.use_code(code, keys, origin);
        if used.is_ok() {
            self.end_pending_login(login);
            return used;
        }
        let mut logins = self.pending_logins.iter_mut();
        let login = logins.find(|other| other.digest == *login);
        login.into_iter().for_each(|login| login.wrong += 1);
        self.pending_logins
            .retain(|login| login.wrong < MAX_WRONG_CODES);
        used
    }

    /// Begins a session for who has given a second factor too, and so has not lost it.
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
        self.note_second_factor(&session.origin());
        self.log_in(session, device, replaces);
    }

    fn password_digest(&self) -> Digest {
        Digest::of(self.password.as_str().as_bytes())
    }
}
