//! Logins, by what the hash allows.

use crate::{
    dataset::{Dataset, cpu_seconds},
    hash,
    load::{arrive, saturate},
    plan::{Plan, cores},
    table::{Pair, Row, Target, median},
};

/// What an answer may take at half the rate, in milliseconds.
const MOST_MILLIS: f64 = 500.0;

pub fn rows(plan: &Plan, dataset: &Dataset) -> Vec<Row> {
    let server = dataset.serve();
    let logins = dataset.logins();
    let (mut by_ideal, mut by_all_cores, mut by_cpu) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let alone = hash::alone(&dataset.password, plan.span / 2);
        let before = cpu_seconds(server.process());
        let answers = saturate(&[server.address], 4 * cores(), plan.span, &logins);
        let cpu_millis = (cpu_seconds(server.process()) - before) * 1000.0 / answers.all as f64;
        let all_cores = hash::on_all_cores(&dataset.password, plan.span / 2);
        assert_eq!(answers.refused, 0, "a login found the queue full");
        let figure = answers.per_second();
        by_ideal.push(Pair {
            figure,
            reference: alone.per_second * cores() as f64,
        });
        by_all_cores.push(Pair {
            figure,
            reference: all_cores,
        });
        by_cpu.push(Pair {
            figure: cpu_millis,
            reference: alone.cpu_millis,
        });
    }
    let rates: Vec<f64> = by_ideal.iter().map(|pair| pair.figure).collect();
    let span = plan.span * plan.rounds as u32;
    let calm = arrive(server.address, median(&rates) / 2.0, span, &logins);
    let least = if dataset.database.is_some() {
        0.85
    } else {
        0.95
    };
    let ideal = "hashes, one measured alone × cores";
    vec![
        Row::of_rates("login", &by_ideal, ideal, Target::AtLeast(least)),
        Row::of_rates(
            "login",
            &by_all_cores,
            "hashes on all cores at once",
            Target::None,
        ),
        Row::of_times("login", &by_cpu, "ms", "a hash alone"),
        Row::of_limit(
            "login at half the rate, p99",
            calm.quantile(0.99),
            MOST_MILLIS,
            "ms",
            "allowed",
        ),
    ]
}
