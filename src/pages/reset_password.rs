//! `/auth/reset-password`: ask for a link, wait for the mail, choose a new password.

use leptos::prelude::*;

use super::{
    form::{Purpose, Typed},
    scene::{Notice, Scene},
};

/// The page to get back into an account.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    let scene = Scene::of_request();
    match scene.resetting.clone() {
        Some(resetting) => view! { <ChoosePassword scene email=resetting.email /> }.into_any(),
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
            (_, Some(Notice::LinkDied)) => Self::DeadLink,
            (_, Some(Notice::Sent)) => Self::Sent,
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
    view! {
        {scene.heading(need.heading())}
        {scene.status()}
        <p class="lead">{need.advice()}</p>
        {scene.form(Purpose::ForgotPassword, !matches!(need, Need::Sent))}
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
    let scene = Scene {
        typed: owner,
        ..scene
    };
    view! {
        {scene.heading("Choose a new password")}
        <p class="lead">"It ends every login of this account, on all devices."</p>
        {scene.form(Purpose::ResetPassword, true)}
        <nav class="ways">
            <a href="/auth/reset-password?keep-password">"Keep the old password"</a>
        </nav>
    }
}
