//! Where the browser's half starts.

use leptos::{prelude::window, server_fn::redirect::set_redirect_hook};
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page's script before it hydrates the islands.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    let _ = set_redirect_hook(|location| {
        let _ = window().location().assign(location);
    });
    leptos::mount::hydrate_islands();
}
