//! Which refusals a form or a `GET` can have: its own, and by rule those that it has in common with others.

use crate::{
    accounts::error::Error,
    forms::{
        answers::{CURRENT_CODE, CURRENT_PASSWORD, LIMITED, LOGGED_OUT, OF_THE_STORE},
        form::{Form, Gate},
        reply::Refusal,
    },
    pages::endpoint::Endpoint,
    server::problem::Problem,
};

/// The refusals of all routes.
const OF_ALL: [Problem; 2] = [Problem::HeadersTooLarge, Problem::Internal];
/// The refusals of a text of fields, in a body or a query.
const OF_FIELDS: [Problem; 2] = [Problem::Malformed, Problem::Repeated];
/// The further refusals of all forms.
const OF_FORMS: [Problem; 6] = [
    Problem::NotText,
    Problem::OtherSite,
    Problem::OutdatedForm,
    Problem::Timeout,
    Problem::TooLarge,
    Problem::UnsupportedType,
];

/// The refusals of the `POST` of a form.
pub fn of_form(form: &Form) -> Vec<Refusal> {
    let problems = [&OF_FIELDS[..], &OF_FORMS, &OF_ALL].concat();
    let problems = problems.into_iter().map(Problem::refusal);
    distinct(problems.chain(of_function(form)))
}

/// The refusals of a `GET`.
pub fn of_get(endpoint: &Endpoint) -> Vec<Refusal> {
    let own = refusals(endpoint.refusals);
    let submitted = endpoint.submits.into_iter().flat_map(|form| {
        let problems = OF_FIELDS.into_iter().chain([Problem::PasswordInUrl]);
        problems.map(Problem::refusal).chain(of_function(form))
    });
    let of_all = OF_ALL.map(Problem::refusal);
    distinct(own.chain(submitted).chain(of_all))
}

/// The refusals of the gate and the server function of a form.
fn of_function(form: &Form) -> impl Iterator<Item = Refusal> {
    let gate: &[&[Error]] = match form.gate {
        Gate::Anyone => &[],
        Gate::LoggedIn => &[LOGGED_OUT],
        Gate::Recent => &[LOGGED_OUT, CURRENT_PASSWORD, CURRENT_CODE, LIMITED],
        Gate::Password => &[LOGGED_OUT, CURRENT_PASSWORD, LIMITED],
    };
    let own = form.answers().map(|answers| answers.refusals);
    let own = own.unwrap_or_default();
    refusals(gate)
        .chain(refusals(own))
        .chain(refusals(&[OF_THE_STORE]))
}

fn refusals(lists: &'static [&'static [Error]]) -> impl Iterator<Item = Refusal> {
    lists.iter().copied().flatten().map(Refusal::from)
}

fn distinct(refusals: impl Iterator<Item = Refusal>) -> Vec<Refusal> {
    refusals.fold(Vec::new(), |mut all, refusal| {
        if !all.contains(&refusal) {
            all.push(refusal);
        }
        all
    })
}
