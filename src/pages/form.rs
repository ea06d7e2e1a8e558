//! The forms: the only drawing of fields and refusals.
//!
//! A form works as a plain form. Once hydrated it is sent without a page load: a refusal appears in place, a
//! success leaves for the page the server names. Inputs are uncontrolled and read when the form is sent, so
//! what was typed or filled in before hydration counts.

#![allow(missing_docs, reason = "the island macro writes a struct of its own")]

use leptos::wasm_bindgen::JsCast;
use leptos::{
    ev::SubmitEvent,
    html,
    prelude::*,
    task::spawn_local,
    web_sys::{FormData, HtmlElement},
};
use serde::{Deserialize, Serialize};

use crate::auth::{self, Refusal, Reply};

/// What a form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// To log in.
    Login,
    /// To make an account.
    Signup,
    /// To ask for a reset link.
    ForgotPassword,
    /// To choose a new password.
    ResetPassword,
}

/// What was typed into a form that was refused, passwords excepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// The name.
    pub name: String,
    /// The e-mail.
    pub email: String,
}

/// One field of a form.
struct Field {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    hint: Option<&'static str>,
    readonly: bool,
}

const NAME: Field = Field {
    name: "name",
    label: "Name",
    kind: "text",
    autocomplete: "name",
    hint: None,
    readonly: false,
};
const EMAIL: Field = Field {
    name: "email",
    label: "Email",
    kind: "email",
    autocomplete: "username",
    hint: None,
    readonly: false,
};
/// Whose password is being changed, so that a password manager saves the pair.
const OWNER: Field = Field {
    label: "Account",
    readonly: true,
    ..EMAIL
};
const PASSWORD: Field = Field {
    name: "password",
    label: "Password",
    kind: "password",
    autocomplete: "current-password",
    hint: None,
    readonly: false,
};
const NEW_PASSWORD: Field = Field {
    name: "password",
    label: "New password",
    kind: "password",
    autocomplete: "new-password",
    hint: Some("At least 8 characters. A few unrelated words work well."),
    readonly: false,
};
const FIRST_PASSWORD: Field = Field {
    label: "Password",
    ..NEW_PASSWORD
};

impl Purpose {
    fn path(self) -> &'static str {
        match self {
            Self::Login => "/auth/login",
            Self::Signup => "/auth/signup",
            Self::ForgotPassword => "/auth/forgot-password",
            Self::ResetPassword => "/auth/reset-password",
        }
    }

    fn fields(self) -> &'static [Field] {
        match self {
            Self::Login => &[EMAIL, PASSWORD],
            Self::Signup => &[NAME, EMAIL, FIRST_PASSWORD],
            Self::ForgotPassword => &[EMAIL],
            Self::ResetPassword => &[OWNER, NEW_PASSWORD],
        }
    }

    fn button(self) -> &'static str {
        match self {
            Self::Login => "Log in",
            Self::Signup => "Sign up",
            Self::ForgotPassword => "Send reset link",
            Self::ResetPassword => "Change password",
        }
    }

    /// The field of this form that a refusal is about.
    fn field_at_fault(self, refusal: &Refusal) -> Option<&'static Field> {
        let name = refusal.field.as_deref()?;
        self.fields().iter().find(|field| field.name == name)
    }

    /// Whether the form leads somewhere the visitor chose.
    fn has_next(self) -> bool {
        matches!(self, Self::Login | Self::Signup)
    }

    /// Calls the server function of this form.
    async fn send(self, data: FormData) -> Result<Reply, Refusal> {
        let text = |name| data.get(name).as_string().unwrap_or_default();
        match self {
            Self::Login => auth::login(text("email"), text("password"), text("next")).await,
            Self::Signup => {
                auth::signup(text("name"), text("email"), text("password"), text("next")).await
            }
            Self::ForgotPassword => auth::forgot_password(text("email")).await,
            Self::ResetPassword => auth::reset_password(None, text("password")).await,
        }
    }
}

impl Typed {
    fn value(&self, field: &Field) -> String {
        match field.name {
            "name" => self.name.clone(),
            "email" => self.email.clone(),
            _ => String::new(),
        }
    }
}

