//! `POST /auth/signup`

#![allow(
    missing_docs,
    reason = "the server macro writes a struct for each function"
)]

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    field::{EMAIL, Field, NAME, NEW_PASSWORD},
    form::{Button, Done, Form, Gate},
    reply::{Refusal, Reply},
};

/// The form to make an account.
pub static FORM: Form = Form {
    path: <Signup as ServerFn>::PATH,
    page: Some("/auth/signup"),
    gate: Gate::Anyone,
    fields: &[
        NAME,
        Field {
            hint: Some("To log in with. We write only about your account."),
            ..EMAIL
        },
        Field {
            label: "Password",
            ..NEW_PASSWORD
        },
    ],
    hidden: &["next"],
    secret: &[],
    button: Button {
        idle: "Sign up",
        sending: "Signing up…",
    },
    done: Done {
        message: "Signup successful",
        page: "/",
        notice: None,
    },
};

/// Makes an account and logs its user in.
#[server(prefix = "/auth", endpoint = "signup")]
pub async fn signup(
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
    #[server(default)] next: String,
) -> Result<Reply, Refusal> {
    let context = super::context::Context::of_request();
    let (accounts, caller) = (&context.accounts, &context.caller);
    let logged_in = accounts.signup(caller, &name, &email, &password).await?;
    context.set_login_cookies(&logged_in);
    Ok(FORM.done_at(&next))
}
