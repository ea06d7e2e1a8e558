//! The forms, one a file: a declaration, and the server function that handles its route.
//!
//! Everything else reads the declaration: the fields of a request body, who may submit the form, the page that shows it
//! again after a refusal, and how it is rendered.
//!
//! # Layout
//! - [`login`], [`second_factor`], [`passkey`], [`signup`], [`logout`], [`forgot_password`], [`reset_password`]: the forms for everybody
//! - [`change_name`], [`change_password`], [`change_email`], [`resend_confirmation`], [`delete_account`],
//!   [`end_session`], [`end_other_sessions`]: those of the account area
//! - [`upload_tokens`]: those of upload tokens; [`second_factors`]: those of second factors
//! - [`confirm_email`], [`not_me`]: those behind mailed links
//! - [`form`]: the declaration; [`field`]: fields, and those that several forms have
//! - [`reply`]: the answers of a server function; [`refusal`]: status and reason of each error of the accounts
//! - [`island`]: renders a form; [`send`]: sends it by `fetch` once it is hydrated
//! - [`answers`]: what the server function of each form can answer
//! - [`context`]: what a server function works with; [`client`]: the kinds of clients; [`cookie`]: the cookies; [`next`]: where a login leads
//! - [`check`]: every server function must be in [`FORMS`]

#[cfg(feature = "ssr")]
pub mod answers;
pub mod change_email;
pub mod change_name;
pub mod change_password;
#[cfg(feature = "ssr")]
pub mod check;
#[cfg(feature = "ssr")]
pub mod client;
pub mod confirm_email;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod cookie;
pub mod delete_account;
pub mod end_other_sessions;
pub mod end_session;
pub mod field;
pub mod forgot_password;
pub mod form;
pub mod island;
pub mod login;
pub mod logout;
#[cfg(feature = "ssr")]
pub mod next;
pub mod not_me;
pub mod passkey;
#[cfg(feature = "ssr")]
pub mod refusal;
pub mod reply;
pub mod resend_confirmation;
pub mod reset_password;
pub mod second_factor;
pub mod second_factors;
pub mod send;
pub mod signup;
pub mod upload_tokens;

use form::Form;

/// Every form. The server refuses to start if a server function is missing here.
pub static FORMS: &[&Form] = &[
    &login::FORM,
    &second_factor::FORM,
    &passkey::begin::FORM,
    &passkey::log_in::FORM,
    &signup::FORM,
    &logout::FORM,
    &forgot_password::FORM,
    &reset_password::FORM,
    &confirm_email::FORM,
    &not_me::FORM,
    &change_name::FORM,
    &change_password::FORM,
    &change_email::FORM,
    &resend_confirmation::FORM,
    &end_session::FORM,
    &end_other_sessions::FORM,
    &delete_account::FORM,
    &second_factors::begin_totp::FORM,
    &second_factors::confirm_totp::FORM,
    &second_factors::end_totp::FORM,
    &second_factors::make_recovery_codes::FORM,
    &second_factors::begin_passkey::FORM,
    &second_factors::add_passkey::FORM,
    &second_factors::end_passkey::FORM,
    &upload_tokens::make::FORM,
    &upload_tokens::rotate::FORM,
    &upload_tokens::end::FORM,
    &upload_tokens::end_all::FORM,
    &upload_tokens::end_by_holder::FORM,
    &upload_tokens::check::FORM,
    &upload_tokens::used::FORM,
];

impl Form {
    /// The form that posts to this path.
    pub fn at(path: &str) -> Option<&'static Self> {
        FORMS.iter().copied().find(|form| form.path == path)
    }
}
