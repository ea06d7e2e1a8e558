//! What the pages have in common: title, notice and forms.

use std::cell::Cell;

use leptos::prelude::*;

use super::request::{Refused, Viewer};
use crate::forms::{
    form::{CSRF_FIELD, Confirmation, Form, Gate, Notice},
    island::{ERROR_IN_TITLE, FormIsland, Texts},
    passkey::{PURPOSE_FIELD, log_in},
    reply::{Reason, Refusal},
    second_factors::add_passkey,
};

/// Renders the common parts of a page.
pub struct Frame {
    /// The notice of what has just happened.
    pub notice: Option<Notice>,
    /// The form token.
    token: String,
    refused: Option<Refused>,
    viewer: Viewer,
    title: Cell<&'static str>,
    has_form: Cell<bool>,
    has_island: Cell<bool>,
    has_passkeys: Cell<bool>,
}

impl Frame {
    /// The frame of one page.
    pub fn new(
        token: String,
        refused: Option<Refused>,
        notice: Option<Notice>,
        viewer: Viewer,
    ) -> Self {
        Self {
            notice,
            token,
            refused,
            viewer,
            title: Cell::new("Home"),
            has_form: Cell::new(false),
            has_island: Cell::new(false),
            has_passkeys: Cell::new(false),
        }
    }

    /// The form of this page that was refused.
    pub fn refused(&self) -> Option<&Refused> {
        self.refused.as_ref()
    }

    /// The heading of the page, which is also its title.
    pub fn heading(&self, name: &'static str) -> impl IntoView + use<> {
        self.title(name);
        view! { <h1>{name}</h1> }
    }

    /// Sets the title of the page.
    pub fn title(&self, name: &'static str) {
        self.title.set(name);
    }

    /// What a user with a password that is known from a breach should do, on every page.
    pub(crate) fn warning(&self) -> impl IntoView + use<> {
        self.viewer.password_breached.then(|| {
            view! {
                <p class="warning">
                    "Your password is in lists of leaked passwords, which attackers try first. "
                    <a href="/account#password">"Change your password"</a>
                    ", here and wherever else you use it."
                </p>
            }
        })
    }

    /// What has just happened, if the heading does not say it; or why a form was refused that is but a button.
    pub fn status(&self) -> impl IntoView + use<> {
        let notice = self.notice.map(|notice| notice.sentence);
        let refused = self.refused.as_ref();
        let is_of_button =
            |refused: &&Refused| refused.form.fields.is_empty() && !asks_who(&refused.refusal);
        let refused = refused.filter(is_of_button);
        let refusal = refused.map(|refused| refused.refusal.message.clone());
        view! {
            {notice.map(|sentence| view! { <p class="notice" role="status">{sentence}</p> })}
            {refusal.map(|sentence| view! { <p class="form-error" role="alert">{sentence}</p> })}
        }
    }

    /// A form, with `texts` as the values of its fields.
    pub fn form(&self, form: &'static Form, texts: Texts) -> impl IntoView + use<> {
        let refused = self.refused.as_ref();
        let takes_focus = refused.is_some_and(|refused| refused.form == form);
        self.island(form, texts, takes_focus)
    }

    /// The main form of the page, which gets the focus when the page loads.
    pub fn main_form(&self, form: &'static Form, texts: Texts) -> impl IntoView + use<> {
        self.island(form, texts, true)
    }

    /// A form that is a button, in no need of scripts, with hidden fields.
    pub fn button_form(&self, form: &'static Form, hidden: Texts) -> impl IntoView + use<> {
        self.row_form(form, hidden, form.button.idle, "")
    }

    /// The same in a row of a list, with words of its own; `about` says to those who do not see it which row it is.
    pub fn row_form(
        &self,
        form: &'static Form,
        hidden: Texts,
        words: &'static str,
        about: &str,
    ) -> impl IntoView + use<> {
        let class = match about {
            "" => "button",
            _ => "button quiet",
        };
        self.button_of(form, hidden, class, words, about)
    }

    fn button_of(
        &self,
        form: &'static Form,
        hidden: Texts,
        class: &'static str,
        words: &'static str,
        about: &str,
    ) -> impl IntoView + use<> {
        self.has_form.set(true);
        let token = (CSRF_FIELD.to_owned(), self.token.clone());
        let hidden = hidden.into_iter().chain([token]);
        let hidden =
            hidden.map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
        let about = (!about.is_empty()).then(|| [": ", about].concat());
        view! {
            <form action=form.path method="post">
                {hidden.collect_view()}
                <button class=class type="submit">
                    {words}
                    {about.map(|about| view! { <span class="unseen">{about}</span> })}
                </button>
            </form>
        }
    }

