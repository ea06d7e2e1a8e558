//! `/auth/reset-password`: request a link, then choose a new password.

use leptos::prelude::*;

use super::{
    Page,
    endpoint::{Content, Endpoint, Query, REDIRECT, UUID},
    frame::Frame,
    request::{Detour, PageRequest, Refused},
};
use crate::{
    accounts::{error::Error, token::Token},
    forms::{
        answers::{DEAD_LINK, OF_THE_STORE},
        client::Client,
        cookie::Kind,
        field::{LINK_FIELD, UUID_FIELD},
        forgot_password,
        reply::Reason,
        reset_password,
    },
};

/// The page to reset a password.
pub enum ResetPasswordPage {
    /// It asks for the e-mail.
    AskForLink(Cause),
    /// It asks for the new password.
    ChoosePassword {
        /// The e-mail of the account.
        email: String,
        /// The uuid of the link.
        token: Token,
        /// Whether there is a password that can be kept.
        has_password: bool,
    },
}

/// Why the page asks for the e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The password is forgotten.
    Forgotten,
    /// The link does not work.
    DeadLink,
}

impl Page for ResetPasswordPage {
    const PATH: &'static str = "/auth/reset-password";
    const ENDPOINT: Endpoint = Endpoint {
        query: &[
            UUID,
            Query {
                name: "password",
                does: "A new password, from old programs only: with it the uuid is used.",
            },
            Query {
                name: "keep-password",
                does: "Makes the browser forget the link.",
            },
        ],
        refusals: &[DEAD_LINK, OF_THE_STORE],
        submits: Some(&reset_password::FORM),
        ..Endpoint::new(
            "The page to ask for a reset link, or to choose a new password with it",
            &[(200, Content::Page), REDIRECT],
        )
    };

    async fn load(request: &mut PageRequest) -> Result<Self, Detour> {
        match &request.refused {
            Some(refused) => load_refused(refused.clone(), request).await,
            None if request.query("uuid").is_some() => open_link(request).await,
            None if request.query("keep-password").is_some() => Err(cancel_reset(request)),
            None => load_link_of_cookie(request).await,
        }
    }

    fn is_same_for_all(&self) -> bool {
        matches!(self, Self::AskForLink(Cause::Forgotten))
    }

    fn view(self, frame: &Frame) -> impl IntoView + use<> {
        match self {
            Self::AskForLink(cause) => ask_for_link(cause, frame).into_any(),
            Self::ChoosePassword {
                email,
                token,
                has_password,
            } => choose_password(email, &token, has_password, frame).into_any(),
        }
    }
}

/// The mailed link. A browser is redirected, to move the uuid from the address to a cookie. Nothing is consumed.
async fn open_link(request: &mut PageRequest) -> Result<ResetPasswordPage, Detour> {
    let uuid = request.query("uuid").unwrap_or_default();
    let cookies = request.service.cookies;
    let opened = load_link(request, Token::parse(&uuid)).await?;
    match (opened, request.client) {
        (Some(ResetPasswordPage::ChoosePassword { token, .. }), Client::Page) => {
            request.cookies.push(cookies.set(Kind::Reset, &token));
            Err(Detour::Redirect(ResetPasswordPage::PATH.to_owned()))
        }
        (Some(page), _) => Ok(page),
        (None, Client::Program) => Err(Error::LinkDead.into()),
        (None, Client::Page) => Ok(dead_link(request, &uuid)),
    }
}

/// The page for a link that is unknown, used or expired, with the form to request a new one.
///
/// The reset cookie is removed only if it is that link: any site could link here with a made-up uuid.
fn dead_link(request: &mut PageRequest, uuid: &str) -> ResetPasswordPage {
    let cookies = request.service.cookies;
    if cookies.find(Kind::Reset, &request.parts.headers).as_deref() == Some(uuid) {
        request.cookies.push(cookies.remove(Kind::Reset));
    }
    request.refused = Some(Refused {
        form: &forgot_password::FORM,
        fields: Vec::new(),
        refusal: Error::LinkDead.into(),
    });
    ResetPasswordPage::AskForLink(Cause::DeadLink)
}

/// Cancels the reset: removes the reset cookie.
///
/// Another site may link here too; then the mailed link has to be opened again, no more.
fn cancel_reset(request: &mut PageRequest) -> Detour {
    let cookies = request.service.cookies;
    request.cookies.push(cookies.remove(Kind::Reset));
    Detour::Redirect("/".to_owned())
}

