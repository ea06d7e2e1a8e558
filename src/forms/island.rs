//! The island of a form, which renders every form with its fields and refusals.
//!
//! Without scripts it is a plain form. Once hydrated it is submitted without a page load: a refusal appears in the
//! page, a success loads the page that the server names. Inputs are uncontrolled and read when the form is submitted,
//! so text that was typed or filled in before hydration is sent too.

#![allow(missing_docs, reason = "the island macro writes a struct of its own")]

use leptos::{
    either::Either,
    ev::{self, SubmitEvent},
    html,
    prelude::*,
    task::spawn_local,
    wasm_bindgen::JsCast,
};
use web_sys::{FormData, HtmlElement, HtmlFormElement, HtmlInputElement};

use super::{
    field::Field,
    form::{CSRF_FIELD, Confirmation, Form},
    reply::{Reason, Refusal},
    send::send,
};

/// The values of fields, by name.
pub type Texts = Vec<(String, String)>;

/// The prefix of the title of a page whose form was refused.
pub const ERROR_IN_TITLE: &str = "Error: ";

/// A form with its fields, and its refusal if there is one.
#[island]
pub fn FormIsland(
    /// The path of the form, which identifies it.
    path: String,
    /// The initial values of its fields.
    texts: Texts,
    /// The form token.
    token: String,
    /// Why it was refused, if it was.
    refusal: Option<Refusal>,
    /// Whether one of its fields gets the focus when the page loads.
    takes_focus: bool,
    /// What it asks for beside its own fields, to show who is there.
    confirmation: Confirmation,
) -> impl IntoView {
    // During a deployment, a page of another version may name a form that this client does not know.
    Form::at(&path).map(|form| {
        let visible = VisibleForm { form, confirmation };
        render(visible, texts, token, refusal, takes_focus)
    })
}

/// A form, and what it asks for beside its own fields.
#[derive(Clone, Copy)]
struct VisibleForm {
    form: &'static Form,
    confirmation: Confirmation,
}

impl VisibleForm {
    fn fields(self) -> impl Iterator<Item = &'static Field> {
        self.form.fields.iter().chain(self.confirmation.field())
    }

    /// The visible field that a refusal is about.
    fn field_at_fault(self, refusal: &Refusal) -> Option<&'static Field> {
        let name = refusal.field.as_deref()?;
        self.fields().find(|field| field.name == name)
    }
}

fn render(
    visible: VisibleForm,
    texts: Texts,
    token: String,
    refusal: Option<Refusal>,
    takes_focus: bool,
) -> impl IntoView {
    let form = visible.form;
    let filled = |name: &str| !text(&texts, name).is_empty();
    let focus = takes_focus.then(|| Focus::new(visible, refusal.as_ref(), filled));
    let state = FormState::new(visible, refusal);
    state.start();
    let element = NodeRef::<html::Form>::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(element) = element.get_untracked() {
            state.send(element);
        }
    };
    let sentence = move || {
        state.refusal.with(|refusal| {
            let refusal = refusal.as_ref()?;
            let is_of_form = visible.field_at_fault(refusal).is_none();
            is_of_form.then(|| (refusal.message.clone(), new_link(form, refusal)))
        })
    };
    let fields = visible.fields().map(|field| {
        let value = text(&texts, field.name).to_owned();
        input(field, value, focus == Some(Focus::Field(field)), state)
    });
    let fields = fields.collect_view();
    let hidden = form.hidden.iter().map(|name| (*name, text(&texts, name)));
    let hidden = hidden.chain([(CSRF_FIELD, token.as_str())]);
    let hidden = hidden.filter(|(_, value)| !value.is_empty());
    let hidden = hidden.map(|(name, value)| {
        let value = value.to_owned();
        view! { <input type="hidden" name=name value=value /> }
    });
    view! {
        <form
            class="form"
            action=form.path
            method="post"
            novalidate
            node_ref=element
            on:submit=submit
        >
            <p
                class="form-error"
                id=id(form, "error")
                role="alert"
                tabindex="-1"
                autofocus=focus == Some(Focus::Sentence)
            >
                {sentence}
            </p>
            {fields}
            {hidden.collect_view()}
            <button
                class="button"
                type="submit"
                aria-disabled=move || state.sending.get().then_some("true")
            >
                {move || if state.sending.get() { form.button.sending } else { form.button.idle }}
            </button>
        </form>
    }
}

