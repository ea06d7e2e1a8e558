//! The notices that an operator disabled an account, and enabled it again.

use super::layout::{Letter, Paragraph::Link, SIGNATURE, Site, words};
use crate::accounts::clock::Timestamp;

/// Your account was disabled.
pub(super) fn letter(at: Timestamp) -> Letter {
    let moment = at.in_words();
    Letter {
        subject: "Your fpm-registry account was disabled",
        paragraphs: vec![
            words("Hello,"),
            words(format!(
                "An operator of the registry disabled the fpm-registry account with this email\n\
                 address on {moment}. Every device is logged out, and nobody can\n\
                 log in until it is enabled again."
            )),
            words("Nothing is deleted. To ask why, write to those who run the registry."),
            words(SIGNATURE),
        ],
    }
}

/// Your account was enabled again.
pub(super) fn enabled(site: Site<'_>, at: Timestamp) -> Letter {
    let moment = at.in_words();
    Letter {
        subject: "Your fpm-registry account was enabled again",
        paragraphs: vec![
            words("Hello,"),
            words(format!(
                "An operator of the registry enabled the fpm-registry account with this email\n\
                 address again on {moment}. You can log in here:"
            )),
            Link {
                label: "Log in",
                address: site.page("/auth/login"),
            },
            words(SIGNATURE),
        ],
    }
}
