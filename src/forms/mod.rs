//! The forms, one a file: a declaration, and the server function that it calls, which is the route.
//!
//! Whatever else has to know a form reads its declaration: which fields a body may have, who may send it, where it
//! comes back if it is refused, how it is drawn.
//!
//! # Layout
//! - [`login`], [`signup`], [`logout`], [`forgot_password`], [`reset_password`]: the forms
//! - [`form`]: what a form declares; [`field`]: fields that forms share; [`reply`]: what
//!   a server function answers
//! - [`island`]: a form in the browser; [`send`]: how it is sent
//! - [`context`]: what a server function finds around it; [`refusal`]: what each error is to a client
//! - [`cookie`], [`next`]: cookies, and where a login leads; [`check`]: that no server function is forgotten

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

/// Every form. A server function that is not here ends the start.
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
