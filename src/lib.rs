//! The account service of the Fortran package registry: login, signup, logout and password reset, as pages
//! and as plain HTTP.
//!
//! # Layout
//! - [`accounts`]: the service itself, with no HTTP and no database
//! - [`auth`]: the five server functions, which are the routes, and what they answer
//! - [`pages`]: what a browser shows, one page a file; `browser`: the client's own start
//! - [`app`]: the table of pages
//! - [`server`]: router, door, document, settings, mail and stores
//!
//! Imports go one way: `main → server → app → pages → auth → accounts`, and `server → accounts`.

#[cfg(feature = "ssr")]
pub mod accounts;
#[cfg(feature = "ssr")]
pub mod app;
pub mod auth;
#[cfg(feature = "hydrate")]
mod browser;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod server;
