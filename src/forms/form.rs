//! What a form declares.

use super::field::Field;

/// The field that holds what a form must bring back (OWASP CSRF, double submit).
pub const CSRF_FIELD: &str = "csrf_token";

/// All there is to know of a form.
#[derive(Debug)]
pub struct Form {
    /// Where it posts: the path of its server function.
    pub path: &'static str,
    /// The page it stands on, and comes back on if it is refused; none if a refusal is a page of its own.
    pub page: Option<&'static str>,
    /// Who may send it.
    pub gate: Gate,
    /// The fields that are drawn. All but read-only ones may stand in a body.
    pub fields: &'static [Field],
    /// Fields that may stand in a body and that are drawn hidden, with what the page gives them.
    pub hidden: &'static [&'static str],
    /// Fields that may stand in a body but never in a page.
    pub secret: &'static [&'static str],
    /// The button that sends it.
    pub button: Button,
    /// What follows if it is done.
    pub done: Done,
}

/// Who may send a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Everybody.
    Anyone,
    /// Who is logged in. Others are sent to the login page.
    LoggedIn,
}

/// The words on a button.
#[derive(Debug)]
pub struct Button {
    /// Until it is pressed.
    pub rest: &'static str,
    /// While the form is on its way.
    pub work: &'static str,
}

/// What follows if a form is done.
#[derive(Debug)]
pub struct Done {
    /// The sentence for programs.
    pub message: &'static str,
    /// The page a browser goes to.
    pub page: &'static str,
    /// What that page says then.
    pub notice: Option<Notice>,
}

/// What has just happened. Pages show no other words than those that forms declare, so that no link can make a page
/// say anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Its name in the address of the page.
    pub word: &'static str,
    /// What the page says.
    pub sentence: &'static str,
}

impl Form {
    /// The last part of its path, with which the ids of all that stands in it begin.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The fields a body may have.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let typed = self.fields.iter().filter(|field| !field.readonly);
        typed
            .map(|field| field.name)
            .chain(self.hidden.iter().copied())
            .chain(self.secret.iter().copied())
            .chain([CSRF_FIELD])
    }

    /// The drawn field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}
