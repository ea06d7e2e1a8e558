//! The forms, one a file: a declaration, and the server function that handles its route.
//!
//! Everything else reads the declaration: the fields of a request body, who may submit the form, the page that shows it
//! again after a refusal, and how it is rendered.
//!
//! # Layout
//! - [`login`], [`signup`], [`logout`], [`forgot_password`], [`reset_password`]: the forms
//! - [`form`]: the declaration; [`field`]: fields, and those that several forms have
//! - [`reply`]: the answers of a server function; [`refusal`]: status and reason of each error of the accounts
//! - [`island`]: renders a form; [`send`]: sends it by `fetch` once it is hydrated
//! - [`context`]: what a server function works with; [`cookie`]: the cookies; [`next`]: where a login leads
//! - [`check`]: every server function must be in [`FORMS`]

#[cfg(feature = "ssr")]
pub mod check;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod cookie;
pub mod field;
pub mod forgot_password;
pub mod form;
pub mod island;
pub mod login;
pub mod logout;
#[cfg(feature = "ssr")]
pub mod next;
#[cfg(feature = "ssr")]
pub mod refusal;
pub mod reply;
pub mod reset_password;
pub mod send;
pub mod signup;

use form::Form;

/// Every form. The server refuses to start if a server function is missing here.
pub static FORMS: &[&Form] = &[
    &login::FORM,
    &signup::FORM,
    &logout::FORM,
    &forgot_password::FORM,
    &reset_password::FORM,
];

impl Form {
    /// The form that posts to this path.
    pub fn at(path: &str) -> Option<&'static Self> {
        FORMS.iter().copied().find(|form| form.path == path)
    }
}
