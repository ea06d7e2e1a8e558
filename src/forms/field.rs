//! Form fields, and those that several forms have.

use serde::{Deserialize, Serialize};

/// One field of a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the request body.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// The `type` of its input, or `select`.
    pub kind: &'static str,
    /// The values that can be selected, and what they are called.
    pub options: &'static [(&'static str, &'static str)],
    /// The `autocomplete` of its input, for browsers and password managers.
    pub autocomplete: &'static str,
    /// A hint shown above the input.
    pub hint: Option<&'static str>,
    /// The `minlength` of its input, which password generators read.
    pub min_chars: Option<&'static str>,
    /// Whether it only shows a value. It is not accepted in a request body.
    pub readonly: bool,
}

impl Field {
    /// Whether it is a password.
    pub fn is_password(&self) -> bool {
        self.kind == "password"
    }

    /// Whether it is never sent back in a page: a password, or a code.
    pub fn is_secret(&self) -> bool {
        self.is_password() || self.autocomplete == "one-time-code"
    }
}

/// The text of a field that may be missing, which differs from an empty one.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct OptionalText(Option<String>);

impl OptionalText {
    /// The text, if the field was there.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl From<String> for OptionalText {
    fn from(text: String) -> Self {
        Self(Some(text))
    }
}

/// The name of a user.
pub const NAME: Field = Field {
    name: "name",
    label: "Name",
    kind: "text",
    options: &[],
    autocomplete: "name",
    hint: None,
    min_chars: None,
    readonly: false,
};

/// The e-mail address of an account.
pub const EMAIL: Field = Field {
    name: "email",
    label: "Email",
    kind: "email",
    options: &[],
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
    options: &[],
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

/// The password that is to be replaced, or that shows again who is there.
pub const CURRENT_PASSWORD: Field = Field {
    name: "current_password",
    label: "Confirm with your current password",
    ..PASSWORD
};

/// The code of a second factor.
pub const CODE: Field = Field {
    name: "code",
    label: "Code",
    kind: "text",
    autocomplete: "one-time-code",
    ..NAME
};

/// The code that shows again who is there.
pub const CURRENT_CODE: Field = Field {
    label: "Confirm with a code of your authenticator app, or a recovery code",
    ..CODE
};

/// The field with the uuid of a mailed link. A browser has it in a cookie.
pub const UUID_FIELD: &str = "uuid";

/// The field that says which link a form was drawn for, so that it is about no other account if the browser is given
/// another link meanwhile.
pub const LINK_FIELD: &str = "link";
