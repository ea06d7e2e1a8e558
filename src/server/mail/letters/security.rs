//! The notices of what the owner should have done, each with the way to take the account back.

use super::{
    layout::{Letter, Paragraph, Paragraph::Link, SIGNATURE, Site, words},
    reset_link::RESET_PAGE,
};
use crate::accounts::{lifetimes::UNDO_LIFE, mail::SecurityNotice, security_event::SecurityEvent};

/// Something has happened to the account.
pub(super) fn letter(site: Site<'_>, notice: &SecurityNotice) -> Letter {
    let (subject, happened) = subject_and_words(notice);
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

/// What has happened.
fn subject_and_words(notice: &SecurityNotice) -> (&'static str, String) {
    let moment = notice.at.in_words();
    let device = notice.device;
    let of_account = |what: &str| {
        format!(
            "{what} the fpm-registry account with this\n\
             email address on {moment}."
        )
    };
    match notice.event {
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
        SecurityEvent::SecondFactorMissing => (
            "Someone has the password of your fpm-registry account",
            format!(
                "A device that we have not seen before sent the right password of the\n\
                 fpm-registry account with this email address on {moment},\n\
                 but no second factor, and so was not logged in.\n\
                 It calls itself: {device}"
            ),
        ),
        SecurityEvent::EmailChanged => (
            "The email of your fpm-registry account was changed",
            format!(
                "The fpm-registry account that had this email address has had another one since\n\
                 {moment}. From now on mail about the account goes there."
            ),
        ),
        SecurityEvent::TotpAdded => (
            "Authenticator app added to your fpm-registry account",
            of_account("An authenticator app was added to"),
        ),
        SecurityEvent::TotpRemoved => (
            "Authenticator app removed from your fpm-registry account",
            of_account("The authenticator app was removed from"),
        ),
        SecurityEvent::RecoveryCodesMade => (
            "New recovery codes for your fpm-registry account",
            of_account("New recovery codes, which end the older ones, were made for"),
        ),
        SecurityEvent::RecoveryCodeUsed => (
            "Recovery code of your fpm-registry account used",
            of_account("A recovery code, which does not work again, was used for"),
        ),
        SecurityEvent::PasskeyAdded => (
            "Passkey added to your fpm-registry account",
            of_account("A passkey was added to"),
        ),
        SecurityEvent::PasskeyRemoved => (
            "Passkey removed from your fpm-registry account",
            of_account("A passkey was removed from"),
        ),
        SecurityEvent::PasskeyRefused => (
            "Passkey of your fpm-registry account refused",
            [
                &of_account("A passkey that may have been copied was refused at a login to"),
                "\nRemove it under Security in your account, and add a new one.",
            ]
            .concat(),
        ),
        SecurityEvent::TotpClosed => (
            "Authenticator app of your fpm-registry account closed",
            [
                &of_account("After 100 wrong codes in a row the authenticator app was closed of"),
                "\nWhoever typed them knows the password. Log in with a recovery code or a passkey,\n\
                 which opens the app again, and change the password.",
            ]
            .concat(),
        ),
        SecurityEvent::EndOfSecondFactorsAsked => (
            "All second factors of your fpm-registry account are to be removed",
            [
                of_account("An operator of the registry was asked to help, and began to remove all second factors from").as_str(),
                "\nA day later the password alone is enough to log in. All of them stay if you\n",
                match notice.not_me {
                    Some(_) => "use the link below, or log in with one of them before.",
                    None => "log in with one of them before.",
                },
            ]
            .concat(),
        ),
        SecurityEvent::SecondFactorsEnded => (
            "All second factors of your fpm-registry account were removed",
            of_account("All second factors were removed, as an operator of the registry had begun, from"),
        ),
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
            "It logs out every device, ends the password, removes second factors that were added\n\
             since, makes this address that of the account again if it was changed, and sends you\n\
             a link to choose a new password. It works for {days} days."
        )),
    ]
}
