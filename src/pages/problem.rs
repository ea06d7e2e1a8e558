//! The page for everything that has no page of its own: not found, not allowed, failed.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::auth::Refusal;

/// Says what is wrong, and the way on.
#[component]
pub fn ProblemPage(
    /// What is wrong.
    refusal: Refusal,
) -> impl IntoView {
    let heading = match refusal.code {
        404 => "Page not found",
        429 => "Too many tries",
        503 => "Not available right now",
        500..=599 => "Something went wrong",
        _ => "This request was refused",
    };
    view! {
        <Title text=heading />
        <h1>{heading}</h1>
        <p role="alert">{refusal.message}</p>
        <nav class="ways">
            <a href="/">"To the start page"</a>
        </nav>
    }
}
