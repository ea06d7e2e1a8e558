//! The declaration of a form.

use serde::{Deserialize, Serialize};

use super::field::{CURRENT_CODE, CURRENT_PASSWORD, Field};

/// The hidden field with the form token (OWASP CSRF, double submit).
pub const CSRF_FIELD: &str = "csrf_token";

/// The declaration of a form, which everything else reads.
#[derive(Debug)]
pub struct Form {
    /// The path that it posts to: that of its server function.
    pub path: &'static str,
    /// The page that contains it, and that is shown again if it is refused. None if a refusal gets a page of its own.
    pub page: Option<&'static str>,
    /// Who may submit it.
    pub gate: Gate,
    /// The visible fields. All but read-only ones are accepted in a request body.
    pub fields: &'static [Field],
    /// Hidden fields that are accepted in a request body, and that the page gives their values.
    pub hidden: &'static [&'static str],
    /// Fields that are accepted in a request body but never rendered into a page.
    pub secret: &'static [&'static str],
    /// The submit button.
    pub button: Button,
    /// What happens after success.
    pub done: Done,
}

/// Who may submit a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Anyone.
    Anyone,
    /// Users who are logged in. Others are redirected to the login page.
    LoggedIn,
    /// Who is logged in and has shown not long ago who is there: by the password, or by a second factor if the user has
    /// one. Else the form has one more field for it.
    Recent,
    /// Who is logged in and gives the password with the form, which has a field for it.
    Password,
}

/// What a form asks for beside its own fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmation {
    /// Nothing.
    None,
    /// The current password.
    Password,
    /// A code of the second factor.
    Code,
}

impl Confirmation {
    /// The further field.
    pub fn field(self) -> Option<&'static Field> {
        match self {
            Self::None => None,
            Self::Password => Some(&CURRENT_PASSWORD),
            Self::Code => Some(&CURRENT_CODE),
        }
    }
}

/// The labels of a button.
#[derive(Debug)]
pub struct Button {
    /// Before it is pressed.
    pub idle: &'static str,
    /// While the form is being sent.
    pub sending: &'static str,
}

/// What happens after a form was submitted successfully.
#[derive(Debug)]
pub struct Done {
    /// The sentence for programs. Empty if the server function tells facts alone, to browsers too.
    pub message: &'static str,
    /// The page that a browser is redirected to.
    pub page: &'static str,
    /// The notice on that page.
    pub notice: Option<Notice>,
}

/// A notice of what has just happened. Pages show only notices that forms declare, so that a link cannot make a page
/// show any other text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Its name in the query of the page.
    pub word: &'static str,
    /// The text.
    pub sentence: &'static str,
}

impl Form {
    /// The last part of its path, which is the prefix of all ids in the form.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The fields that it may have beside its own, by which a user shows again who is there.
    pub fn confirmations(&self) -> &'static [Field] {
        match self.gate {
            Gate::Recent => &[CURRENT_PASSWORD, CURRENT_CODE],
            _ => &[],
        }
    }

    /// The fields that are accepted in a request body.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let typed = self.fields.iter().filter(|field| !field.readonly);
        typed
            .map(|field| field.name)
            .chain(self.hidden.iter().copied())
            .chain(self.secret.iter().copied())
            .chain(self.confirmations().iter().map(|field| field.name))
            .chain([CSRF_FIELD])
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}
