//! What a user is told of by a mail with the link "this was not me".

use serde::{Deserialize, Serialize};

/// What has happened to an account that its owner should have done. The history and the outbox store its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityEvent {
    /// The password was changed.
    PasswordChanged,
    /// A login from a device that was not known.
    NewDevice,
    /// A device that was not known gave the right password, and no second factor.
    SecondFactorMissing,
    /// Another address took the place of the old one.
    EmailChanged,
    /// An authenticator app was added.
    TotpAdded,
    /// The authenticator app was removed.
    TotpRemoved,
    /// Recovery codes were made, in the place of older ones.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A passkey was refused, since it may have been copied.
    PasskeyRefused,
    /// Too many wrong codes of the authenticator app: none is accepted any more.
    TotpClosed,
    /// An operator has all second factors removed a day later.
    EndOfSecondFactorsAsked,
    /// All second factors were removed, as an operator had asked.
    SecondFactorsEnded,
}

/// How much it matters, which decides how many mails tell of it and what makes room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// Whoever has the password can repeat it at will: few mails a day tell of it, and the history drops it first.
    Routine,
    /// Few mails a day tell of it.
    Notable,
    /// A mail tells of it each time.
    Serious,
    /// The same, and its mail has a link even where others get none any more: by it an owner loses the account.
    Loss,
}

impl SecurityEvent {
    /// What the history page says.
    pub fn in_words(self) -> &'static str {
        self.facts().0
    }

    /// Whether somebody tried to get in, or to guess, and did not succeed.
    pub fn is_of_an_attempt(self) -> bool {
        matches!(
            self,
            Self::SecondFactorMissing | Self::PasskeyRefused | Self::TotpClosed
        )
    }

    pub(super) fn severity(self) -> Severity {
        self.facts().1
    }

    fn facts(self) -> (&'static str, Severity) {
        use Severity::{Loss, Notable, Routine, Serious};
        match self {
            Self::PasswordChanged => ("Password changed", Loss),
            Self::NewDevice => ("Logged in from a new device", Routine),
            Self::SecondFactorMissing => ("Right password, but no second factor", Routine),
            Self::EmailChanged => ("Email changed", Loss),
            Self::TotpAdded => ("Authenticator app added", Notable),
            Self::TotpRemoved => ("Authenticator app removed", Notable),
            Self::RecoveryCodesMade => ("New recovery codes made", Notable),
            Self::RecoveryCodeUsed => ("Recovery code used", Serious),
            Self::PasskeyAdded => ("Passkey added", Notable),
            Self::PasskeyRemoved => ("Passkey removed", Notable),
            Self::PasskeyRefused => ("Passkey refused, it may have been copied", Notable),
            Self::TotpClosed => (
                "Authenticator app closed after too many wrong codes",
                Serious,
            ),
            Self::EndOfSecondFactorsAsked => ("Removal of all second factors asked for", Loss),
            Self::SecondFactorsEnded => ("All second factors removed", Serious),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::accounts::{mail::MailKind, record::Word, user::event::EventKind};

    #[test]
    fn mails_and_events_are_stored_by_the_same_word() {
        for word in [
            "password-changed",
            "new-device",
            "second-factor-missing",
            "email-changed",
            "totp-added",
            "totp-removed",
            "recovery-codes-made",
            "recovery-code-used",
            "passkey-added",
            "passkey-removed",
            "passkey-refused",
            "totp-closed",
            "end-of-second-factors-asked",
            "second-factors-ended",
        ] {
            let (mail, noted) = (MailKind::parse(word), EventKind::parse(word));
            let Some(MailKind::Security(event)) = mail else {
                panic!("{word} is no security mail");
            };
            assert_eq!(noted, Some(EventKind::Security(event)));
            assert_eq!(json!([mail, noted, event]), json!([word, word, word]));
        }
        let in_log = MailKind::Security(SecurityEvent::NewDevice).to_string();
        assert_eq!(in_log, "NewDevice");
        for word in ["unknown", "security", "of-a-later-version"] {
            assert_eq!(
                (MailKind::parse(word), EventKind::parse(word)),
                (None, None)
            );
        }
    }
}
