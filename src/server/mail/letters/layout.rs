//! How a letter is laid out, as text and as HTML.

use url::Url;

use self::Paragraph::{Link, Words};
use crate::accounts::token::Token;

/// How every letter ends.
pub(super) const SIGNATURE: &str = "fpm-registry, the Fortran package registry";

/// A letter, written once and laid out as text and as HTML.
///
/// All of it is ASCII, free of characters that HTML would have to escape, in lines of mail length.
pub struct Letter {
    /// Its subject.
    pub subject: &'static str,
    /// What it says, one after the other.
    pub(super) paragraphs: Vec<Paragraph>,
}

/// A part of a letter.
pub(super) enum Paragraph {
    /// Text.
    Words(String),
    /// A link, which looks like a button in HTML.
    Link {
        /// What the button says.
        label: &'static str,
        /// Where it leads.
        address: String,
    },
}

impl Letter {
    /// The letter as plain text.
    pub fn text(&self) -> String {
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

    /// The letter as HTML.
    pub fn html(&self) -> String {
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
pub(super) struct Site<'a>(pub &'a Url);

impl Site<'_> {
    /// The address of a page.
    pub(super) fn page(self, path: &str) -> String {
        let mut page = self.0.clone();
        page.set_path(path);
        page.into()
    }

    /// The address of a page that a token opens.
    pub(super) fn link(self, path: &str, token: &Token) -> String {
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

/// A paragraph of text.
pub(super) fn words(text: impl Into<String>) -> Paragraph {
    Words(text.into())
}
