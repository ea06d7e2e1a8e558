//! The link to choose a new password.

use super::layout::{Letter, Paragraph::Link, SIGNATURE, Site, words};
use crate::accounts::{lifetimes::RESET_LIFE, token::Token};

/// The page that the link leads to.
pub(super) const RESET_PAGE: &str = "/auth/reset-password";

/// Here is the link to choose a new password.
pub(super) fn letter(site: Site<'_>, token: &Token, has_password: bool) -> Letter {
    let minutes = RESET_LIFE.as_secs() / 60;
    let (why, else_what) = match has_password {
        true => (
            "Someone asked for a new password for the fpm-registry account with this\n\
             email address. If it was you, choose your new password here:",
            "If it was not you, you need not do anything: your password stays as it is,\n\
             and the link expires by itself.",
        ),
        false => (
            "The fpm-registry account with this email address has no password that works.\n\
             Choose a new one here:",
            "Until then nobody can log in to the account.",
        ),
    };
    Letter {
        subject: "Reset your fpm-registry password",
        paragraphs: vec![
            words("Hello,"),
            words(why),
            Link {
                label: "Choose a new password",
                address: site.link(RESET_PAGE, token),
            },
            words(format!(
                "The link works once, within {minutes} minutes of this email. If you ask again, the\n\
                 newer email ends the link in this one."
            )),
            words(else_what),
            words(SIGNATURE),
        ],
    }
}