/// A labelled input with its hint and error.
fn input(field: &'static Field, value: String, focused: bool, state: FormState) -> impl IntoView {
    let form = state.visible.form;
    let sentence = move || {
        state.refusal.with(|refusal| {
            let refusal = refusal.as_ref()?;
            (refusal.field.as_deref() == Some(field.name)).then(|| refusal.message.clone())
        })
    };
    let field_id = id(form, field.name);
    let hint_id = [&field_id, "-hint"].concat();
    let error_id = [&field_id, "-error"].concat();
    let mut described_by = [&error_id, " ", &id(form, "error")].concat();
    if field.hint.is_some() {
        described_by = [&hint_id, " ", &described_by].concat();
    }
    let kind = move || match state.revealed.get() && field.is_password() {
        true => "text",
        false => field.kind,
    };
    let invalid = move || sentence().map(|_| "true");
    let control = match field.options {
        [] => Either::Left(view! {
            <input
                id=field_id.clone()
                name=field.name
                type=kind
                autocomplete=field.autocomplete
                value=value
                minlength=field.min_chars
                spellcheck="false"
                autocapitalize=(field.name != "name").then_some("none")
                required
                readonly=field.readonly
                autofocus=focused
                aria-describedby=described_by
                aria-invalid=invalid
            />
        }),
        options => {
            let options = options.iter().map(|(name, words)| {
                let selected = *name == value;
                view! { <option value=*name selected=selected>{*words}</option> }
            });
            Either::Right(view! {
                <select
                    id=field_id.clone()
                    name=field.name
                    autofocus=focused
                    aria-describedby=described_by
                    aria-invalid=invalid
                >
                    {options.collect_view()}
                </select>
            })
        }
    };
    view! {
        <div class="field">
            <label for=field_id.clone()>{field.label}</label>
            {field.hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
            <div class="control">
                {control}
                {move || {
                    (field.is_password() && state.hydrated.get()).then(|| reveal(state.revealed))
                }}
            </div>
            <p class="field-error" id=error_id role="alert">
                {sentence}
            </p>
        </div>
    }
}

/// The button that shows and hides a password. It needs scripts, so it appears after hydration.
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

/// The link to request a new reset link, if the one that led to the form no longer works.
fn new_link(form: &'static Form, refusal: &Refusal) -> Option<impl IntoView + use<>> {
    let page = form.page.filter(|_| is_link_dead(form, refusal))?;
    Some(view! { " " <a href=page>"Send a new link"</a> })
}

/// Whether the form cannot succeed any more, because the reset link it belongs to no longer works.
fn is_link_dead(form: &Form, refusal: &Refusal) -> bool {
    refusal.reason == Reason::LinkDead && !form.secret.is_empty()
}

/// The id of a part of a form.
fn id(form: &Form, part: &str) -> String {
    [form.name(), "-", part].concat()
}

/// The initial value of a field.
fn text<'a>(texts: &'a Texts, name: &str) -> &'a str {
    let found = texts.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, text)| text)
}

