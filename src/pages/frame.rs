//! What the pages have in common: title, notice and forms.

use std::cell::Cell;

use leptos::prelude::*;

use super::request::Refused;
use crate::forms::{
    form::{CSRF_FIELD, Form, Notice},
    island::{ERROR_IN_TITLE, FormIsland, Texts},
};

/// Renders the common parts of a page.
pub struct Frame {
    /// The notice of what has just happened.
    pub notice: Option<Notice>,
    /// The form token.
    token: String,
    refused: Option<Refused>,
    title: Cell<&'static str>,
    has_form: Cell<bool>,
    has_island: Cell<bool>,
}

impl Frame {
    /// The frame of one page.
    pub fn new(token: String, refused: Option<Refused>, notice: Option<Notice>) -> Self {
        Self {
            notice,
            token,
            refused,
            title: Cell::new("Home"),
            has_form: Cell::new(false),
            has_island: Cell::new(false),
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

    /// The notice, if there is one.
    pub fn status(&self) -> impl IntoView + use<> {
        let notice = self.notice;
        notice.map(|notice| view! { <p class="notice" role="status">{notice.sentence}</p> })
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

    /// A form that is only a button, and needs no scripts.
    pub fn button_form(&self, form: &'static Form) -> impl IntoView + use<> {
        self.has_form.set(true);
        let token = self.token.clone();
        view! {
            <form action=form.path method="post">
                <input type="hidden" name=CSRF_FIELD value=token />
                <button class="button" type="submit">
                    {form.button.idle}
                </button>
            </form>
        }
    }

    fn island(
        &self,
        form: &'static Form,
        texts: Texts,
        takes_focus: bool,
    ) -> impl IntoView + use<> {
        self.has_form.set(true);
        self.has_island.set(true);
        let refused = self.refused.as_ref().filter(|refused| refused.form == form);
        let given_back = refused.into_iter().flat_map(Refused::given_back);
        // The first value of a field is used: what was typed.
        let texts: Texts = given_back.chain(texts).collect();
        let refusal = refused.map(|refused| refused.refusal.clone());
        let (path, token) = (form.path.to_owned(), self.token.clone());
        view! { <FormIsland path texts token refusal takes_focus /> }
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

    /// Whether an island was rendered, which needs scripts.
    pub(crate) fn has_island(&self) -> bool {
        self.has_island.get()
    }
}
