//! `/auth/login`

use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    form::{AccountForm, Purpose},
    scene::Scene,
};
use crate::auth::next;

/// The page to log in.
#[component]
pub fn LoginPage() -> impl IntoView {
    let scene = Scene::of_request();
    let signup = next::link("/auth/signup", &scene.next);
    view! {
        <Title text=scene.title("Log in") />
        <h1>"Log in"</h1>
        {scene.notice.map(|notice| view! { <p class="notice" role="status">{notice.sentence()}</p> })}
        <AccountForm
            purpose=Purpose::Login
            typed=scene.typed
            next=scene.next
            token=scene.form_token
            refusal=scene.refusal
            takes_focus=true
        />
        <nav class="ways">
            <a href="/auth/reset-password">"Forgot your password?"</a>
            <a href=signup>"Create an account"</a>
        </nav>
    }
}
