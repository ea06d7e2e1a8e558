//! `POST /auth/login`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{CODE, EMAIL, Field, PASSWORD},
    form::{Button, Done, Form, Gate},
    reply::{Refusal, Reply},
};

/// The page to log in.
pub const PAGE: &str = "/auth/login";

/// The form to log in.
pub static FORM: Form = Form {
    path: <Login as ServerFn>::PATH,
    page: Some(PAGE),
    gate: Gate::Anyone,
    fields: &[
        // Browsers offer passkeys there.
        Field {
            autocomplete: "username webauthn",
            ..EMAIL
        },
        PASSWORD,
    ],
    hidden: &["next"],
    secret: &[CODE.name],
    button: Button {
        idle: "Log in",
        sending: "Logging in…",
    },
    done: Done {
        message: "Login successful",
        page: "/",
        notice: None,
    },
};

/// Logs a user in. A program sends the code of a second factor along; a browser is asked for it by another page.
#[server(prefix = "/auth", endpoint = "login")]
pub async fn login(
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
    #[server(default)] code: String,
) -> Result<Reply, Refusal> {
    use crate::accounts::Login;

    let context = super::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    let second = context.second_step(&code);
    match accounts.login(caller, &email, &password, second).await? {
        Login::Done(logged_in) => {
            context.set_login_cookies(&logged_in);
            Ok(FORM.done_at(&next))
        }
        Login::Pending(token) => {
            context.set_pending_cookie(&token);
            Ok(FORM.goes_on_at(super::second_factor::PAGE, &next))
        }
    }
}
