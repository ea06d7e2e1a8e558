//! Fields that forms share.

use serde::{Deserialize, Serialize};

/// One field of a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in a body.
    pub name: &'static str,
    /// What a person reads beside it.
    pub label: &'static str,
    /// The `type` of its input.
    pub kind: &'static str,
    /// What browsers and password managers fill it with.
    pub autocomplete: &'static str,
    /// What to know before one types.
    pub hint: Option<&'static str>,
    /// What password managers go by if they make one up.
    pub min_chars: Option<&'static str>,
    /// Whether it only shows something. It is no part of a body.
    pub readonly: bool,
}

impl Field {
    /// Whether what is typed is hidden, and never given back.
    pub fn is_password(&self) -> bool {
        self.kind == "password"
    }
}

/// The text of a field that may be missing, which is not the same as empty.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Given(Option<String>);

impl Given {
    /// What was given.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl From<String> for Given {
    fn from(text: String) -> Self {
        Self(Some(text))
    }
}

/// The name a user goes by.
pub const NAME: Field = Field {
    name: "name",
    label: "Name",
    kind: "text",
    autocomplete: "name",
    hint: None,
    min_chars: None,
    readonly: false,
};

/// The address of an account.
pub const EMAIL: Field = Field {
    name: "email",
    label: "Email",
    kind: "email",
    autocomplete: "username",
    hint: None,
    min_chars: None,
    readonly: false,
};

/// The password of an account.
pub const PASSWORD: Field = Field {
    name: "password",
    label: "Password",
    kind: "password",
    autocomplete: "current-password",
    hint: None,
    min_chars: None,
    readonly: false,
};

/// A password that is being chosen.
pub const NEW_PASSWORD: Field = Field {
    label: "New password",
    autocomplete: "new-password",
    hint: Some("At least 8 characters. A few unrelated words work well."),
    min_chars: Some("8"),
    ..PASSWORD
};
