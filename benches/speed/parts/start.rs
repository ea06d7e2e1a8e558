//! From the start of the process to its first answer.

use std::time::Instant;

use crate::{
    bare::Bare,
    load::fetch,
    plan::Plan,
    stock::{Stock, get},
    table::{Row, median},
};

/// What it may take, in milliseconds.
const MOST_MILLIS: f64 = 150.0;

pub fn rows(plan: &Plan, stock: &Stock) -> Vec<Row> {
    let request = get("/auth/login", "");
    let page = fetch(stock.serve().address, &request);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let began = Instant::now();
        let server = stock.serve();
        fetch(server.address, &request);
        ours.push(began.elapsed().as_secs_f64() * 1000.0);
        bare.push(Bare::start_millis(&page));
    }
    let reference = format!("allowed (a bare handler: {:.1} ms)", median(&bare));
    let what = "start to first answer";
    vec![Row::of_limit(
        what,
        median(&ours),
        MOST_MILLIS,
        "ms",
        &reference,
    )]
}