/// What gets the focus.
#[derive(Clone, Copy, PartialEq)]
enum Focus {
    /// A field to fill in.
    Field(&'static Field),
    /// The error of the form.
    Sentence,
}

impl Focus {
    /// The field at fault, else the first empty field, else the error of the form; also that error if the form cannot
    /// succeed any more.
    fn new(visible: VisibleForm, refusal: Option<&Refusal>, filled: impl Fn(&str) -> bool) -> Self {
        if refusal.is_some_and(|refusal| is_link_dead(visible.form, refusal)) {
            return Self::Sentence;
        }
        let at_fault = refusal.and_then(|refusal| visible.field_at_fault(refusal));
        // A refused password has to be typed again, so it counts as empty.
        let is_filled = |field: &Field| !field.is_secret() && filled(field.name);
        let is_empty = |field: &&Field| !field.readonly && !is_filled(field);
        let empty = || visible.fields().find(is_empty);
        at_fault.or_else(empty).map_or(Self::Sentence, Self::Field)
    }

    /// Moves the focus there, and selects the text of a field so that typing replaces it.
    fn set(self, form: &Form) {
        let id = match self {
            Self::Field(field) => id(form, field.name),
            Self::Sentence => id(form, "error"),
        };
        let Some(element) = document().get_element_by_id(&id) else {
            return;
        };
        if let Some(element) = element.dyn_ref::<HtmlElement>() {
            let _ = element.focus();
        }
        if let Some(input) = element.dyn_ref::<HtmlInputElement>() {
            input.select();
        }
    }
}

/// The state of a form in the browser.
#[derive(Clone, Copy)]
struct FormState {
    visible: VisibleForm,
    /// Why it was refused.
    refusal: RwSignal<Option<Refusal>>,
    /// Whether it is being sent.
    sending: RwSignal<bool>,
    /// Whether it is hydrated.
    hydrated: RwSignal<bool>,
    /// Whether its passwords are shown.
    revealed: RwSignal<bool>,
}

impl FormState {
    fn new(visible: VisibleForm, refusal: Option<Refusal>) -> Self {
        Self {
            visible,
            refusal: RwSignal::new(refusal),
            sending: RwSignal::new(false),
            hydrated: RwSignal::new(false),
            revealed: RwSignal::new(false),
        }
    }

    /// Runs once the form is hydrated.
    fn start(self) {
        Effect::new(move || {
            self.hydrated.set(true);
            // A page restored from the back/forward cache can be submitted again.
            window_event_listener(ev::pageshow, move |event| {
                if event.persisted() {
                    self.sending.set(false);
                }
            });
        });
    }

    /// Sends the form, one request at a time. After a success it stays disabled until the next page has loaded.
    fn send(self, element: HtmlFormElement) {
        if self.sending.get_untracked() {
            return;
        }
        let Ok(data) = FormData::new_with_form(&element) else {
            return;
        };
        self.sending.set(true);
        // Browsers remember the value of a text field for autofill, so a shown password becomes a password again.
        self.revealed.set(false);
        spawn_local(async move {
            match send(self.visible.form.path, &data).await {
                Ok(location) => {
                    let _ = window().location().assign(&location);
                }
                Err(refusal) => self.refuse(refusal, element, data),
            }
        });
    }

    /// Shows a refusal. If it is about a field that this form does not have, submits the form without scripts: the
    /// server's page shows it.
    fn refuse(self, refusal: Refusal, element: HtmlFormElement, data: FormData) {
        if refusal.field.is_some() && self.visible.field_at_fault(&refusal).is_none() {
            let _ = element.submit();
            return;
        }
        let filled = |name: &str| {
            data.get(name)
                .as_string()
                .is_some_and(|text| !text.is_empty())
        };
        let focus = Focus::new(self.visible, Some(&refusal), filled);
        self.sending.set(false);
        self.refusal.set(Some(refusal));
        mark_title();
        // After the next frame: an element without text cannot take the focus.
        request_animation_frame(move || focus.set(self.visible.form));
    }
}

/// Marks the title as the server does for a refused form.
fn mark_title() {
    let title = document().title();
    if !title.starts_with(ERROR_IN_TITLE) {
        document().set_title(&[ERROR_IN_TITLE, &title].concat());
    }
}
