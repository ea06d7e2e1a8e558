//! From the start of the process to its first answer.

use std::time::Instant;

use crate::{
    baseline::Baseline,
    dataset::{Dataset, get},
    load::fetch,
    plan::Plan,
    table::{Row, median},
};

/// What it may take, in milliseconds.
const MOST_MILLIS: f64 = 150.0;

pub fn rows(plan: &Plan, dataset: &Dataset) -> Vec<Row> {
    let request = get("/auth/login", "");
    let page = fetch(dataset.serve().address, &request);
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let began = Instant::now();
        let server = dataset.serve();
        fetch(server.address, &request);
        ours.push(began.elapsed().as_secs_f64() * 1000.0);
        baseline.push(Baseline::start_millis(&page));
    }
    let reference = format!("allowed (a baseline handler: {:.1} ms)", median(&baseline));
    let what = "start to first answer";
    vec![Row::of_limit(
        what,
        median(&ours),
        MOST_MILLIS,
        "ms",
        &reference,
    )]
}
