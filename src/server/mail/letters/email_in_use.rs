//! The notice that somebody wants an address that has an account.

use super::layout::{Letter, Paragraph::Link, SIGNATURE, Site, words};

/// Somebody asked to move an account to this address.
pub(super) fn letter(site: Site<'_>) -> Letter {
    Letter {
        subject: "This address has an fpm-registry account already",
        paragraphs: vec![
            words("Hello,"),
            words(
                "Someone asked to make this email address that of another fpm-registry account.\n\
                 It has an account already, so nothing was changed.",
            ),
            words(
                "If it was you, log in to the account of this address. To use the address for\n\
                 the other account, delete this one or change its address first.",
            ),
            Link {
                label: "Log in",
                address: site.page("/auth/login"),
            },
            words("If it was not you, you need not do anything."),
            words(SIGNATURE),
        ],
    }
}
