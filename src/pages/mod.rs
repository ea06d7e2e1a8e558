//! The pages, one a file: how a page loads its data, and its view. Rendered on the server only.
//!
//! # Layout
//! - [`home`], [`login`], [`signup`], [`reset_password`]: the pages
//! - [`problem`]: the page for errors that belong to no other page
//! - [`request`]: the request as pages read it; [`frame`]: title, notice and forms of a page

pub mod frame;
pub mod home;
pub mod login;
pub mod problem;
pub mod request;
pub mod reset_password;
pub mod signup;

use leptos::prelude::AnyView;

use self::{
    frame::Frame,
    request::{Detour, PageRequest},
};

/// A page: its data, and its view.
pub trait Page: Sized + Send {
    /// Its path.
    const PATH: &'static str;

    /// Loads its data. Or a redirect, or a refusal.
    fn load(request: &mut PageRequest) -> impl Future<Output = Result<Self, Detour>> + Send;

    /// Whether it looks the same to every visitor. Such a page is prerendered: rendered once, then copied.
    fn is_same_for_all(&self) -> bool {
        false
    }

    /// The content of the page.
    fn view(self, frame: &Frame) -> AnyView;
}
