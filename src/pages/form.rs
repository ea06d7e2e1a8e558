//! The forms: the only drawing of fields and refusals.
//!
//! A form works as a plain form. Once hydrated it is sent without a page load: a refusal appears in place, a
//! success leaves for the page the server names. Inputs are uncontrolled and read when the form is sent, so
//! what was typed or filled in before hydration counts.

#![allow(missing_docs, reason = "the island macro writes a struct of its own")]

use leptos::wasm_bindgen::JsCast;
use leptos::{
    ev::{self, SubmitEvent},
    html,
    prelude::*,
    task::spawn_local,
    web_sys::{FormData, HtmlElement, HtmlInputElement},
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
    /// What password managers go by when they make one up.
    min_chars: Option<&'static str>,
    readonly: bool,
}

const NAME: Field = Field {
    name: "name",
    label: "Name",
    kind: "text",
    autocomplete: "name",
    hint: None,
    min_chars: None,
    readonly: false,
};
const EMAIL: Field = Field {
    name: "email",
    label: "Email",
    kind: "email",
    autocomplete: "username",
    hint: None,
    min_chars: None,
    readonly: false,
};
/// Whose password is being changed, so that a password manager saves the pair.
const OWNER: Field = Field {
    label: "Account",
    readonly: true,
    ..EMAIL
};
const FIRST_EMAIL: Field = Field {
    hint: Some("To log in with. We write only about your password."),
    ..EMAIL
};
const PASSWORD: Field = Field {
    name: "password",
    label: "Password",
    kind: "password",
    autocomplete: "current-password",
    hint: None,
    min_chars: None,
    readonly: false,
};
const NEW_PASSWORD: Field = Field {
    name: "password",
    label: "New password",
    kind: "password",
    autocomplete: "new-password",
    hint: Some("At least 8 characters. A few unrelated words work well."),
    min_chars: Some("8"),
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
            Self::Signup => &[NAME, FIRST_EMAIL, FIRST_PASSWORD],
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

    /// What the button says while the form is on its way.
    fn button_at_work(self) -> &'static str {
        match self {
            Self::Login => "Logging in…",
            Self::Signup => "Signing up…",
            Self::ForgotPassword => "Sending…",
            Self::ResetPassword => "Changing…",
        }
    }

    /// The field of this form that a refusal is about.
    fn field_at_fault(self, refusal: &Refusal) -> Option<&'static Field> {
        let name = refusal.field.as_deref()?;
        self.fields().iter().find(|field| field.name == name)
    }

    /// Whether no other try can help: the link that led to the form has died.
    fn is_over(self, refusal: &Refusal) -> bool {
        self == Self::ResetPassword && refusal.code == 404
    }

    /// Whether the form leads somewhere the visitor chose.
    fn has_next(self) -> bool {
        matches!(self, Self::Login | Self::Signup)
    }

    /// Calls the server function of this form.
    async fn send(self, data: &FormData) -> Result<Reply, Refusal> {
        let value = |name| text(data, name);
        match self {
            Self::Login => auth::login(value("email"), value("password"), value("next")).await,
            Self::Signup => {
                auth::signup(
                    value("name"),
                    value("email"),
                    value("password"),
                    value("next"),
                )
                .await
            }
            Self::ForgotPassword => auth::forgot_password(value("email")).await,
            Self::ResetPassword => {
                auth::reset_password(None, value(LINK_FIELD), value("password")).await
            }
        }
    }
}

impl Typed {
    fn of(data: &FormData) -> Self {
        Self {
            name: text(data, "name"),
            email: text(data, "email"),
        }
    }

    fn value(&self, field: &Field) -> String {
        match field.name {
            "name" => self.name.clone(),
            "email" => self.email.clone(),
            _ => String::new(),
        }
    }
}

/// The text of a field as it stands in the form.
fn text(data: &FormData, name: &str) -> String {
    data.get(name).as_string().unwrap_or_default()
}

/// The id of the sentence that refuses the whole form.
const FORM_ERROR: &str = "form-error";

/// The id of what the visitor should look at: the field at fault, else the first field to fill in, else the
/// sentence that refuses the form, as where nothing that is filled in can help.
fn id_to_focus(purpose: Purpose, typed: &Typed, refusal: Option<&Refusal>) -> &'static str {
    if refusal.is_some_and(|refusal| purpose.is_over(refusal)) {
        return FORM_ERROR;
    }
    let at_fault = refusal.and_then(|refusal| purpose.field_at_fault(refusal));
    let is_empty = |field: &&Field| !field.readonly && typed.value(field).is_empty();
    let empty = || purpose.fields().iter().find(is_empty);
    at_fault
        .or_else(empty)
        .map_or(FORM_ERROR, |field| field.name)
}

/// What changes in a form while it is on the screen.
#[derive(Clone, Copy)]
struct Live {
    /// Why it was refused.
    refusal: RwSignal<Option<Refusal>>,
    /// Whether it is on its way.
    sending: RwSignal<bool>,
    /// Whether scripts work for it.
    hydrated: RwSignal<bool>,
    /// Whether its password can be read.
    revealed: RwSignal<bool>,
}

impl Live {
    fn new(refusal: Option<Refusal>) -> Self {
        Self {
            refusal: RwSignal::new(refusal),
            sending: RwSignal::new(false),
            hydrated: RwSignal::new(false),
            revealed: RwSignal::new(false),
        }
    }

    /// Begins once the form is hydrated.
    fn start(self) {
        Effect::new(move || {
            self.hydrated.set(true);
            // A page that comes back from the browser's memory can be sent again.
            window_event_listener(ev::pageshow, move |event| {
                if event.persisted() {
                    self.sending.set(false);
                }
            });
        });
    }

