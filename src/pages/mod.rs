//! What a browser shows, one page a file: the data of a page, and how it looks. Drawn on the server alone.
//!
//! # Layout
//! - [`home`], [`login`], [`signup`], [`reset_password`]: the pages
//! - [`problem`]: what stands in for a page if there is none
//! - [`request`]: what a page is asked with; [`frame`]: what stands around it

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

/// A page: its data, and how it looks.
pub trait Page: Sized + Send {
    /// Where it is.
    const PATH: &'static str;

    /// Its data; or where else to go, or why there is no page.
    fn load(request: &mut PageRequest) -> impl Future<Output = Result<Self, Detour>> + Send;

    /// Whether it looks the same to everybody. Such a page is drawn once and copied.
    fn is_same_for_all(&self) -> bool {
        false
    }

    /// How it looks.
    fn view(self, frame: &Frame) -> AnyView;
}
