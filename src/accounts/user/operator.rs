//! What an operator does to an account, for a user who cannot help themselves. Each is in the user's history.

use super::{
    User,
    event::{EventKind, Origin},
};
use crate::accounts::{
    clock::Timestamp, device_name::DeviceName, email::Email, import::Newcomer, mail::MailKind,
    name::Name, password::PasswordHash,
};

impl Origin {
    /// An operator, at this moment.
    pub fn of_operator(at: Timestamp) -> Self {
        Self {
            at,
            network: String::new(),
            device: DeviceName::OPERATOR,
        }
    }
}

impl User {
    /// A user with no password and no session, who is to choose a password by a mailed link.
    pub fn created(name: Name, email: Email, origin: &Origin) -> Self {
        let password = PasswordHash::from_stored(String::new());
        Self::begin(name.as_str(), email, password, EventKind::SignedUp, origin)
    }

    /// A user of the first backend, with the hash that was made of the one there. Nobody is mailed.
    pub fn imported(newcomer: Newcomer, password: PasswordHash, origin: &Origin) -> Self {
        let Newcomer {
            id, email, profile, ..
        } = newcomer;
        let name = profile.name.as_ref().map_or("", Name::as_str);
        Self {
            id,
            confirmed_at: profile.is_verified.then_some(origin.at),
            created_at: profile.created_at,
            login_at: profile.login_at,
            last_logout: profile.last_logout,
            ..Self::begin(name, email, password, EventKind::Imported, origin)
        }
    }

    /// Takes the address for confirmed; false, with nothing changed, if it is.
    pub fn confirm_by_operator(&mut self, origin: &Origin) -> bool {
        let is_new = self.confirmed_at.is_none();
        if is_new {
            self.confirmed_at = Some(origin.at);
            self.confirmation = None;
            self.note(EventKind::EmailConfirmed, origin);
        }
        is_new
    }

    /// Gives the user another address, which is yet to be confirmed; false, with nothing changed, if it is the user's
    /// already. The former one is told and held as with any change.
    pub fn set_address(&mut self, email: &Email, origin: &Origin) -> bool {
        let is_new = self.email != *email;
        if is_new {
            self.take_address(email.clone(), None, origin);
            self.send_confirmation(email.clone(), origin);
        }
        is_new
    }

    /// Gives a stolen account to its owner, at this address: all that could get into it ends, the password works no more,
    /// and no mailbox can undo it. Second factors stay, but those that were added since a moment, if one is given. The
    /// address gets a link to choose a password, the former one is told.
    pub fn recover(&mut self, email: &Email, since: Option<Timestamp>, origin: &Origin) {
        if self.email != *email {
            self.notify(MailKind::AccountRecovered, origin);
            self.email = email.clone();
            self.confirmed_at = None;
        }
        self.lock_out();
        self.require_password_of_passkeys();
        // Who asked for their end may have been the thief, and the links end by which the owner would object.
        self.keep_second_factors(origin);
        if let Some(at) = since {
            self.drop_second_factors_since(at, origin.at);
        }
        self.not_me.clear();
        self.held.clear();
        self.disabled_at = None;
        self.send(MailKind::ResetLink, email.clone(), origin);
        self.note(EventKind::Recovered, origin);
    }

    /// Writes down that failed logins were forgotten.
    pub fn note_unlock(&mut self, origin: &Origin) {
        self.note(EventKind::Unlocked, origin);
    }

    /// Ends all sessions; how many of them were live.
    pub fn end_all_sessions(&mut self, origin: &Origin) -> usize {
        let ended = self.live_sessions(origin.at).count();
        self.sessions.clear();
        if ended > 0 {
            self.note(EventKind::SessionEnded, origin);
        }
        ended
    }

    /// Has a reset link sent to the address of record; false, with nothing changed, if the user is disabled.
    pub fn send_reset_link(&mut self, origin: &Origin) -> bool {
        let can_use = self.disabled_at.is_none();
        if can_use {
            self.send(MailKind::ResetLink, self.email.clone(), origin);
            self.note(EventKind::ResetLinkSent, origin);
        }
        can_use
    }

    /// Keeps the user out until [`Self::enable`]: all sessions, known devices, upload tokens and links end, and no login
    /// succeeds.
    /// False, with nothing changed, if the user is kept out already.
    pub fn disable(&mut self, origin: &Origin) -> bool {
        // An earlier version has left the tokens, which it does not know.
        let is_new = self.disabled_at.is_none() || !self.upload_tokens.is_empty();
        if is_new {
            self.disabled_at = Some(origin.at);
            self.sessions.clear();
            self.devices.clear();
            self.upload_tokens.clear();
            self.keep_second_factors(origin);
            self.end_links();
            self.notify(MailKind::AccountDisabled, origin);
            self.note(EventKind::Disabled, origin);
        }
        is_new
    }

