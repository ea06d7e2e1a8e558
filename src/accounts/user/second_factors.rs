//! Second factors: how they are added and removed, and what a code of one is good for.

use std::time::Duration;

use super::{
    FormerFactors, PendingTotp, RecoveryCode, RecoveryCodes, Session, Totp, User, event::Origin,
};
use crate::accounts::{
    clock::Timestamp,
    error::{CodeRefusal, Error},
    lifetimes::{PENDING_TOTP_LIFE, RECENT},
    record::Unknown,
    recovery_code::{self, RecoveryCodeText, is_between},
    secret_keys::SecretKeys,
    security_event::SecurityEvent,
    token::Digest,
    totp::{self, Checked, TotpSecret},
};

/// How many wrong codes of an app in a row are checked (NIST SP 800-63B-4, 3.2.2), those of known devices for themselves:
/// a stranger who has the password keeps no known device out. Past them only a recovery code or a passkey counts, and has
/// them forgotten.
const MAX_WRONG_CODES: u32 = 100;

/// A code as a user types it.
enum TypedCode {
    /// Of an authenticator app.
    OfApp(String),
    /// A recovery code.
    Recovery(RecoveryCodeText),
}

impl TypedCode {
    fn parse(text: &str) -> Result<Self, CodeRefusal> {
        let chars: String = text.chars().filter(|c| !is_between(*c)).collect();
        match chars.len() {
            0 => Err(CodeRefusal::Required),
            totp::DIGITS => Ok(Self::OfApp(chars)),
            recovery_code::CHARS => {
                let code = RecoveryCodeText::parse(&chars);
                code.map(Self::Recovery).ok_or(CodeRefusal::Wrong)
            }
            _ => Err(CodeRefusal::Wrong),
        }
    }
}

impl Totp {
    fn forget_wrong_codes(&mut self) {
        self.wrong = 0;
        self.wrong_of_known = 0;
    }
}

impl User {
    /// Whether a password alone does not let the user in.
    pub fn has_second_factor(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }

    /// Whether the user has shown in this session, not long ago, who is there: by the strongest factor there is (ASVS
    /// 7.5.1, 7.5.3).
    pub fn is_recent(&self, session: &Session, now: Timestamp) -> bool {
        let shown_at = match self.has_second_factor() {
            true => session.second_factor_at,
            false => Some(session.authenticated_at),
        };
        shown_at.is_some_and(|at| at.plus(RECENT) > now)
    }

    /// Uses a code of the authenticator app, or a recovery code. Neither works twice: what it changes has to be stored in
    /// the same step as what it is used for (ASVS 6.5.1). `is_known` tells whether it was typed on a known device or by who is
    /// logged in.
    pub fn use_code(
        &mut self,
        code: &str,
        is_known: bool,
        keys: Option<&SecretKeys>,
        origin: &Origin,
    ) -> Result<(), CodeRefusal> {
        match TypedCode::parse(code)? {
            TypedCode::OfApp(code) => self.use_code_of_app(&code, is_known, keys, origin),
            TypedCode::Recovery(code) => self.use_recovery_code(&code, origin),
        }
    }

    fn use_code_of_app(
        &mut self,
        code: &str,
        is_known: bool,
        keys: Option<&SecretKeys>,
        origin: &Origin,
    ) -> Result<(), CodeRefusal> {
        let now = origin.at;
        let app = self.totp.as_mut().ok_or(CodeRefusal::Wrong)?;
        let keys = keys.ok_or(CodeRefusal::Unreadable)?;
        let opened = keys.open(&self.id, &app.secret);
        let opened = opened.ok_or(CodeRefusal::Unreadable)?;
        let secret = TotpSecret::from_bytes(opened.secret);
        let wrong = match is_known {
            true => &mut app.wrong_of_known,
            false => &mut app.wrong,
        };
        if *wrong >= MAX_WRONG_CODES {
            return Err(CodeRefusal::Closed);
        }
        match accepted_step(secret.check(code, now), app.step) {
            Ok(step) => app.step = step,
            Err(CodeRefusal::Used) => return Err(CodeRefusal::Used),
            Err(refusal) => {
                *wrong += 1;
                if *wrong == MAX_WRONG_CODES {
                    self.tell(SecurityEvent::TotpClosed, origin);
                }
                return Err(refusal);
            }
        }
        app.forget_wrong_codes();
        app.used_at = Some(now);
        if !opened.is_current {
            app.secret = keys.seal(&self.id, secret.as_bytes());
        }
        Ok(())
    }

