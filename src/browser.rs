//! Where the browser's half starts.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the page's script before it hydrates the islands.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
