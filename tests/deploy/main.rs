//! What an operator ships: the one file, and what `deploy/` sets up around it.
//!
//! `make deploy` runs it with the release build as `REGISTRY` and Debian's nginx and Caddy below `PROXIES`; what is not
//! there is not tested, which a line says. No container engine is needed, so that no image is built.
#![cfg(feature = "ssr")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../common/socket.rs"]
mod socket;

mod backend;
mod container;
mod doctor;
mod folder;
mod forward_auth;
mod one_file;
mod proxies;
mod service;
