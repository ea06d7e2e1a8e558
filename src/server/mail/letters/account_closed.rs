//! The notice that only known devices can log in, with a way in.

use super::{
    layout::{Letter, Paragraph::Link, SIGNATURE, Site, words},
    reset_link::RESET_PAGE,
};
use crate::accounts::{lifetimes::RESET_LIFE, limit_table::IN_A_ROW, token::Token};

/// Only known devices can log in any more.
pub(super) fn letter(site: Site<'_>, token: &Token) -> Letter {
    let reset_page = site.page(RESET_PAGE);
    let minutes = RESET_LIFE.as_secs() / 60;
    Letter {
        subject: "Your fpm-registry account is closed to new devices",
        paragraphs: vec![
            words("Hello,"),
            words(format!(
                "Someone failed {IN_A_ROW} times to log in to the fpm-registry account with this email\n\
                 address. So for now only devices that you have used before can log in to it.\n\
                 These attempts failed, and they have changed nothing in the account."
            )),
            words("To open it to other devices again, choose a new password here:"),
            Link {
                label: "Choose a new password",
                address: site.link(RESET_PAGE, token),
            },
            words(format!(
                "The link works once, within {minutes} minutes of this email. Later, ask for another at\n\
                 {reset_page}"
            )),
            words("A device that you have used before goes on working without it."),
            words(SIGNATURE),
        ],
    }
}
