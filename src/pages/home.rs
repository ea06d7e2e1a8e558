//! `/`

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint},
    frame::Frame,
    request::{Detour, PageRequest},
};
use crate::{
    accounts::store::Visitor,
    forms::{answers::OF_THE_STORE, logout},
};

/// The home page: who is logged in, or links to log in and sign up.
pub struct HomePage {
    visitor: Option<Visitor>,
}

impl Page for HomePage {
    const PATH: &'static str = "/";
    const ENDPOINT: Endpoint = Endpoint {
        refusals: &[OF_THE_STORE],
        ..Endpoint::new(
            "Who is logged in, or the ways to log in",
            &[(200, Content::Page)],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let visitor = request.visitor().await?;
        let breached = visitor.as_ref().map(|visitor| visitor.password_breached);
        request.viewer.password_breached = breached.unwrap_or_default();
        Ok(Self { visitor })
    }

    fn is_same_for_all(&self) -> bool {
        self.visitor.is_none()
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        match self.visitor {
            Some(visitor) => logged_in(visitor, frame).into_any(),
            None => logged_out(frame).into_any(),
        }
    }
}

fn logged_in(visitor: Visitor, frame: &Frame) -> impl IntoView + use<> {
    let email = visitor.email.as_str().to_owned();
    view! {
        {frame.heading("Your account")}
        <p>"You are logged in as " <strong>{visitor.name}</strong> " (" {email} ")."</p>
        {frame.button_form(&logout::FORM, Vec::new())}
        <nav class="links">
            <a href="/account">"Account settings"</a>
            " "
            <a href="/account/sessions">"Sessions"</a>
            " "
            <a href="/account/tokens">"Upload tokens"</a>
            " "
            <a href="/account/history">"History"</a>
        </nav>
    }
}

fn logged_out(frame: &Frame) -> impl IntoView + use<> {
    frame.title("Home");
    view! {
        <h1>"Fortran package registry"</h1>
        {frame.status()}
        <p class="lead">"One account for the packages you publish. You are not logged in."</p>
        <nav class="choices">
            <a class="button" href="/auth/login">
                "Log in"
            </a>
            " "
            <a class="button quiet" href="/auth/signup">
                "Sign up"
            </a>
        </nav>
    }
}
