//! The texts of the mails.
//!
//! A mail contains nothing that a user typed, not even a name: otherwise anyone could sign up with the address of
//! somebody else and have the server send them text and links of their choice.

use time::OffsetDateTime;
use url::Url;

use self::Paragraph::{Link, Words};
use crate::accounts::{
    clock::Timestamp, lifetimes::RESET_LIFE, limit_table::IN_A_ROW, mail, token::Token,
};

const SIGNATURE: &str = "fpm-registry, the Fortran package registry";

/// The subject and paragraphs of a mail, from which its plain text and its HTML are made.
///
/// All of it is ASCII, without characters that HTML has to escape, in lines short enough for a mail.
pub(super) struct Letter {
    pub(super) subject: &'static str,
    paragraphs: Vec<Paragraph>,
}

enum Paragraph {
    Words(String),
    Link {
        label: &'static str,
        address: String,
    },
}

impl Letter {
    pub(super) fn new(letter: &mail::Letter, reset_page: &Url) -> Self {
        let link = |token: &Token| format!("{reset_page}?uuid={}", token.reveal());
        match letter {
            mail::Letter::ResetLink(token) => reset_link(link(token)),
            mail::Letter::AccountClosed(token) => account_closed(link(token), reset_page),
            mail::Letter::PasswordChanged(moment) => {
                password_changed(*moment, reset_page.to_string())
            }
        }
    }

    pub(super) fn text(&self) -> String {
        let paragraphs: Vec<&str> = self
            .paragraphs
            .iter()
            .map(|paragraph| match paragraph {
                Words(words) => words.as_str(),
                Link { address, .. } => address.as_str(),
            })
            .collect();
        paragraphs.join("\n\n") + "\n"
    }

    pub(super) fn html(&self) -> String {
        let paragraphs: Vec<String> = self.paragraphs.iter().map(html_paragraph).collect();
        format!(
            r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{subject}</title></head>
<body style="max-width: 36em; margin: 0 auto; padding: 1em; font: 16px/1.5 sans-serif">
{body}
</body>
</html>
"#,
            subject = self.subject,
            body = paragraphs.join("\n"),
        )
    }
}

fn html_paragraph(paragraph: &Paragraph) -> String {
    match paragraph {
        Words(words) => format!("<p>{words}</p>"),
        Link { label, address } => format!(
            r#"<p><a href="{address}"
style="display: inline-block; padding: .6em 1em; border-radius: .3em; background: #734f96; color: #fff; text-decoration: none">{label}</a></p>
<p>Or copy this address into your browser:<br>
{address}</p>"#
        ),
    }
}

fn reset_link(address: String) -> Letter {
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
                address,
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

fn account_closed(address: String, reset_page: &Url) -> Letter {
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
                address,
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

fn password_changed(moment: Timestamp, address: String) -> Letter {
    let moment = date_and_time(moment);
    Letter {
        subject: "Your fpm-registry password was changed",
        paragraphs: vec![
            words("Hello,"),
            words(format!(
                "The password of the fpm-registry account with this email address was changed\n\
                 on {moment}. Every device has been logged out."
            )),
            words("If it was you, you need not do anything."),
            words(
                "If it was not you, someone may be reading your email, because the change was\n\
                 made with a link sent to this address. Change the password of your mailbox\n\
                 first, then take your account back by asking for a new link here:",
            ),
            Link {
                label: "Take your account back",
                address,
            },
            words(SIGNATURE),
        ],
    }
}

fn words(text: impl Into<String>) -> Paragraph {
    Words(text.into())
}

fn date_and_time(moment: Timestamp) -> String {
    let seconds = moment.millis().div_euclid(1000);
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{} {} {} at {:02}:{:02} UTC",
        at.day(),
        at.month(),
        at.year(),
        at.hour(),
        at.minute()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_for_people() {
        for (millis, written) in [
            (0, "1 January 1970 at 00:00 UTC"),
            (1_709_251_199_999, "29 February 2024 at 23:59 UTC"),
            (-1, "31 December 1969 at 23:59 UTC"),
            (i64::MAX, "1 January 1970 at 00:00 UTC"),
        ] {
            assert_eq!(date_and_time(Timestamp::from_millis(millis)), written);
        }
    }
}
