//! Two processes on one replica set. It has a single member, since three would leave two cores to nothing else.

use std::{net::SocketAddr, thread};

use tokio::runtime::Runtime;

use crate::{
    dataset::{Dataset, post},
    fill,
    load::{fetch, saturate},
    plan::{Plan, cores},
    replica_set::ReplicaSet,
    socket::{Answer, Registry},
    table::{Pair, Row, Target},
};

/// Tries at one account before it is closed for a while.
const FREE_TRIES: usize = 10;

pub fn rows(plan: &Plan) -> Vec<Row> {
    crate::plan::progress("processes, MongoDB");
    let set = Runtime::new().unwrap().block_on(ReplicaSet::start(1));
    let dataset = Dataset::new(Some(&set.members[0]), plan.users[0], plan.tokens);
    let whole = dataset.serve();
    let halves = [0, 1].map(|core| dataset.serve_on_core(core));
    let both = [halves[0].address, halves[1].address];
    let logins = dataset.logins();
    let rate =
        |servers: &[SocketAddr]| saturate(servers, 4 * cores(), plan.span, &logins).per_second();
    let (mut by_one_core, mut by_one_process) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let one_core = rate(&both[..1]);
        let figure = rate(&both);
        let one_process = rate(&[whole.address]);
        by_one_core.push(Pair {
            figure,
            reference: one_core,
        });
        by_one_process.push(Pair {
            figure,
            reference: one_process,
        });
    }
    let compared = attempts_compared(&dataset, &halves);
    vec![
        Row::of_rates(
            "login, two processes of a core each, replica set",
            &by_one_core,
            "with one of them",
            Target::AtLeast(1.7),
        ),
        Row::of_rates(
            "login, two processes of a core each, replica set",
            &by_one_process,
            "with one process on both cores",
            Target::AtLeast(0.95),
        ),
        Row::of_limit(
            "wrong passwords compared of 60 attempts at once, half at each process",
            compared as f64,
            FREE_TRIES as f64,
            "attempts",
            "allowed",
        ),
    ]
}

/// How many of 60 attempts at one account had their password compared; the others were told to wait.
fn attempts_compared(dataset: &Dataset, servers: &[Registry; 2]) -> usize {
    let email = fill::email(dataset.users - 1);
    let fields = [("email", email.as_str()), ("password", "wrong horse")];
    let status = |n: u64| {
        let server = &servers[n as usize % 2];
        Answer::parse(&fetch(server.address, &post("/auth/login", n, &fields))).status
    };
    thread::scope(|scope| {
        let attempts: Vec<_> = (0..60).map(|n| scope.spawn(move || status(n))).collect();
        let statuses: Vec<u16> = attempts
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect();
        assert!(
            statuses.iter().all(|status| [401, 429].contains(status)),
            "{statuses:?}"
        );
        statuses.iter().filter(|status| **status == 401).count()
    })
}
