//! The forms by which a user adds and removes second factors, one a file.
//!
//! # Layout
//! - [`begin_totp`], [`confirm_totp`], [`end_totp`]: the authenticator app
//! - [`begin_passkey`], [`add_passkey`], [`end_passkey`]: passkeys
//! - [`make_recovery_codes`]: recovery codes

pub mod add_passkey;
pub mod begin_passkey;
pub mod begin_totp;
pub mod confirm_totp;
pub mod end_passkey;
pub mod end_totp;
pub mod make_recovery_codes;

/// The page of one's password, second factors and recovery codes.
const PAGE: &str = "/account/security";
/// The page with the secret of an authenticator app that is being added.
const TOTP_PAGE: &str = "/account/totp";