    /// Lets the user in again; false, with nothing changed, if the user is not kept out.
    pub fn enable(&mut self, origin: &Origin) -> bool {
        let was_disabled = self.disabled_at.take().is_some();
        if was_disabled {
            self.notify(MailKind::AccountEnabled, origin);
            self.note(EventKind::Enabled, origin);
        }
        was_disabled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{
        mail::MailId,
        security_event::SecurityEvent::{self, EmailChanged},
        token::Token,
        user::{
            NotMeLink, ResetLink,
            tests::{ada, confirmed, day, email, kinds, mails, passkey},
        },
    };

    fn operator() -> Origin {
        Origin::of_operator(day(1))
    }

    #[test]
    fn an_operator_confirms_an_address_once() {
        let mut user = ada();
        assert!(user.confirm_by_operator(&operator()));
        assert_eq!(
            (user.confirmed_at, &user.confirmation),
            (Some(day(1)), &None)
        );
        let before = user.clone();
        assert!(!user.confirm_by_operator(&operator()));
        assert_eq!(user, before);
        assert_eq!(
            kinds(&user.events),
            [EventKind::SignedUp, EventKind::EmailConfirmed]
        );
        assert_eq!(
            user.events[1].device.to_string(),
            "An operator of the registry"
        );
    }

    #[test]
    fn an_address_that_an_operator_sets_is_yet_to_be_confirmed_and_the_former_one_is_told_and_held()
    {
        let mut user = confirmed();
        let new = email("ada@new.example");
        assert!(user.set_address(&new, &operator()));
        assert!(!user.set_address(&new, &operator()));
        assert_eq!((&user.email, user.confirmed_at), (&new, None));
        let mails = mails(&user);
        assert_eq!(
            mails,
            [
                (MailKind::Security(EmailChanged), &email("ada@example.org")),
                (MailKind::ConfirmEmail, &new)
            ]
        );
        assert!(user.holds(&email("ada@example.org"), day(7)));
    }

    #[test]
    fn a_disabled_user_has_no_way_in_until_enabled() {
        let mut user = confirmed();
        user.reset = Some(ResetLink {
            digest: Token::random().digest(),
            expires_at: day(2),
            unknown: Default::default(),
        });
        assert!(!user.enable(&operator()));
        assert!(user.disable(&operator()));
        assert!(!user.disable(&operator()));
        assert_eq!(
            (&user.sessions, &user.devices, &user.reset),
            (&vec![], &vec![], &None)
        );
        assert!(!user.issue_reset(&user.email.clone(), Token::random().digest(), day(1)));
        assert!(user.enable(&operator()));
        assert!(user.issue_reset(&user.email.clone(), Token::random().digest(), day(1)));
        let mails: Vec<_> = user.notices.iter().map(|mail| mail.kind).collect();
        assert_eq!(mails, [MailKind::AccountDisabled, MailKind::AccountEnabled]);
        assert_eq!(
            kinds(&user.events),
            [EventKind::SignedUp, EventKind::Disabled, EventKind::Enabled]
        );
    }

    #[test]
    fn a_thief_cannot_undo_what_gives_an_account_back() {
        let thief = email("thief@example.org");
        let mut user = confirmed();
        user.set_address(&thief, &operator());
        user.confirm_by_operator(&operator());
        let link = NotMeLink {
            digest: Token::random().digest(),
            mail: MailId::random(),
            email: thief.clone(),
            event_at: day(1),
            expires_at: day(7),
            keeps_second_factors: false,
            unknown: Default::default(),
        };
        assert!(user.issue_not_me(link.clone(), SecurityEvent::NewDevice, day(1)));
        user.disable(&operator());
        assert!(user.secure(&link.digest, &operator()).is_err());
        assert!(!user.issue_not_me(link.clone(), SecurityEvent::NewDevice, day(1)));
        user.notices.clear();

        let own = email("ada@example.org");
        user.recover(&own, None, &operator());
        assert_eq!((&user.email, user.disabled_at), (&own, None));
        assert_eq!(user.password, PasswordHash::unusable());
        assert_eq!((user.sessions.len(), user.devices.len()), (0, 0));
        let mails = mails(&user);
        assert_eq!(
            mails,
            [
                (MailKind::AccountRecovered, &thief),
                (MailKind::ResetLink, &own)
            ]
        );
        // A mail that still waits to be sent to the thief gets a link that opens nothing.
        user.issue_not_me(link.clone(), SecurityEvent::NewDevice, day(1));
        assert!(user.secure(&link.digest, &operator()).is_err());
        assert!(!user.holds(&thief, day(1)));
    }

    #[test]
    fn the_second_factors_of_a_thief_end_with_a_recovery_if_that_is_asked_for() {
        let left = |since| {
            let mut user = confirmed();
            user.passkeys = vec![passkey(0), passkey(3)];
            user.recover(&email("ada@example.org"), since, &operator());
            user.passkeys.len()
        };
        assert_eq!(left(None), 2);
        assert_eq!(left(Some(day(2))), 1);
        assert_eq!(left(Some(Timestamp::PAST)), 0);
    }

    #[test]
    fn an_operator_ends_all_sessions() {
        let mut user = ada();
        assert_eq!(user.end_all_sessions(&operator()), 1);
        assert_eq!(user.end_all_sessions(&operator()), 0);
        assert_eq!(
            kinds(&user.events),
            [EventKind::SignedUp, EventKind::SessionEnded]
        );
    }
}
