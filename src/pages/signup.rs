//! `/auth/signup`

use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    form::{AccountForm, Purpose},
    scene::Scene,
};
use crate::auth::next;

/// The page to make an account.
#[component]
pub fn SignupPage() -> impl IntoView {
    let scene = Scene::of_request();
    let login = next::link("/auth/login", &scene.next);
    view! {
        <Title text=scene.title("Sign up") />
        <h1>"Sign up"</h1>
        <AccountForm
            purpose=Purpose::Signup
            typed=scene.typed
            next=scene.next
            token=scene.form_token
            refusal=scene.refusal
            takes_focus=true
        />
        <nav class="ways">
            <a href=login>"I have an account"</a>
        </nav>
    }
}
