//! The notice that an operator gave an account to another address.

use super::layout::{Letter, SIGNATURE, words};
use crate::accounts::clock::Timestamp;

/// The account of this address has another one.
pub(super) fn letter(at: Timestamp) -> Letter {
    let moment = at.in_words();
    Letter {
        subject: "Your fpm-registry account has another email address",
        paragraphs: vec![
            words("Hello,"),
            words(format!(
                "An operator of the registry gave the fpm-registry account with this email\n\
                 address to another address on {moment}, since its owner asked to\n\
                 have it back. Nobody can log in with this address any more."
            )),
            words("If the account is yours, write to those who run the registry."),
            words(SIGNATURE),
        ],
    }
}
