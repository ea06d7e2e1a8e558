//! Logins, by what the hash allows.

use crate::{
    hash,
    load::{arrive, saturate},
    plan::{Plan, cores},
    stock::Stock,
    table::{Pair, Row, Target, median},
};

/// What an answer may take at half the rate, in milliseconds.
const MOST_MILLIS: f64 = 500.0;

pub fn rows(plan: &Plan, stock: &Stock) -> Vec<Row> {
    let server = stock.serve();
    let logins = stock.logins();
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let ideal = hash::ideal(&stock.password, plan.span / 2);
        let answers = saturate(&[server.address], 4 * cores(), plan.span, &logins);
        let at_once = hash::on_all_cores(&stock.password, plan.span / 2);
        assert_eq!(answers.refused, 0, "a login found the queue full");
        for (pairs, reference) in [(&mut alone, ideal), (&mut together, at_once)] {
            let figure = answers.per_second();
            pairs.push(Pair { figure, reference });
        }
    }
    let rate = median(&alone.iter().map(|pair| pair.figure).collect::<Vec<_>>());
    let span = plan.span * plan.rounds as u32;
    let calm = arrive(server.address, rate / 2.0, span, &logins);
    let least = if stock.database.is_some() { 0.85 } else { 0.95 };
    let p99 = calm.quantile(0.99);
    vec![
        Row::of_rates(
            "login",
            &alone,
            "hashes, one measured alone × cores",
            Target::AtLeast(least),
        ),
        Row::of_rates(
            "login",
            &together,
            "hashes on all cores at once",
            Target::None,
        ),
        Row::of_limit(
            "login at half the rate, p99",
            p99,
            MOST_MILLIS,
            "ms",
            "allowed",
        ),
    ]
}