/// The page without a uuid in its address.
async fn load_link_of_cookie(request: &mut PageRequest) -> Result<ResetPasswordPage, Detour> {
    let cookies = request.service.cookies;
    let Some(uuid) = cookies.find(Kind::Reset, &request.parts.headers) else {
        return Ok(ResetPasswordPage::AskForLink(Cause::Forgotten));
    };
    match load_link(request, Token::parse(&uuid)).await? {
        Some(page) => Ok(page),
        None => {
            request.cookies.push(cookies.remove(Kind::Reset));
            Ok(ResetPasswordPage::AskForLink(Cause::DeadLink))
        }
    }
}

/// The page of a refused form: one of the two forms.
async fn load_refused(
    refused: Refused,
    request: &mut PageRequest,
) -> Result<ResetPasswordPage, Detour> {
    if refused.form == &forgot_password::FORM {
        return Ok(ResetPasswordPage::AskForLink(Cause::Forgotten));
    }
    let cookies = request.service.cookies;
    let uuid = refused.field(UUID_FIELD);
    let link = refused.field(LINK_FIELD);
    let token = cookies.link_token(Kind::Reset, &request.parts.headers, uuid, link);
    let named = uuid.map(str::to_owned);
    let named = named.or_else(|| token.as_ref().map(Token::reveal));
    if refused.refusal.reason == Reason::LinkDead {
        return Ok(dead_link(request, &named.unwrap_or_default()));
    }
    match load_link(request, token).await {
        Ok(Some(page)) => {
            if let ResetPasswordPage::ChoosePassword { token, .. } = &page {
                request.cookies.push(cookies.set(Kind::Reset, token));
            }
            Ok(page)
        }
        Ok(None) => {
            request.refused = Some(Refused {
                form: &forgot_password::FORM,
                fields: Vec::new(),
                ..refused
            });
            Ok(ResetPasswordPage::AskForLink(Cause::Forgotten))
        }
        // The store failed, so which form to show is unknown: show the refusal alone.
        Err(_) => Err(Detour::Refused(refused.refusal)),
    }
}

/// The form to choose a password, if the link works.
async fn load_link(
    request: &PageRequest,
    token: Option<Token>,
) -> Result<Option<ResetPasswordPage>, Detour> {
    let Some(token) = token else {
        return Ok(None);
    };
    let owner = request.service.accounts.reset_owner(&token).await?;
    Ok(owner.map(|owner| ResetPasswordPage::ChoosePassword {
        email: owner.email.as_str().to_owned(),
        token,
        has_password: owner.password.is_usable(),
    }))
}

fn ask_for_link(cause: Cause, frame: &Frame) -> impl IntoView + use<> {
    let is_sent = frame.notice == Some(forgot_password::SENT);
    let (heading, advice) = match cause {
        Cause::DeadLink => (
            "This link no longer works",
            "A reset link works once, for 30 minutes, and only the newest one does. \
             Enter your email and we send you a new one.",
        ),
        Cause::Forgotten if is_sent => (
            "Check your email",
            "Open the link in the mail within 30 minutes. Nothing there after a few minutes? \
             Look into your spam folder, or send the link again.",
        ),
        Cause::Forgotten => (
            "Reset your password",
            "Enter the email of your account and we send you a link to choose a new password.",
        ),
    };
    let form = match is_sent {
        true => frame.form(&forgot_password::FORM, Vec::new()).into_any(),
        false => frame
            .main_form(&forgot_password::FORM, Vec::new())
            .into_any(),
    };
    view! {
        {frame.heading(heading)}
        {frame.status()}
        <p class="lead">{advice}</p>
        {form}
        <nav class="links">
            <a href="/auth/login">"Back to login"</a>
        </nav>
    }
}

fn choose_password(
    email: String,
    token: &Token,
    has_password: bool,
    frame: &Frame,
) -> impl IntoView + use<> {
    let words = match has_password {
        true => "Keep the old password",
        false => "Not now",
    };
    let texts = vec![
        ("email".to_owned(), email),
        (LINK_FIELD.to_owned(), token.digest_prefix()),
    ];
    view! {
        {frame.heading("Choose a new password")}
        <p class="lead">"It ends every login of this account, on all devices."</p>
        {frame.main_form(&reset_password::FORM, texts)}
        <nav class="links">
            <a href="/auth/reset-password?keep-password">{words}</a>
        </nav>
    }
}
