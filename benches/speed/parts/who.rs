//! Who somebody is, by a baseline handler that gives the same bytes after one read of the same store.

use super::pages::by;
use crate::{
    baseline::{Baseline, Read},
    dataset::Dataset,
    fill,
    load::{Ask, fetch},
    mongod::Mongod,
    plan::Plan,
    table::{Row, Target},
};

pub fn rows(plan: &Plan, dataset: &Dataset, mongod: Option<&Mongod>) -> Vec<Row> {
    let server = dataset.serve();
    // One process alone opens an embedded store.
    let other = mongod
        .is_none()
        .then(|| Dataset::new(None, dataset.users, dataset.tokens));
    let mut rows = Vec::new();
    for (what, are_tokens, ask) in [
        (
            "whoami by session",
            false,
            Dataset::asked_by_session as fn(&Dataset) -> Ask,
        ),
        ("whoami by token", true, Dataset::asked_by_token),
    ] {
        let ask = ask(dataset);
        let answer = fetch(server.address, &ask(0));
        let text = String::from_utf8_lossy(&answer);
        assert!(text.contains("\"via\":"), "{text}");
        let users = 0..dataset.users;
        let digests = users.map(|n| match are_tokens {
            true => fill::token(n, n % dataset.tokens).digest(),
            false => fill::session(n).digest(),
        });
        let read = Read {
            mongo: mongod.map(Mongod::uri).zip(dataset.database.clone()),
            folder: other.as_ref().unwrap_or(dataset).folder(),
            digests: digests.collect(),
            are_tokens,
        };
        let baseline = Baseline::reading(&answer, Some(read));
        let words = [
            "from a baseline handler that reads the record",
            "in a baseline handler that reads the record",
        ];
        let target = Target::AtLeast(0.5);
        rows.extend(by(&baseline, words, plan, &server, what, &ask, target));
    }
    rows
}
