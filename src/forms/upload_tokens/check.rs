//! `POST /auth/token/check`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use serde::{Deserialize, Serialize};

use super::TOKEN_FIELD;
use crate::forms::{
    form::{Button, Done, Form, Gate},
    reply::Refusal,
};

/// How the service that takes packages asks what an upload token allows.
pub static FORM: Form = Form {
    path: <CheckUploadToken as ServerFn>::PATH,
    page: None,
    gate: Gate::Anyone,
    fields: &[],
    hidden: &["package", "is_new"],
    secret: &[TOKEN_FIELD],
    button: Button {
        idle: "Check",
        sending: "Checking…",
    },
    done: Done {
        message: "",
        page: "/",
        notice: None,
    },
};

/// Whose token it is, and what it allows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Publisher {
    /// The id of the user, by which services know who somebody is.
    pub id: String,
    /// The address the user logs in with, empty until it is confirmed.
    pub email: String,
    /// The packages the token is for.
    pub packages: Vec<String>,
    /// What it may do.
    pub may: String,
    /// When it expires (RFC 3339).
    pub expires_at: String,
}

/// Whether an upload token allows to publish a package; nothing is used up. Who owns the package is not asked.
#[server(prefix = "/auth", endpoint = "token/check")]
pub async fn check_upload_token(
    #[server(default)] token: String,
    #[server(default)] package: String,
    #[server(default)] is_new: String,
) -> Result<Publisher, Refusal> {
    use crate::accounts::error::Error;

    let context = crate::forms::context::Context::of_request();
    let is_new = is_new.parse().map_err(|_| Error::IsNewRequired)?;
    let (accounts, caller) = (&context.accounts, &context.caller);
    let holder = accounts.check_upload_token(caller, &token, &package, is_new);
    let holder = holder.await?;
    let token = holder.credential;
    Ok(Publisher {
        id: holder.id.to_string(),
        email: match holder.email_confirmed {
            true => holder.email.as_str().to_owned(),
            false => String::new(),
        },
        packages: token.packages.texts(),
        may: token.may.word().to_owned(),
        expires_at: token.expires_at.rfc3339(),
    })
}
