//! What pages of the account area share.

use leptos::prelude::*;

use super::frame::Frame;
use crate::{accounts::clock::Timestamp, forms::logout};

/// The pages of the account area.
const AREA: [(&str, &str); 5] = [
    ("/account", "Account"),
    ("/account/security", "Security"),
    ("/account/sessions", "Sessions"),
    ("/account/tokens", "Tokens"),
    ("/account/history", "History"),
];

/// The way through the account area, and out of it (ASVS 7.4.4); `here` is the path of the page it stands on.
pub fn navigation(here: &str, frame: &Frame) -> impl IntoView + use<> {
    let links = AREA.map(|(path, name)| {
        let current = (path == here).then_some("page");
        view! {
            <a href=path aria-current=current>
                {name}
            </a>
            " "
        }
    });
    view! {
        <nav class="area" aria-label="Account">
            {links.collect_view()} {frame.button_form(&logout::FORM, Vec::new())}
        </nav>
    }
}

/// A moment in words.
pub fn moment(at: Timestamp) -> impl IntoView + use<> {
    view! { <time datetime=at.rfc3339()>{at.in_words()}</time> }
}

/// The day of a moment in words.
pub fn day(at: Timestamp) -> impl IntoView + use<> {
    view! { <time datetime=at.rfc3339()>{at.day_in_words()}</time> }
}
