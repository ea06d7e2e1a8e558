//! What the mails say, a letter a file.
//!
//! A letter holds nothing that a user typed, not even a name: whoever signs up with another's address
//! could otherwise have us send words and links of their choice.

mod account_closed;
mod account_deleted;
mod confirm_email;
mod email_in_use;
mod reset_link;
mod security;

use url::Url;

use self::Paragraph::{Link, Words};
use crate::accounts::{mail, token::Token};

const SIGNATURE: &str = "fpm-registry, the Fortran package registry";

/// A letter, written once and laid out as text and as HTML.
///
/// All of it is ASCII, free of characters that HTML would have to escape, in lines of mail length.
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
    /// The letter with links to the site at `public_url`.
    pub(super) fn new(letter: &mail::Letter, public_url: &Url) -> Self {
        let site = Site(public_url);
        match letter {
            mail::Letter::ResetLink(token) => reset_link::letter(site, token),
            mail::Letter::AccountClosed(token) => account_closed::letter(site, token),
            mail::Letter::ConfirmEmail(token) => confirm_email::of_signup(site, token),
            mail::Letter::ConfirmChange(token) => confirm_email::of_change(site, token),
            mail::Letter::EmailInUse => email_in_use::letter(site),
            mail::Letter::Security(notice) => security::letter(site, notice),
            mail::Letter::AccountDeleted(at) => account_deleted::letter(*at),
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

/// The site that links lead to.
#[derive(Clone, Copy)]
struct Site<'a>(&'a Url);

impl Site<'_> {
    /// The address of a page.
    fn page(self, path: &str) -> String {
        let mut page = self.0.clone();
        page.set_path(path);
        page.into()
    }

    /// The address of a page that a token opens.
    fn link(self, path: &str, token: &Token) -> String {
        format!("{}?uuid={}", self.page(path), token.reveal())
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

fn words(text: impl Into<String>) -> Paragraph {
    Words(text.into())
}
