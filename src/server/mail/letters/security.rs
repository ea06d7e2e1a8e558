//! The notices of what the owner should have done, each with the way to take the account back.

use super::{
    layout::{Letter, Paragraph, Paragraph::Link, SIGNATURE, Site, words},
    reset_link::RESET_PAGE,
};
use crate::accounts::{
    lifetimes::UNDO_LIFE,
    mail::{SecurityEvent, SecurityNotice},
};

/// Something has happened to the account.
pub(super) fn letter(site: Site<'_>, notice: &SecurityNotice) -> Letter {
    let moment = notice.at.in_words();
    let device = notice.device;
    let (subject, happened) = match notice.event {
        SecurityEvent::PasswordChanged => (
            "Your fpm-registry password was changed",
            format!(
                "The password of the fpm-registry account with this email address was changed\n\
                 on {moment}. All other devices have been logged out."
            ),
        ),
        SecurityEvent::NewDevice => (
            "New device logged in to your fpm-registry account",
            format!(
                "A device that we have not seen before logged in to the fpm-registry account\n\
                 with this email address on {moment}.\nIt calls itself: {device}"
            ),
        ),
        SecurityEvent::EmailChanged => (
            "The email of your fpm-registry account was changed",
            format!(
                "The fpm-registry account that had this email address has had another one since\n\
                 {moment}. From now on mail about the account goes there."
            ),
        ),
    };
    let mut paragraphs = vec![
        words("Hello,"),
        words(happened),
        words("If it was you, you need not do anything."),
    ];
    paragraphs.extend(way_back(site, notice));
    paragraphs.push(words(SIGNATURE));
    Letter {
        subject,
        paragraphs,
    }
}

fn way_back(site: Site<'_>, notice: &SecurityNotice) -> Vec<Paragraph> {
    let days = UNDO_LIFE.as_secs() / (24 * 3600);
    let Some(token) = &notice.not_me else {
        return vec![
            words("If it was not you, take your account back by choosing a new password here:"),
            Link {
                label: "Choose a new password",
                address: site.page(RESET_PAGE),
            },
        ];
    };
    vec![
        words(
            "If it was not you, someone else may be using your account, or reading your email.\n\
             Change the password of your mailbox first, then take your account back here:",
        ),
        Link {
            label: "This was not me",
            address: site.link("/auth/not-me", token),
        },
        words(format!(
            "It logs out every device, ends the password, makes this address that of the account\n\
             again if it was changed, and sends you a link to choose a new password. It works\n\
             for {days} days."
        )),
    ]
}
