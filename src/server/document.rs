//! The HTML document around a page: head and scripts.

use leptos::{
    nonce::{provide_nonce, use_nonce},
    prelude::*,
};

use super::{drawn::Drawn, files::Client, state::State};
use crate::pages::frame::Frame;

/// How Leptos marks a place in a page, which HTML does not allow, and the same as HTML has it.
const MARK: (&str, &str) = ("<!>", "<!---->");

/// Draws a page in its frame.
///
/// Its data is there, so nothing is waited for: no stream, no executor, and an owner that ends here.
pub fn draw(state: &State, frame: &Frame, view: impl FnOnce(&Frame) -> AnyView) -> Drawn {
    let owner = Owner::new_root(None);
    let (html, nonce) = owner.with(|| {
        provide_nonce();
        let main = view(frame);
        let nonce = use_nonce().unwrap_or_default().to_string();
        (document(state, frame, main).to_html(), nonce)
    });
    owner.unset_with_forced_cleanup();
    Drawn {
        html: html.replace(MARK.0, MARK.1),
        nonce,
        has_form: frame.has_form(),
    }
}

/// The document, with scripts only if it has a form to hydrate.
fn document(state: &State, frame: &Frame, main: AnyView) -> impl IntoView + use<> {
    let files = state.site.files();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content="Accounts of the Fortran package registry." />
                <title>{frame.whole_title()}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=files.client.style.clone() />
                <AutoReload options=state.options.clone() />
                {frame.has_island().then(|| start(&files.client))}
            </head>
            <body>
                <header class="site">
                    <a href="/">
                        <img src="/favicon.svg" alt="" width="32" height="32" />
                        "fpm-registry"
                    </a>
                </header>
                <main>{main}</main>
                <footer class="foot">"Accounts of the Fortran package registry"</footer>
            </body>
        </html>
    }
}

/// Loads the client, and has it bring each island of the page to life.
///
/// Stands for Leptos's `HydrationScripts`, which reads the names from disk for every page, puts the nonce where
/// HTML knows no such value, and also serves what this site has not: islands with children.
fn start(client: &Client) -> impl IntoView + use<> {
    let (script, module) = (&client.script, &client.module);
    // The module is asked for by the script and not by a link, which would bring it to browsers without scripts.
    let code = format!(
        "const module_or_path = fetch({module:?});\
         const client = await import({script:?});\
         await client.default({{module_or_path}});\
         client.hydrate();\
         for (const island of document.querySelectorAll(\"leptos-island\")) \
         client[island.dataset.component](island);"
    );
    view! {
        <link rel="modulepreload" href=script.clone() />
        <script type="module" nonce=use_nonce()>
            {code}
        </script>
    }
}
