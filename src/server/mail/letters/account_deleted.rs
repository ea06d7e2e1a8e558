//! The notice that the account is gone.

use super::layout::{Letter, SIGNATURE, words};
use crate::accounts::clock::Timestamp;

/// Your account was deleted.
pub(super) fn letter(at: Timestamp, by_operator: bool) -> Letter {
    let who = match by_operator {
        true => "an operator of the registry",
        false => "someone who knew its password",
    };
    let moment = at.in_words();
    Letter {
        subject: "Your fpm-registry account was deleted",
        paragraphs: vec![
            words("Hello,"),
            words(format!(
                "The fpm-registry account with this email address was deleted on\n\
                 {moment}, by {who}. It cannot be brought back."
            )),
            words(
                "You are welcome to sign up again with the same address. That is a new account,\n\
                 which has no rights of the old one.",
            ),
            words("This is the last email about it."),
            words(SIGNATURE),
        ],
    }
}
