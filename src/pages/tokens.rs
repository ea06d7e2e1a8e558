//! `/account/tokens`: the tokens by which programs publish packages.

use leptos::prelude::*;
use serde_json::{Value, json};

use super::{
    Page,
    endpoint::{Content, Endpoint, REDIRECT},
    frame::Frame,
    parts::{day, moment, navigation},
    request::{Detour, PageRequest},
};
use crate::{
    accounts::{
        export::{UPLOAD_TOKEN, upload_token},
        facts::{Fact, Kind as FactKind},
        token_scope::DEFAULT_DAYS,
        upload_token_text::UploadTokenText,
        user::UploadToken,
    },
    forms::{
        answers::{LOGGED_OUT, OF_THE_STORE},
        cookie::Kind,
        upload_tokens::{TOKEN_FIELD, end, end_all, make, rotate},
    },
};

/// The page of one's upload tokens.
pub struct TokensPage {
    /// Those that live, the newest first.
    tokens: Vec<UploadToken>,
    /// The text of a token that was made just now.
    made: Option<UploadTokenText>,
    is_confirmed: bool,
}

/// What it tells programs.
const FACTS: &[Fact] = &[Fact::new(
    "tokens",
    FactKind::List(&FactKind::Object(UPLOAD_TOKEN)),
)];

impl Page for TokensPage {
    const PATH: &'static str = "/account/tokens";
    const ENDPOINT: Endpoint = Endpoint {
        refusals: &[LOGGED_OUT, OF_THE_STORE],
        ..Endpoint::new(
            "The upload tokens of the user",
            &[(200, Content::PageOrFacts(FACTS)), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        let (user, _) = request.account(Self::PATH).await?;
        let live = request.service.accounts.live_upload_tokens(&user);
        let tokens: Vec<_> = live.into_iter().cloned().collect();
        Ok(Self {
            made: take_made(request, &tokens),
            is_confirmed: user.confirmed_at.is_some(),
            tokens,
        })
    }

    fn json(&self) -> Option<Value> {
        let tokens = self.tokens.iter().map(upload_token);
        Some(json!({ "tokens": tokens.collect::<Vec<_>>() }))
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        let rows = self.tokens.iter().map(|token| row(token, frame));
        let is_empty = self.tokens.is_empty();
        let several = self.tokens.len() > 1;
        view! {
            {frame.heading("Upload tokens")}
            {navigation(Self::PATH, frame)}
            {frame.status()}
            {self.made.as_ref().map(made)}
            <p class="lead">
                "A token lets " <code>"fpm publish"</code>
                " upload packages in your name, and nothing else: nobody can log in with it."
            </p>
            {is_empty.then(|| view! { <p>"You have no upload tokens."</p> })}
            <ul class="rows">{rows.collect_view()}</ul>
            {new_token(self.is_confirmed, frame)}
            {usage()}
            {several
                .then(|| {
                    view! {
                        <section class="danger" aria-labelledby="end-all">
                            <h2 id="end-all">"End all tokens"</h2>
                            <p>"Nothing can be published with any of them any more."</p>
                            {frame.button_form(&end_all::FORM, Vec::new())}
                        </section>
                    }
                })}
        }
    }
}

/// The text in the cookie of a form that has just made a token of this user, which a page shows once.
fn take_made(request: &mut PageRequest, tokens: &[UploadToken]) -> Option<UploadTokenText> {
    let text = request.take_shown(Kind::Shown)?;
    let text = UploadTokenText::parse(&text)?;
    let digest = text.digest();
    let is_own = tokens.iter().any(|token| token.digest == digest);
    is_own.then_some(text)
}

fn made(text: &UploadTokenText) -> impl IntoView + use<> {
    let text = text.reveal().to_owned();
    let line = ["fpm publish --token ", &text].concat();
    view! {
        <section class="made" aria-labelledby="made">
            <h2 id="made">"Your new token"</h2>
            <p>"Copy it now: it is not shown again."</p>
            <p>
                <code class="text">{text}</code>
            </p>
            <p>"To publish the package in the folder where you are:"</p>
            <p>
                <code class="text">{line}</code>
            </p>
        </section>
    }
}

fn row(token: &UploadToken, frame: &Frame) -> impl IntoView + use<> {
    let name = token.name.clone();
    let handle = token.handle.as_str();
    let hidden = || vec![(TOKEN_FIELD.to_owned(), handle.to_owned())];
    let end = frame.row_form(&end::FORM, hidden(), "End", &name);
    let replace = match token.replaced_at {
        Some(_) => None,
        None => Some(frame.recent_row_form(&rotate::FORM, hidden(), "Replace", &name)),
    };
    let expires = match token.replaced_at {
        Some(_) => "Replaced, works until ",
        None => "Expires ",
    };
    let used = match token.used_at {
        Some(at) => view! { "last used " {day(at)} }.into_any(),
        None => "not used yet".into_any(),
    };
    view! {
        <li>
            <h2>{name} " " <span class="tag">"…" {token.last4.clone()}</span></h2>
            <p>{token.may.in_words()} ": " <code>{token.packages.to_string()}</code></p>
            <p>{expires} {moment(token.expires_at)}</p>
            <p>"Made " {day(token.created_at)} ", " {used}</p>
            <div class="actions">{replace} {end}</div>
        </li>
    }
}

fn new_token(is_confirmed: bool, frame: &Frame) -> impl IntoView + use<> {
    let form = match is_confirmed {
        true => {
            let texts = [
                ("may", "publish".to_owned()),
                ("days", DEFAULT_DAYS.to_string()),
            ];
            let texts = texts.map(|(name, text)| (name.to_owned(), text));
            frame.form(&make::FORM, texts.into()).into_any()
        }
        false => view! {
            <p>
                "Packages are published by users whose address is known to be theirs. "
                <a href="/account#confirm">"Confirm your email first"</a> "."
            </p>
        }
        .into_any(),
    };
    view! {
        <section aria-labelledby="new">
            <h2 id="new">"New token"</h2>
            {form}
        </section>
    }
}

/// How a token is used by hand and by a machine.
fn usage() -> impl IntoView {
    view! {
        <section aria-labelledby="usage">
            <h2 id="usage">"How to publish"</h2>
            <p>"In the folder of the package, with the text of the token:"</p>
            <pre>
                <code>"fpm publish --token <token>"</code>
            </pre>
            <p>
                "In a workflow of GitHub, with the text as the secret " <code>"FPM_TOKEN"</code>
                " of the repository:"
            </p>
            <pre>
                <code>{WORKFLOW}</code>
            </pre>
            <p>
                "A token that has leaked is ended by its button, or by anyone who posts its text as "
                <code>"token"</code> " to " <code>"/auth/token/end"</code> "."
            </p>
        </section>
    }
}

const WORKFLOW: &str = r#"- uses: fortran-lang/setup-fpm@v7
- run: fpm publish --token "$FPM_TOKEN"
  env:
    FPM_TOKEN: ${{ secrets.FPM_TOKEN }}"#;
