//! Sends a hydrated form by `fetch`.
//!
//! Not by Leptos's generated client functions: these have an argument type for each form, while the island is the same
//! code for every form, which keeps the WebAssembly small.

use leptos::{
    prelude::window,
    wasm_bindgen::{JsCast, JsValue},
};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FormData, RequestInit, Response, UrlSearchParams};

use super::{
    form::CSRF_FIELD,
    reply::{Reason, Refusal},
};

/// The header with the reason of a refusal. The bodies of the first five routes are fixed and do not contain it.
pub const REASON_HEADER: &str = "x-reason";

/// Sends a form. Returns the location to load after success.
pub async fn send(path: &str, data: &FormData) -> Result<String, Refusal> {
    // Not needed: for requests of scripts, browsers send headers that prove the origin. And an outdated token would
    // make every further attempt on this page fail.
    data.delete(CSRF_FIELD);
    let answer = fetch(path, data).await.map_err(|_| unreachable())?;
    let body = text(&answer).await.map_err(|_| unreachable())?;
    let header = |name| answer.headers().get(name).ok().flatten();
    if answer.ok() {
        return Ok(header("location").unwrap_or_default());
    }
    let reason = header(REASON_HEADER).unwrap_or_default();
    let refusal = serde_json::from_str(&body).unwrap_or_else(|_| Refusal::internal());
    Err(Refusal {
        reason: Reason::named(&reason),
        ..refusal
    })
}

/// Posts the data. The answer is JSON, since `fetch` sends `Accept: */*`.
async fn fetch(path: &str, data: &FormData) -> Result<Response, JsValue> {
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_body(&UrlSearchParams::new_with_str_sequence_sequence(data)?.into());
    let answer = JsFuture::from(window().fetch_with_str_and_init(path, &request)).await?;
    Ok(answer.unchecked_into())
}

async fn text(answer: &Response) -> Result<String, JsValue> {
    let text = JsFuture::from(answer.text()?).await?;
    Ok(text.as_string().unwrap_or_default())
}

fn unreachable() -> Refusal {
    let sentence = "The registry cannot be reached. Check your connection and try again";
    Refusal::new(503, Reason::Unavailable, sentence)
}