/// Which field the eye should be on: the one at fault, else the first that is empty.
fn field_to_focus(purpose: Purpose, typed: &Typed, refusal: Option<&Refusal>) -> &'static str {
    let at_fault = refusal.and_then(|refusal| purpose.field_at_fault(refusal));
    let is_empty = |field: &&Field| !field.readonly && typed.value(field).is_empty();
    let empty = || purpose.fields().iter().find(is_empty);
    at_fault.or_else(empty).map_or("", |field| field.name)
}

/// A form with its fields, and the refusal it met.
#[island]
pub fn AccountForm(
    /// What the form is for.
    purpose: Purpose,
    /// What the fields hold at first.
    typed: Typed,
    /// Where a success leads.
    next: String,
    /// Why it was refused, where it was.
    refusal: Option<Refusal>,
) -> impl IntoView {
    let focused = field_to_focus(purpose, &typed, refusal.as_ref());
    let refusal = RwSignal::new(refusal);
    let sending = RwSignal::new(false);
    let form = NodeRef::<html::Form>::new();
    let alive = RwSignal::new(false);
    Effect::new(move || alive.set(true));

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let data = form
            .get_untracked()
            .map(|form| FormData::new_with_form(&form));
        let (Some(Ok(data)), false) = (data, sending.get_untracked()) else {
            return;
        };
        sending.set(true);
        spawn_local(async move {
            // A success leaves this page, so it cannot be sent again on the way.
            if let Err(met) = purpose.send(data).await {
                sending.set(false);
                let name = field_to_focus(purpose, &Typed::default(), Some(&met));
                refusal.set(Some(met));
                focus(name);
            }
        });
    };

    let sentence_for_form = move || {
        refusal.with(|refusal| {
            let refusal = refusal.as_ref()?;
            purpose
                .field_at_fault(refusal)
                .is_none()
                .then(|| refusal.message.clone())
        })
    };
    view! {
        <form
            class="form"
            action=purpose.path()
            method="post"
            novalidate
            node_ref=form
            on:submit=submit
        >
            <p class="form-error" role="alert">
                {sentence_for_form}
            </p>
            {purpose
                .fields()
                .iter()
                .map(|field| input(field, typed.value(field), field.name == focused, refusal, alive))
                .collect_view()}
            {purpose.has_next().then(|| view! { <input type="hidden" name="next" value=next /> })}
            <button class="button" type="submit" aria-disabled=move || sending.get().then_some("true")>
                {purpose.button()}
            </button>
        </form>
    }
}

/// A labelled input with its hint and the sentence that refused it.
fn input(
    field: &'static Field,
    value: String,
    focused: bool,
    refusal: RwSignal<Option<Refusal>>,
    alive: RwSignal<bool>,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    let is_password = field.kind == "password";
    let sentence = move || {
        refusal.with(|refusal| {
            let refusal = refusal.as_ref()?;
            (refusal.field.as_deref() == Some(field.name)).then(|| refusal.message.clone())
        })
    };
    let hint_id = format!("{}-hint", field.name);
    let error_id = format!("{}-error", field.name);
    let described_by = match field.hint {
        Some(_) => format!("{hint_id} {error_id}"),
        None => error_id.clone(),
    };
    view! {
        <div class="field">
            <label for=field.name>{field.label}</label>
            {field.hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <input
                id=field.name
                name=field.name
                type=move || if shown.get() { "text" } else { field.kind }
                autocomplete=field.autocomplete
                value=value
                required
                readonly=field.readonly
                autofocus=focused
                aria-describedby=described_by
                aria-invalid=move || sentence().map(|_| "true")
            />
            {move || (is_password && alive.get()).then(|| reveal(shown))}
            <p class="field-error" id=error_id role="alert">
                {sentence}
            </p>
        </div>
    }
}

/// The button that shows and hides a password; it needs scripts, so it comes with them.
fn reveal(shown: RwSignal<bool>) -> impl IntoView {
    view! {
        <button
            class="reveal"
            type="button"
            aria-pressed=move || if shown.get() { "true" } else { "false" }
            on:click=move |_| shown.update(|shown| *shown = !*shown)
        >
            "Show password"
        </button>
    }
}

/// Moves the focus to the field with this name.
fn focus(name: &str) {
    let field = document()
        .get_element_by_id(name)
        .and_then(|field| field.dyn_into::<HtmlElement>().ok());
    if let Some(field) = field {
        let _ = field.focus();
    }
}
