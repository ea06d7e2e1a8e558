//! The forms by which a passkey is used. Scripts fill them in and send them: no browser uses passkeys without.
//!
//! # Layout
//! - [`begin`]: what a browser is to ask its authenticators; [`log_in`]: what they answer

pub mod begin;
pub mod log_in;

/// The field with the answer of a browser's authenticators, as `PublicKeyCredential.toJSON()` says it.
pub const CREDENTIAL_FIELD: &str = "credential";
/// The field with what a passkey is asked for.
pub const PURPOSE_FIELD: &str = "purpose";
