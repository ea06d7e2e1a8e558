//! The HTML document around the app: head, scripts, and the policy for what a page may load.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use http_body_util::BodyExt;
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_axum::{ResponseOptions, render_app_async_with_context};
use leptos_meta::{MetaTags, Title, provide_meta_context};

use super::{
    State,
    answer::Finished,
    files::{Client, Site},
};
use crate::{app::App, pages::scene::Scene};

/// What every page and server function finds in its context.
pub fn context(state: &State) -> impl Fn() + Clone + Send + Sync + 'static {
    let service = state.service.clone();
    move || provide_context(service.clone())
}

/// The document as Leptos calls for it.
pub fn shell(state: &State) -> impl Fn() -> AnyView + Clone + Send + Sync + 'static {
    let (options, site) = (state.options.clone(), state.site.clone());
    move || {
        let (options, site) = (options.clone(), site.clone());
        view! { <Document options site /> }.into_any()
    }
}

/// Draws `path` with this scene, whatever the request was.
pub async fn draw(state: &State, path: &'static str, scene: Scene, status: StatusCode) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static(path);
    request.extensions_mut().insert(scene);
    let render = render_app_async_with_context(context(state), shell(state));
    let mut response = close(render(request).await).await;
    *response.status_mut() = status;
    response.extensions_mut().insert(Finished);
    response
}

/// The end of every document.
pub const END: &str = "</body></html>";

/// How Leptos marks a place in a page, which HTML does not allow, and the same as HTML has it.
const MARK: (&str, &str) = ("<!>", "<!---->");

/// Makes valid HTML of what Leptos drew: its scripts go from behind the document into it, its marks become comments.
pub async fn close(response: Response) -> Response {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    if !content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let page = body.collect().await.map(|page| page.to_bytes());
    let page = page.unwrap_or_default();
    let closed = std::str::from_utf8(&page)
        .ok()
        .and_then(|page| page.split_once(END))
        .map(|(document, scripts)| [&document.replace(MARK.0, MARK.1), scripts, END].concat());
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, closed.map_or(page.into(), Body::from))
}

/// The page, with its scripts only where it has a form to hydrate.
#[component]
fn Document(options: LeptosOptions, site: Arc<Site>) -> impl IntoView {
    provide_meta_context();
    allow_own_scripts();
    if let Some(page) = Owner::current_shared_context() {
        // Only islands are hydrated: nothing outside of them needs marks or data.
        page.set_is_hydrating(false);
    }
    let files = site.files();
    let has_form = Scene::of_request().has_form;
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content="Accounts of the Fortran package registry." />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=files.client.style.clone() />
                <AutoReload options=options />
                {has_form.then(|| start(&files.client))}
                <MetaTags />
            </head>
            <body>
                <Title formatter=|title: String| format!("{title} · fpm-registry") />
                <header class="site">
                    <a href="/">
                        <img src="/favicon.svg" alt="" width="32" height="32" />
                        "fpm-registry"
                    </a>
                </header>
                <main>
                    <App />
                </main>
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

/// Sends the content security policy that goes with this page's nonce (ASVS 3.4.3).
fn allow_own_scripts() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else {
        return;
    };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}
