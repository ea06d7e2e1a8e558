//! `/auth/reset-password`, in its two states: ask for a link, choose a new password.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{
    form::{AccountForm, Purpose, Typed},
    scene::Scene,
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

#[component]
fn AskForLink(scene: Scene) -> impl IntoView {
    let is_dead_link = scene
        .refusal
        .as_ref()
        .is_some_and(|refusal| refusal.code == 404);
    view! {
        <Title text="Reset your password" />
        <h1>"Reset your password"</h1>
        {scene.notice.map(|notice| view! { <p class="notice" role="status">{notice.sentence()}</p> })}
        <p>
            {if is_dead_link {
                "This reset link is unknown, used or older than 30 minutes. Enter your email and we send you a new one."
            } else {
                "Enter the email of your account and we send you a link to choose a new password."
            }}
        </p>
        <AccountForm
            purpose=Purpose::ForgotPassword
            typed=scene.typed
            next=String::new()
            refusal=scene.refusal
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
        <Title text="Choose a new password" />
        <h1>"Choose a new password"</h1>
        <p>"You will be logged out everywhere."</p>
        <AccountForm
            purpose=Purpose::ResetPassword
            typed=owner
            next=String::new()
            refusal=scene.refusal
        />
        <nav class="ways">
            <a href="/auth/login">"Keep the old password"</a>
        </nav>
    }
}
