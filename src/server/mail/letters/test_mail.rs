//! The mail that an operator sends to see whether mail arrives.

use super::layout::{Letter, SIGNATURE, words};

/// Mail of the registry arrives here.
pub fn letter() -> Letter {
    Letter {
        subject: "Test of the mail of fpm-registry",
        paragraphs: vec![
            words("Hello,"),
            words(
                "An operator of the registry sent this mail to see whether mail of the\n\
                 registry arrives here. It does.",
            ),
            words(SIGNATURE),
        ],
    }
}
