//! What a browser shows, one page a file. Pages are drawn on the server; [`form`] alone also runs in the
//! browser, as the island of every page that has a form.

pub mod form;
#[cfg(feature = "ssr")]
pub mod home;
#[cfg(feature = "ssr")]
pub mod login;
#[cfg(feature = "ssr")]
pub mod problem;
#[cfg(feature = "ssr")]
pub mod reset_password;
#[cfg(feature = "ssr")]
pub mod scene;
#[cfg(feature = "ssr")]
pub mod signup;
