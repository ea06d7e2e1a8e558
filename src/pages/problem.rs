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
    let (heading, advice) = match refusal.code {
        403 => (
            "Refused for your safety",
            "Open the page here, and send the form from it.",
        ),
        404 => (
            "Page not found",
            "The address may be mistyped, or what was here is gone.",
        ),
        429 => ("Too many attempts", "Wait a little before you try again."),
        503 => (
            "Not available right now",
            "Load this page again in a moment.",
        ),
        500..=599 => (
            "A fault on our side",
            "It has been written down for us to look at.",
        ),
        _ => (
            "This request was refused",
            "Go back and try it another way.",
        ),
    };
    let sentence = (refusal.message != heading).then_some(refusal.message);
    view! {
        <Title text=heading />
        <h1>{heading}</h1>
        {sentence.map(|sentence| view! { <p role="alert">{sentence}</p> })}
        <p class="lead">{advice}</p>
        <nav class="ways">
            <a href="/">"To the start page"</a>
            " "
            <a href="/auth/login">"Log in"</a>
        </nav>
    }
}