    /// Sends the form, once at a time; a success leaves this page, so it cannot be sent again on the way.
    fn send(self, purpose: Purpose, data: FormData) {
        if self.sending.get_untracked() {
            return;
        }
        self.sending.set(true);
        // A field that is left readable is kept by browsers among what was typed before.
        self.revealed.set(false);
        spawn_local(async move {
            if let Err(refusal) = purpose.send(&data).await {
                let id = id_to_focus(purpose, &Typed::of(&data), Some(&refusal));
                self.sending.set(false);
                self.refusal.set(Some(refusal));
                name_the_error();
                // Once the sentence is there, since what is empty takes no focus.
                request_animation_frame(move || retry_at(id));
            }
        });
    }
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
    /// The reset link it was drawn for.
    link: String,
    /// What the form must bring back.
    token: String,
    /// Why it was refused, where it was.
    refusal: Option<Refusal>,
    /// Whether the form is what the page is about, so that typing may begin at once.
    takes_focus: bool,
) -> impl IntoView {
    let focused = if takes_focus {
        id_to_focus(purpose, &typed, refusal.as_ref())
    } else {
        ""
    };
    let live = Live::new(refusal);
    live.start();
    let form = NodeRef::<html::Form>::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let form = form.get_untracked();
        if let Some(Ok(data)) = form.map(|form| FormData::new_with_form(&form)) {
            live.send(purpose, data);
        }
    };
    let sentence = move || {
        live.refusal.with(|refusal| {
            let refusal = refusal.as_ref()?;
            let is_of_form = purpose.field_at_fault(refusal).is_none();
            let way_on = || view! { " " <a href=purpose.path()>"Send a new link"</a> };
            is_of_form.then(|| {
                let way_on = purpose.is_over(refusal).then(way_on);
                (refusal.message.clone(), way_on)
            })
        })
    };
    let fields = purpose.fields().iter();
    view! {
        <form
            class="form"
            action=purpose.path()
            method="post"
            novalidate
            node_ref=form
            on:submit=submit
        >
            <p
                class="form-error"
                id=FORM_ERROR
                role="alert"
                tabindex="-1"
                autofocus=focused == FORM_ERROR
            >
                {sentence}
            </p>
            {fields
                .map(|field| input(field, typed.value(field), field.name == focused, live))
                .collect_view()}
            {purpose.has_next().then(|| view! { <input type="hidden" name="next" value=next /> })}
            {(!link.is_empty()).then(|| view! { <input type="hidden" name=LINK_FIELD value=link /> })}
            {(!token.is_empty())
                .then(|| view! { <input type="hidden" name=CSRF_FIELD value=token /> })}
            <button
                class="button"
                type="submit"
                aria-disabled=move || live.sending.get().then_some("true")
            >
                {move || {
                    if live.sending.get() { purpose.button_at_work() } else { purpose.button() }
                }}
            </button>
        </form>
    }
}

/// A labelled input with its hint and the sentence that refused it.
fn input(field: &'static Field, value: String, focused: bool, live: Live) -> impl IntoView {
    let is_password = field.kind == "password";
    let sentence = move || {
        live.refusal.with(|refusal| {
            let refusal = refusal.as_ref()?;
            (refusal.field.as_deref() == Some(field.name)).then(|| refusal.message.clone())
        })
    };
    let hint_id = format!("{}-hint", field.name);
    let error_id = format!("{}-error", field.name);
    let described_by = match field.hint {
        Some(_) => format!("{hint_id} {error_id} {FORM_ERROR}"),
        None => format!("{error_id} {FORM_ERROR}"),
    };
    view! {
        <div class="field">
            <label for=field.name>{field.label}</label>
            {field.hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <div class="control">
                <input
                    id=field.name
                    name=field.name
                    type=move || if live.revealed.get() && is_password { "text" } else { field.kind }
                    autocomplete=field.autocomplete
                    value=value
                    minlength=field.min_chars
                    spellcheck="false"
                    autocapitalize=(field.name != "name").then_some("none")
                    required
                    readonly=field.readonly
                    autofocus=focused
                    aria-describedby=described_by
                    aria-invalid=move || sentence().map(|_| "true")
                />
                {move || (is_password && live.hydrated.get()).then(|| reveal(live.revealed))}
            </div>
            <p class="field-error" id=error_id role="alert">
                {sentence}
            </p>
        </div>
    }
}

/// The button that shows and hides a password; it needs scripts, so it comes with them.
fn reveal(revealed: RwSignal<bool>) -> impl IntoView {
    let word = move || if revealed.get() { "Hide" } else { "Show" };
    view! {
        <button
            class="reveal"
            type="button"
            on:click=move |_| revealed.update(|revealed| *revealed = !*revealed)
        >
            {word}
            <span class="unseen">" password"</span>
        </button>
    }
}

/// The field that holds which reset link a form was drawn for.
pub const LINK_FIELD: &str = "link";

/// The field that holds what a form must bring back.
pub const CSRF_FIELD: &str = "csrf_token";

/// How the title of a page begins whose form was refused.
pub const ERROR_IN_TITLE: &str = "Error: ";

/// Gives the page the title that the server gives a refused page.
fn name_the_error() {
    let title = document().title();
    if !title.starts_with(ERROR_IN_TITLE) {
        document().set_title(&[ERROR_IN_TITLE, &title].concat());
    }
}

/// Moves the focus to the element with this id, where what is typed next takes the place of what was refused.
fn retry_at(id: &str) {
    let Some(element) = document().get_element_by_id(id) else {
        return;
    };
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        let _ = element.focus();
    }
    if let Some(input) = element.dyn_ref::<HtmlInputElement>() {
        input.select();
    }
}
