//! `/auth/signup`

use leptos::prelude::*;

use super::{form::Purpose, scene::Scene};
use crate::auth::next;

/// The page to make an account.
#[component]
pub fn SignupPage() -> impl IntoView {
    let scene = Scene::of_request();
    let login = next::link("/auth/login", &scene.next);
    view! {
        {scene.heading("Sign up")}
        {scene.form(Purpose::Signup, true)}
        <nav class="ways">
            <a href=login>"I have an account"</a>
        </nav>
    }
}
