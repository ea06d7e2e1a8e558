//! The forms of upload tokens, one a file.
//!
//! # Layout
//! - [`make`], [`rotate`], [`end`], [`end_all`]: what their user does on the page of them
//! - [`end_by_holder`]: what anyone does who has the text of one
//! - [`check`], [`used`]: what the service asks that takes packages

pub mod check;
pub mod end;
pub mod end_all;
pub mod end_by_holder;
pub mod make;
pub mod rotate;
pub mod used;

/// The page of one's upload tokens.
const PAGE: &str = "/account/tokens";

/// The field with the handle of a token, or with its text where that is what is asked for.
pub const TOKEN_FIELD: &str = "token";
