//! The page for refusals that belong to no other page: not found, not allowed, failed.

use leptos::prelude::*;

use super::frame::Frame;
use crate::forms::reply::{Reason, Refusal};

/// Says what is wrong and what to do, with links to other pages.
pub fn view(refusal: Refusal, frame: &Frame) -> impl IntoView + use<> {
    let (heading, advice) = words(&refusal);
    // The sentence is left out if the heading already says the same, as for 404.
    let sentence = (refusal.message != heading).then_some(refusal.message);
    view! {
        {frame.heading(heading)}
        {sentence.map(|sentence| view! { <p role="alert">{sentence}</p> })}
        <p class="lead">{advice}</p>
        <nav class="links">
            <a href="/">"Home page"</a>
            " "
            <a href="/auth/login">"Log in"</a>
        </nav>
    }
}

/// The heading and the advice for a refusal.
fn words(refusal: &Refusal) -> (&'static str, &'static str) {
    match refusal.reason {
        Reason::OtherSite | Reason::OutdatedForm => (
            "Refused for your safety",
            "Open the page here, and send the form from it.",
        ),
        Reason::NotFound => (
            "Page not found",
            "The address may be mistyped, or what was here is gone.",
        ),
        Reason::LinkDead => (
            "This link no longer works",
            "A mailed link works once and for a limited time, and a newer one ends it. \
             Log in to ask for another one.",
        ),
        Reason::TooManyAttempts => ("Too many attempts", "Wait a little before you try again."),
        Reason::Busy | Reason::Unavailable => (
            "Not available right now",
            "Load this page again in a moment.",
        ),
        Reason::Internal => (
            "A fault on our side",
            "It has been written down for us to look at.",
        ),
        _ => (
            "This request was refused",
            "Go back and try it another way.",
        ),
    }
}