    fn use_recovery_code(
        &mut self,
        code: &RecoveryCodeText,
        origin: &Origin,
    ) -> Result<(), CodeRefusal> {
        let digest = code.digest();
        let held = self.recovery_codes.as_mut();
        let codes = &mut held.ok_or(CodeRefusal::Wrong)?.codes;
        let position = codes.iter().position(|code| code.digest == digest);
        codes.remove(position.ok_or(CodeRefusal::Wrong)?);
        self.tell(SecurityEvent::RecoveryCodeUsed, origin);
        Ok(())
    }

    /// Notes that the user has shown in a session who is there, by a second factor, and so has not lost it; false if there
    /// is no such session.
    pub fn authenticate_by_second_factor(&mut self, session: &Digest, now: Timestamp) -> bool {
        let session = self.session_mut(session);
        let shown = session.map(|session| {
            session.authenticated_at = now;
            session.second_factor_at = Some(now);
            Origin {
                at: now,
                ..session.origin()
            }
        });
        if let Some(origin) = &shown {
            self.note_second_factor(origin);
        }
        shown.is_some()
    }

    /// Has all sessions but this one show a second factor again before what needs it: they may have shown one that is gone.
    pub fn forget_factors_shown_elsewhere(&mut self, session: &Digest) {
        let others = self.sessions.iter_mut();
        let others = others.filter(|other| other.digest != *session);
        others.for_each(|other| other.second_factor_at = None);
    }

    /// Whoever has shown a second factor has not lost it, and has not typed the wrong codes.
    pub(super) fn note_second_factor(&mut self, origin: &Origin) {
        self.keep_second_factors(origin);
        if let Some(app) = &mut self.totp {
            app.forget_wrong_codes();
        }
    }

    /// Begins to add an authenticator app with this secret, in the browser with this form token and in the place of one that
    /// was begun before.
    pub fn begin_totp(
        &mut self,
        session: &Session,
        form: Option<Digest>,
        secret: &TotpSecret,
        keys: &SecretKeys,
        now: Timestamp,
    ) {
        self.pending_totp = Some(PendingTotp {
            secret: keys.seal(&self.id, secret.as_bytes()),
            session: session.handle.clone(),
            form,
            expires_at: now.plus(PENDING_TOTP_LIFE),
            unknown: Unknown::new(),
        });
    }

    /// Whether this session may finish within `life` what it has begun to add. If another factor was added meanwhile, it must
    /// have been shown in this session: whoever has only the password may have begun before.
    pub(super) fn may_finish(&self, session: &Digest, life: Duration, now: Timestamp) -> bool {
        let since = now.minus(RECENT + life);
        let session = self.live_session(session, now);
        let shown_at = session.and_then(|session| session.second_factor_at);
        !self.has_second_factor() || shown_at.is_some_and(|at| at > since)
    }

    /// The secret of the authenticator app that this session is adding, if its time is not over.
    pub fn pending_secret(
        &self,
        session: &Session,
        keys: Option<&SecretKeys>,
        now: Timestamp,
    ) -> Option<TotpSecret> {
        let may_finish = self.may_finish(&session.digest, PENDING_TOTP_LIFE, now);
        let pending = self.pending_totp.as_ref().filter(|pending| {
            may_finish && pending.expires_at > now && pending.session == session.handle
        });
        let opened = keys?.open(&self.id, &pending?.secret)?;
        Some(TotpSecret::from_bytes(opened.secret))
    }

