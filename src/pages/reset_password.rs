//! `/auth/reset-password`: ask for a link, wait for the mail, choose a new password.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    form::{AccountForm, Purpose, Typed},
    scene::{Notice, Scene},
};

/// The page to get back into an account.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let scene = Scene::of_request();
    match scene.resetting.clone() {
        Some(email) => view! { <ChoosePassword scene email /> }.into_any(),
        None => view! { <AskForLink scene /> }.into_any(),
    }
}

/// Why a link is asked for.
#[derive(Clone, Copy)]
enum Need {
    /// The password is forgotten.
    Forgotten,
    /// The link does not work.
    DeadLink,
    /// The link was sent, but may not arrive.
    Sent,
}

impl Need {
    fn of(scene: &Scene) -> Self {
        let code = scene.refusal.as_ref().map(|refusal| refusal.code);
        match (code, scene.notice) {
            (Some(404), _) => Self::DeadLink,
            (None, Some(Notice::Sent)) => Self::Sent,
            (None, None) if scene.is_link_dead => Self::DeadLink,
            _ => Self::Forgotten,
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Forgotten => "Reset your password",
            Self::DeadLink => "This link no longer works",
            Self::Sent => "Check your email",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Forgotten => {
                "Enter the email of your account and we send you a link to choose a new password."
            }
            Self::DeadLink => {
                "A reset link works once, for 30 minutes, and only the newest one does. \
                 Enter your email and we send you a new one."
            }
            Self::Sent => {
                "Open the link in the mail within 30 minutes. Nothing there after a few minutes? \
                 Look into your spam folder, or send the link again."
            }
        }
    }
}

#[component]
fn AskForLink(scene: Scene) -> impl IntoView {
    let need = Need::of(&scene);
    let notice = scene
        .notice
        .filter(|_| scene.refusal.is_none())
        .map(Notice::sentence);
    view! {
        <Title text=scene.title(need.heading()) />
        <h1>{need.heading()}</h1>
        {notice.map(|sentence| view! { <p class="notice" role="status">{sentence}</p> })}
        <p class="lead">{need.advice()}</p>
        <AccountForm
            purpose=Purpose::ForgotPassword
            typed=scene.typed
            next=String::new()
            token=scene.form_token
            refusal=scene.refusal
            takes_focus=!matches!(need, Need::Sent)
        />
        <nav class="ways">
            <a href="/auth/login">"Back to login"</a>
        </nav>
    }
}

#[component]
fn ChoosePassword(scene: Scene, email: String) -> impl IntoView {
    let owner = Typed {
        email,
        ..Typed::default()
    };
    view! {
        <Title text=scene.title("Choose a new password") />
        <h1>"Choose a new password"</h1>
        <p class="lead">"It ends every login of this account, on all devices."</p>
        <AccountForm
            purpose=Purpose::ResetPassword
            typed=owner
            next=String::new()
            token=scene.form_token
            refusal=scene.refusal
            takes_focus=true
        />
        <nav class="ways">
            <a href="/auth/login">"Keep the old password"</a>
        </nav>
    }
}
