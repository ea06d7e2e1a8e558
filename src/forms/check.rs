//! Checks at start that [`FORMS`] and the server functions registered with Leptos are the same: one that is missing
//! from the list would have no route.

use std::collections::BTreeSet;

use leptos::server_fn::axum::server_fn_paths;

use super::FORMS;

/// Whether the server functions registered with Leptos are exactly the forms of [`FORMS`], each a `POST`. The error
/// names those that are only in one of the two.
pub fn every_server_function_is_a_form() -> Result<(), String> {
    let registered: BTreeSet<_> = server_fn_paths()
        .map(|(path, method)| format!("{method} {path}"))
        .collect();
    let forms: Vec<_> = FORMS
        .iter()
        .map(|form| format!("POST {}", form.path))
        .collect();
    let listed: BTreeSet<_> = forms.iter().cloned().collect();
    if listed == registered && listed.len() == forms.len() {
        return Ok(());
    }
    let differ: Vec<_> = listed.symmetric_difference(&registered).cloned().collect();
    Err(format!(
        "the server functions and FORMS differ in: {}",
        differ.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_functions_are_the_forms() {
        every_server_function_is_a_form().unwrap();
    }
}
