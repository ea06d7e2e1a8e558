//! The account service of the Fortran package registry: login, signup, logout and password reset, as pages
//! and as plain HTTP.
//!
//! # Layout
//! - [`accounts`]: the service itself, with no HTTP and no database
//! - [`forms`]: one form a file: a declaration, and the server function that it calls
//! - [`pages`]: what a browser shows, one page a file; `browser`: starts the client in the browser
//! - [`server`]: HTTP: the tables of pages and forms, the layers, settings, mail and stores
//! - [`cli`]: the commands of operators
//!
//! Imports go one way: `main → cli → server → pages → forms → accounts`.

#[cfg(feature = "ssr")]
pub mod accounts;
#[cfg(feature = "hydrate")]
mod browser;
#[cfg(feature = "ssr")]
pub mod cli;
pub mod forms;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod server;
