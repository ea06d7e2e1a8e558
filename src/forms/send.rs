//! How a hydrated form is sent.
//!
//! By `fetch` itself: the client of Leptos's server functions has arguments of one type for each function, and the
//! island has one piece of code for every form.

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

/// The header that says why a form was refused; in the body of the first five routes that word is not.
pub const REASON_HEADER: &str = "x-reason";

/// Sends what a form holds, and gives where a success leads.
pub async fn send(path: &str, data: &FormData) -> Result<String, Refusal> {
    // The browser vouches for a request of a script by its headers. An outdated token would refuse every further
    // attempt of this page.
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

/// Asks for JSON, since `fetch` accepts anything where it is not told.
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
