//! Renders the HTML document of a page: the page itself, and head and scripts around it.

use leptos::{
    nonce::{provide_nonce, use_nonce},
    prelude::*,
    tachys::view::Position,
};
use memchr::memmem;

use super::{files::ClientPaths, rendered::RenderedPage, state::State};
use crate::pages::frame::Frame;

/// An empty comment, as Leptos writes it, which is not valid HTML, and as HTML has it.
const COMMENT: (&str, &str) = ("<!>", "<!---->");

/// The end of the element that holds a page.
const END_OF_MAIN: &str = "</main>";
/// Room for a page of many rows, in bytes. A text that outgrows its room again and again costs more than this.
const ROOM: usize = 32 * 1024;

/// Renders a page.
///
/// Its data has been loaded, so this is synchronous: no stream and no executor, only a reactive owner for this call.
pub fn render<V: IntoView>(
    state: &State,
    frame: &Frame,
    view: impl FnOnce(&Frame) -> V,
) -> RenderedPage {
    let owner = Owner::new_root(None);
    let (main, document, nonce) = owner.with(|| {
        provide_nonce();
        let view = view(frame);
        let main = html_of(view! { {frame.warning()} {view} });
        let nonce = use_nonce().unwrap_or_default().to_string();
        (main, document(state, frame).to_html(), nonce)
    });
    owner.unset_with_forced_cleanup();
    RenderedPage {
        html: with_main(&document, &main),
        nonce,
        has_form: frame.has_form(),
    }
}

fn html_of(view: impl RenderHtml) -> String {
    let mut html = String::with_capacity(ROOM);
    view.to_html_with_buf(&mut html, &mut Position::default(), true, false, Vec::new());
    html
}

/// The document with its page, and with valid comments.
fn with_main(document: &str, main: &str) -> String {
    let (before, after) = document.split_at(document.find(END_OF_MAIN).unwrap_or_default());
    let mut text = String::with_capacity((document.len() + main.len()) * 9 / 8);
    for part in [before, main, after] {
        push_valid(&mut text, part);
    }
    text
}

/// `str::replace` would look at one byte after the other, this at many at once.
fn push_valid(text: &mut String, html: &str) {
    let (written, valid) = COMMENT;
    let mut done = 0;
    for at in memmem::find_iter(html.as_bytes(), written) {
        text.push_str(&html[done..at]);
        text.push_str(valid);
        done = at + written.len();
    }
    text.push_str(&html[done..]);
}

/// The document around a page, with scripts only if it has a form to hydrate.
fn document(state: &State, frame: &Frame) -> impl IntoView + use<> {
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
                {frame.has_island().then(|| hydration_script(&files.client))}
                {frame
                    .has_passkeys()
                    .then(|| view! { <script type="module" src="/passkeys.js" nonce=use_nonce()></script> })}
            </head>
            <body>
                <header class="site">
                    <a href="/">
                        <img src="/favicon.svg" alt="" width="32" height="32" />
                        "fpm-registry"
                    </a>
                </header>
                <main></main>
                <footer class="foot">"Accounts of the Fortran package registry"</footer>
            </body>
        </html>
    }
}

/// The script that loads the client and hydrates each island of the page.
///
/// Replaces Leptos's `HydrationScripts`, which reads the file names from disk for every page and writes the nonce to an
/// attribute that HTML does not have. Islands with children are not supported.
fn hydration_script(client: &ClientPaths) -> impl IntoView + use<> {
    let (script, module) = (&client.script, &client.module);
    // The script fetches the module: a preload link would make browsers without scripts load it too.
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
