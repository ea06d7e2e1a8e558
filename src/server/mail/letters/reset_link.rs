//! The link to choose a new password.

use super::layout::{Letter, Paragraph::Link, SIGNATURE, Site, words};
use crate::accounts::{lifetimes::RESET_LIFE, token::Token};

/// The page that the link leads to.
pub(super) const RESET_PAGE: &str = "/auth/reset-password";

/// Here is the link to choose a new password.
pub(super) fn letter(site: Site<'_>, token: &Token) -> Letter {
    let minutes = RESET_LIFE.as_secs() / 60;
    Letter {
        subject: "Reset your fpm-registry password",
        paragraphs: vec![
            words("Hello,"),
            words(
                "Someone asked for a new password for the fpm-registry account with this\n\
                 email address. If it was you, choose your new password here:",
            ),
            Link {
                label: "Choose a new password",
                address: site.link(RESET_PAGE, token),
            },
            words(format!(
                "The link works once, within {minutes} minutes of this email. If you ask again, the\n\
                 newer email ends the link in this one."
            )),
            words(
                "If it was not you, you need not do anything: your password stays as it is,\n\
                 and the link expires by itself.",
            ),
            words(SIGNATURE),
        ],
    }
}
