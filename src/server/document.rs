//! The HTML document around the app: head, scripts, and the policy for what a page may load.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, Uri, header},
    response::Response,
};
use http_body_util::BodyExt;
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_axum::{ResponseOptions, render_app_async_with_context};
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};

use super::{State, answer::Finished};
use crate::{app::App, pages::scene::Scene};

/// What every page and server function finds in its context.
pub fn context(state: &State) -> impl Fn() + Clone + Send + Sync + 'static {
    let service = state.service.clone();
    move || provide_context(service.clone())
}

/// The document as Leptos calls for it.
pub fn shell(state: &State) -> impl Fn() -> AnyView + Clone + Send + Sync + 'static {
    let options = state.options.clone();
    move || {
        let options = options.clone();
        view! { <Document options /> }.into_any()
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
const END: &str = "</body></html>";

/// Moves the scripts that Leptos sends behind the document into it, where HTML allows them.
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
        .map(|(document, scripts)| [document, scripts, END].concat());
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, closed.map_or(page.into(), Body::from))
}

/// The page, with its scripts only where it has a form to hydrate.
#[component]
fn Document(options: LeptosOptions) -> impl IntoView {
    provide_meta_context();
    allow_own_scripts();
    let scripts = Scene::of_request().has_form.then(|| {
        view! { <HydrationScripts options=options.clone() islands=true /> }
    });
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <HashedStylesheet options=options.clone() />
                <AutoReload options=options />
                {scripts}
                <MetaTags />
            </head>
            <body>
                <Title formatter=|title: String| format!("{title} · fpm-registry") />
                <header class="site">
                    <a href="/">"fpm-registry"</a>
                </header>
                <main>
                    <App />
                </main>
            </body>
        </html>
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
