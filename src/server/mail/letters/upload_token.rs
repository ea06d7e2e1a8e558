//! The notices about upload tokens: that one was ended by who had its text, and that one expires soon.

use super::layout::{Letter, Paragraph::Link, SIGNATURE, Site, words};
use crate::accounts::clock::Timestamp;

const TOKENS_PAGE: &str = "/account/tokens";

/// An upload token was ended by somebody who had its text.
pub(super) fn ended(site: Site<'_>, last4: &str, at: Timestamp) -> Letter {
    let moment = at.in_words();
    Letter {
        subject: "An upload token of your fpm-registry account was ended",
        paragraphs: vec![
            words("Hello,"),
            words(format!(
                "The upload token of your fpm-registry account that ends in {last4} was ended on\n\
                 {moment}, by someone who had its whole text. No package can\n\
                 be published with it any more."
            )),
            words(
                "If that was not you, the text has leaked, for instance into a log or a public\n\
                 repository, and somebody did you a favour. Look at what was published lately,\n\
                 then make another token here:",
            ),
            Link {
                label: "Upload tokens",
                address: site.page(TOKENS_PAGE),
            },
            words(SIGNATURE),
        ],
    }
}

/// An upload token expires soon.
pub(super) fn expires(site: Site<'_>, last4: &str, at: Timestamp) -> Letter {
    let moment = at.in_words();
    Letter {
        subject: "An upload token of your fpm-registry account expires soon",
        paragraphs: vec![
            words("Hello,"),
            words(format!(
                "The upload token of your fpm-registry account that ends in {last4} expires on\n\
                 {moment}. If you still publish packages with it, replace it\n\
                 here; the old one then works for another day. Others may expire soon after:\n\
                 the list tells of all."
            )),
            Link {
                label: "Upload tokens",
                address: site.page(TOKENS_PAGE),
            },
            words("If you do not need it any more, you need not do anything."),
            words(SIGNATURE),
        ],
    }
}
