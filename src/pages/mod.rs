//! The pages, one a file: how a page loads its data, and its view. Rendered on the server only.
//!
//! # Layout
//! - [`home`], [`login`], [`second_factor`], [`signup`], [`reset_password`]: the pages for everybody
//! - [`account`], [`security`], [`totp`], [`sessions`], [`tokens`], [`history`]: the account area
//! - [`confirm_email`], [`not_me`]: behind mailed links, which [`link`] opens
//! - [`parts`]: navigation and dates of the account area
//! - [`problem`]: the page for errors that belong to no other page
//! - [`endpoint`]: what a page reads and answers, for programs to know
//! - [`request`]: the request as pages read it; [`frame`]: title, notice and forms of a page

pub mod account;
pub mod confirm_email;
pub mod endpoint;
pub mod frame;
pub mod history;
pub mod home;
pub mod link;
pub mod login;
pub mod not_me;
pub mod parts;
pub mod problem;
pub mod request;
pub mod reset_password;
pub mod second_factor;
pub mod security;
pub mod sessions;
pub mod signup;
pub mod tokens;
pub mod totp;

use leptos::prelude::IntoView;
use serde_json::Value;

use self::{
    endpoint::Endpoint,
    frame::Frame,
    request::{Detour, PageRequest},
};

/// A page: its data, and its view.
pub trait Page: Sized + Send {
    /// Its path.
    const PATH: &'static str;
    /// What it reads and answers.
    const ENDPOINT: Endpoint;

    /// Loads its data. Or a redirect, or a refusal.
    fn load(request: &mut PageRequest) -> impl Future<Output = Result<Self, Detour>> + Send;

    /// The same facts for a program, if it is a page of facts. [`Self::ENDPOINT`] says which.
    fn json(&self) -> Option<Value> {
        None
    }

    /// Whether it looks the same to every visitor. Such a page is prerendered: rendered once, then copied.
    fn is_same_for_all(&self) -> bool {
        false
    }

    /// The content of the page.
    fn view(self, frame: &Frame) -> impl IntoView + use<Self>;
}
