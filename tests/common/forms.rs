//! Every form, as tests fill it in.
#![allow(dead_code, reason = "each suite uses a part of it")]

use fpm_registry::forms::{
    FORMS,
    form::{CSRF_FIELD, Form},
};

/// Every form whose body may have this field.
pub fn forms_with(name: &str) -> impl Iterator<Item = &'static Form> {
    let forms = FORMS.iter().copied();
    forms.filter(move |form| form.names().any(|known| known == name))
}

/// What a program sends in a form: good text in every field, and one field that no form knows, since without any a
/// body would be empty. It brings no token, which only pages have.
pub fn fields_of(form: &Form) -> Vec<(&'static str, &'static str)> {
    let names = form.names().filter(|name| *name != CSRF_FIELD);
    let filled = names.map(|name| (name, text_for(name)));
    filled.chain([("unknown", "field")]).collect()
}

/// Text that is good in the field of this name.
fn text_for(name: &str) -> &'static str {
    match name {
        "name" => "Ada",
        "email" => "ada@example.org",
        "password" => "correct horse battery",
        "next" => "/packages",
        // Of no link that was ever sent.
        "uuid" => "936da01f-9abd-4d9d-80c7-02af85c822a8",
        "link" => "0123456789abcdef",
        "session" => "0123456789abcdef",
        "packages" | "package" => "stdlib",
        "may" => "publish",
        "days" => "30",
        "is_new" => "true",
        // Nobody's.
        "token" => "fpm_0000000000000000000000000000000028C1ac",
        // No code of anybody's app but once in a million.
        "code" => "000000",
        // Of no passkey.
        "credential" => "{}",
        "purpose" => "login",
        "passkey" => "0123456789abcdef",
        "current_password" => "correct horse battery",
        _ => panic!("what is good text for the field {name}? say it in tests/common/forms.rs"),
    }
}
