//! `/`

use leptos::prelude::*;
use leptos_meta::Title;

use super::scene::{Scene, Visitor};

/// Shows who is logged in, or the way to log in.
#[component]
pub fn HomePage() -> impl IntoView {
    match Scene::of_request().visitor {
        Some(visitor) => view! { <LoggedIn visitor /> }.into_any(),
        None => view! { <LoggedOut /> }.into_any(),
    }
}

#[component]
fn LoggedIn(visitor: Visitor) -> impl IntoView {
    view! {
        <Title text="Your account" />
        <h1>"Your account"</h1>
        <p>"You are logged in as " <strong>{visitor.name}</strong> " (" {visitor.email} ")."</p>
        <form action="/auth/logout" method="post">
            <button class="button" type="submit">
                "Log out"
            </button>
        </form>
        <nav class="ways">
            <a href="/auth/reset-password">"Change your password"</a>
        </nav>
    }
}

#[component]
fn LoggedOut() -> impl IntoView {
    view! {
        <Title text="Home" />
        <h1>"Fortran package registry"</h1>
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
