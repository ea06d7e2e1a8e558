//! `/auth/login`

use leptos::prelude::*;

use super::{form::Purpose, scene::Scene};
use crate::auth::next;

/// The page to log in.
#[component]
pub fn LoginPage() -> impl IntoView {
    let scene = Scene::of_request();
    let signup = next::link("/auth/signup", &scene.next);
    view! {
        {scene.heading("Log in")}
        {scene.status()}
        {scene.form(Purpose::Login, true)}
        <nav class="ways">
            <a href="/auth/reset-password">"Forgot your password?"</a>
            " "
            <a href=signup>"Create an account"</a>
        </nav>
    }
}