    /// The same for a form that may ask who is there: it does so in the row that was refused for it.
    pub fn recent_row_form(
        &self,
        form: &'static Form,
        hidden: Texts,
        words: &'static str,
        about: &str,
    ) -> AnyView {
        let refused = self.refused.as_ref().filter(|refused| refused.form == form);
        let is_of_row = refused.is_some_and(|refused| {
            let mut hidden = hidden.iter();
            hidden.all(|(name, value)| refused.field(name) == Some(value))
        });
        match is_of_row {
            true => self.form(form, hidden).into_any(),
            false => self.row_form(form, hidden, words, about).into_any(),
        }
    }

    /// A form that asks for a passkey, which a script shows if the browser has any.
    pub fn passkey_form(
        &self,
        purpose: &'static str,
        form: &'static Form,
        hidden: Texts,
        words: &'static str,
    ) -> impl IntoView + use<> {
        self.has_passkeys.set(true);
        let purpose_field = (PURPOSE_FIELD.to_owned(), purpose.to_owned());
        let hidden = hidden.into_iter().chain([purpose_field]).collect();
        let form = self.button_of(form, hidden, "button quiet", words, "");
        view! { <div data-passkeys=purpose hidden>{form}</div> }
    }

    /// The form to add a passkey, which a script shows if the browser can make any. It may ask who is there, for the
    /// request that the script sends first.
    pub fn form_to_add_passkey(&self) -> impl IntoView + use<> {
        self.has_passkeys.set(true);
        let is_refused = self.refused.as_ref();
        let takes_focus = is_refused.is_some_and(|refused| refused.form == &add_passkey::FORM);
        let (form, confirmation) =
            self.island_of(&add_passkey::FORM, Gate::Recent, Vec::new(), takes_focus);
        let instead = self.confirm_by_passkey(confirmation);
        view! { <div data-passkeys="add" hidden>{form} {instead}</div> }
    }

    fn island(&self, form: &'static Form, texts: Texts, takes_focus: bool) -> AnyView {
        let (island, confirmation) = self.island_of(form, form.gate, texts, takes_focus);
        let instead = self.confirm_by_passkey(confirmation);
        view! { {island} {instead} }.into_any()
    }

    /// The way to finish the form before it by a passkey, where it asks for a code.
    fn confirm_by_passkey(&self, confirmation: Confirmation) -> Option<impl IntoView + use<>> {
        let is_asked = confirmation == Confirmation::Code && self.viewer.has_passkey;
        is_asked.then(|| {
            let words = "Confirm with a passkey instead";
            self.passkey_form("recent", &log_in::FORM, Vec::new(), words)
        })
    }

    fn island_of(
        &self,
        form: &'static Form,
        gate: Gate,
        texts: Texts,
        takes_focus: bool,
    ) -> (impl IntoView + use<>, Confirmation) {
        self.has_form.set(true);
        self.has_island.set(true);
        let refused = self.refused.as_ref().filter(|refused| refused.form == form);
        let given_back = refused.into_iter().flat_map(Refused::given_back);
        // The first value of a field is used: what was typed.
        let texts: Texts = given_back.chain(texts).collect();
        let refusal = refused.map(|refused| refused.refusal.clone());
        let is_asked = refusal.as_ref().is_some_and(asks_who) || !self.viewer.is_recent;
        let confirmation = match self.viewer.has_second_factor {
            _ if gate != Gate::Recent || !is_asked => Confirmation::None,
            true => Confirmation::Code,
            false => Confirmation::Password,
        };
        let (path, token) = (form.path.to_owned(), self.token.clone());
        let island = view! { <FormIsland path texts token refusal takes_focus confirmation /> };
        (island, confirmation)
    }

    /// The whole title, marked if a form was refused.
    pub(crate) fn whole_title(&self) -> String {
        let error = self.refused.as_ref().map_or("", |_| ERROR_IN_TITLE);
        [error, self.title.get(), " · fpm-registry"].concat()
    }

    /// Whether a form was rendered, which needs the form cookie.
    pub(crate) fn has_form(&self) -> bool {
        self.has_form.get()
    }

    /// Whether a form was rendered that asks for a passkey, which needs a script of its own.
    pub(crate) fn has_passkeys(&self) -> bool {
        self.has_passkeys.get()
    }

    /// Whether an island was rendered, which needs scripts.
    pub(crate) fn has_island(&self) -> bool {
        self.has_island.get()
    }
}

/// Whether a refusal is about the further field of a form, by which a user shows who is there.
fn asks_who(refusal: &Refusal) -> bool {
    matches!(
        refusal.reason,
        Reason::CurrentPasswordRequired
            | Reason::WrongCurrentPassword
            | Reason::CurrentCodeRequired
            | Reason::WrongCurrentCode
    )
}