    /// Adds the authenticator app that this session is adding, if `code` is one of it, in the place of another one; and
    /// gives the user these recovery codes.
    pub fn confirm_totp(
        &mut self,
        session: &Session,
        code: &str,
        codes: &[RecoveryCodeText],
        keys: Option<&SecretKeys>,
        origin: &Origin,
    ) -> Result<(), Error> {
        let now = origin.at;
        let secret = self.pending_secret(session, keys, now);
        let secret = secret.ok_or(Error::SetupExpired)?;
        let code = match TypedCode::parse(code).map_err(Error::SetupCode)? {
            TypedCode::OfApp(code) => code,
            TypedCode::Recovery(_) => return Err(Error::SetupCode(CodeRefusal::Wrong)),
        };
        let step = accepted_step(secret.check(&code, now), 0);
        let step = step.map_err(Error::SetupCode)?;
        let pending = self.pending_totp.take().ok_or(Error::SetupExpired)?;
        let former = self.totp.replace(Totp {
            secret: pending.secret,
            added_at: now,
            used_at: None,
            step,
            wrong: 0,
            wrong_of_known: 0,
            unknown: Unknown::new(),
        });
        self.give_recovery_codes(codes, former, now);
        self.authenticate_by_second_factor(&session.digest, now);
        self.tell(SecurityEvent::TotpAdded, origin);
        Ok(())
    }

    /// Removes the authenticator app; false, with nothing changed, if there is none.
    pub fn end_totp(&mut self, origin: &Origin) -> bool {
        let Some(app) = self.totp.take() else {
            return false;
        };
        self.pending_totp = None;
        let recovery_codes = self.drop_useless_codes();
        self.keep_former_factors(FormerFactors {
            totp: Some(app),
            recovery_codes,
            ..FormerFactors::of(origin.at)
        });
        self.tell(SecurityEvent::TotpRemoved, origin);
        true
    }

    /// Gives the user these recovery codes, in the place of older ones.
    pub fn make_recovery_codes(
        &mut self,
        codes: &[RecoveryCodeText],
        origin: &Origin,
    ) -> Result<(), Error> {
        if !self.has_second_factor() {
            return Err(Error::NoSecondFactor);
        }
        self.give_recovery_codes(codes, None, origin.at);
        self.tell(SecurityEvent::RecoveryCodesMade, origin);
        Ok(())
    }

    /// Gives the user these recovery codes. Keeps the older ones, and the app in whose place another one came with them.
    fn give_recovery_codes(
        &mut self,
        codes: &[RecoveryCodeText],
        former_app: Option<Totp>,
        now: Timestamp,
    ) {
        let codes = codes.iter().map(|code| RecoveryCode {
            digest: code.digest(),
            unknown: Unknown::new(),
        });
        let former = self.recovery_codes.replace(RecoveryCodes {
            made_at: now,
            codes: codes.collect(),
            unknown: Unknown::new(),
        });
        self.keep_former_factors(FormerFactors {
            totp: former_app,
            recovery_codes: former,
            ..FormerFactors::of(now)
        });
    }

    /// Recovery codes are for those who lost a second factor. Without one they would only lie around, and nothing is left
    /// to end. Returns those that were dropped.
    pub(super) fn drop_useless_codes(&mut self) -> Option<RecoveryCodes> {
        if self.has_second_factor() {
            return None;
        }
        self.second_factors_end_at = None;
        self.recovery_codes.take()
    }
}

/// The step of a code, if it is later than the last one that was accepted.
fn accepted_step(checked: Checked, last: u64) -> Result<u64, CodeRefusal> {
    match checked {
        Checked::OfStep(step) if step > last => Ok(step),
        Checked::OfStep(_) => Err(CodeRefusal::Used),
        Checked::OfOtherMinute => Err(CodeRefusal::OfOtherMinute),
        Checked::Wrong => Err(CodeRefusal::Wrong),
    }
}

/// The rules are tested with a secret key.
#[cfg(test)]
pub(super) mod tests;
