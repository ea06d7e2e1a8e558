//! The link to confirm an address.

use super::layout::{Letter, Paragraph, Paragraph::Link, SIGNATURE, Site, words};
use crate::accounts::{lifetimes::CONFIRMATION_LIFE, token::Token};

/// The address of a new account.
pub(super) fn of_signup(site: Site<'_>, token: &Token) -> Letter {
    Letter {
        subject: "Confirm your email for fpm-registry",
        paragraphs: vec![
            words("Hello,"),
            words(
                "Someone signed up at fpm-registry with this email address. If it was you,\n\
                 confirm that mail to it reaches you:",
            ),
            link(site, token),
            until(),
            words(
                "If it was not you, you need not do anything. Without your confirmation nobody\n\
                 can publish packages in the name of this address.",
            ),
            words(SIGNATURE),
        ],
    }
}

/// The address that is to take the place of an account's.
pub(super) fn of_change(site: Site<'_>, token: &Token) -> Letter {
    Letter {
        subject: "Confirm your new email for fpm-registry",
        paragraphs: vec![
            words("Hello,"),
            words(
                "Someone asked to make this email address that of their fpm-registry account.\n\
                 If it was you, confirm it here:",
            ),
            link(site, token),
            until(),
            words("If it was not you, you need not do anything: nothing has changed."),
            words(SIGNATURE),
        ],
    }
}

fn link(site: Site<'_>, token: &Token) -> Paragraph {
    Link {
        label: "Confirm this email",
        address: site.link("/auth/confirm-email", token),
    }
}

fn until() -> Paragraph {
    let hours = CONFIRMATION_LIFE.as_secs() / 3600;
    words(format!(
        "You are asked to log in first. The link works once, within {hours} hours of this email.\n\
         If another one is asked for, the newer email ends the link in this one."
    ))
}
