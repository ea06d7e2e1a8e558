//! The table of pages.

use leptos::prelude::*;
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use crate::{
    auth::Refusal,
    pages::{
        home::HomePage, login::LoginPage, problem::ProblemPage, reset_password::ResetPasswordPage,
        scene::Scene, signup::SignupPage,
    },
};

/// Every page; the problem of the scene stands in for the page where there is one.
#[component]
pub fn App() -> impl IntoView {
    match Scene::of_request().problem {
        Some(refusal) => view! { <ProblemPage refusal /> }.into_any(),
        None => view! { <Pages /> }.into_any(),
    }
}

#[component]
fn Pages() -> impl IntoView {
    let not_found = || view! { <ProblemPage refusal=Refusal::new(404, "Page not found") /> };
    view! {
        <Router>
            <Routes fallback=not_found>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async />
                <Route path=path!("/auth/login") view=LoginPage ssr=SsrMode::Async />
                <Route path=path!("/auth/signup") view=SignupPage ssr=SsrMode::Async />
                <Route path=path!("/auth/reset-password") view=ResetPasswordPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
