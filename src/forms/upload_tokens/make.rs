//! `POST /account/tokens`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::PAGE;
use crate::forms::{
    field::{Field, NAME},
    form::{Button, Done, Form, Gate, Notice},
    reply::{Refusal, Reply},
};

/// The form to make an upload token.
pub static FORM: Form = Form {
    path: <MakeUploadToken as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::Recent,
    fields: &[TOKEN_NAME, PACKAGES, MAY, DAYS],
    hidden: &[],
    secret: &[],
    button: Button {
        idle: "Make token",
        sending: "Making…",
    },
    done: Done {
        message: "Token made",
        page: PAGE,
        notice: Some(Notice {
            word: "token-made",
            sentence: "The token was made.",
        }),
    },
};

/// What the user calls the token.
const TOKEN_NAME: Field = Field {
    label: "Name of the token",
    hint: Some("For you to recognize it by: where you will use it."),
    autocomplete: "off",
    ..NAME
};

/// The packages it is for.
const PACKAGES: Field = Field {
    name: "packages",
    label: "Packages",
    hint: Some("With spaces between, * for the rest of a name: stdlib json-*. All of them: *"),
    autocomplete: "off",
    ..NAME
};

/// What it may do.
const MAY: Field = Field {
    name: "may",
    label: "It may publish",
    kind: "select",
    options: &[
        ("publish", "New packages and versions"),
        ("publish-new", "New packages only"),
        ("publish-update", "New versions only"),
        ("first-publish", "One new package, once"),
    ],
    autocomplete: "off",
    ..NAME
};

/// How long it lives.
const DAYS: Field = Field {
    name: "days",
    label: "It expires after",
    kind: "select",
    options: &[
        ("7", "7 days"),
        ("30", "30 days"),
        ("90", "90 days"),
        ("365", "365 days"),
    ],
    autocomplete: "off",
    ..NAME
};

/// Makes an upload token. The answer has its text, which is told only now.
#[server(prefix = "/account", endpoint = "tokens")]
pub async fn make_upload_token(
    #[server(default)] name: String,
    #[server(default)] packages: String,
    #[server(default)] may: String,
    #[server(default)] days: String,
) -> Result<Reply, Refusal> {
    use crate::accounts::token_scope::WantedToken;

    let context = crate::forms::context::Context::of_request();
    let wanted = WantedToken::parse(&name, &packages, &may, &days)?;
    let (accounts, caller) = (&context.accounts, &context.caller);
    let text = accounts.make_upload_token(caller, &wanted).await?;
    Ok(context.show_once(&text, FORM.done()))
}
