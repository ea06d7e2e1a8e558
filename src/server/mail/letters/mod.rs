//! What the mails say, a letter a file; [`layout`] makes text and HTML of them.
//!
//! A letter holds nothing that a user typed, not even a name: whoever signs up with another's address
//! could otherwise have us send words and links of their choice.

mod account_closed;
mod account_deleted;
mod account_disabled;
mod account_recovered;
mod confirm_email;
mod email_in_use;
pub mod layout;
mod reset_link;
mod security;
pub mod test_mail;
mod upload_token;

use url::Url;

use self::layout::{Letter, Site};
use crate::accounts::mail;

/// The letter that says this, with links to the site at `public_url`.
pub fn letter(letter: &mail::Letter, public_url: &Url) -> Letter {
    let site = Site(public_url);
    match letter {
        mail::Letter::ResetLink {
            token,
            has_password,
        } => reset_link::letter(site, token, *has_password),
        mail::Letter::AccountClosed(token) => account_closed::letter(site, token),
        mail::Letter::ConfirmEmail(token) => confirm_email::of_signup(site, token),
        mail::Letter::ConfirmChange(token) => confirm_email::of_change(site, token),
        mail::Letter::EmailInUse => email_in_use::letter(site),
        mail::Letter::Security(notice) => security::letter(site, notice),
        mail::Letter::AccountDeleted { at, by_operator } => {
            account_deleted::letter(*at, *by_operator)
        }
        mail::Letter::AccountDisabled(at) => account_disabled::letter(*at),
        mail::Letter::AccountEnabled(at) => account_disabled::enabled(site, *at),
        mail::Letter::AccountRecovered(at) => account_recovered::letter(*at),
        mail::Letter::UploadTokenEnded { last4, at } => upload_token::ended(site, last4, *at),
        mail::Letter::UploadTokenExpires { last4, at } => upload_token::expires(site, last4, *at),
    }
}
