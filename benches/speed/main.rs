//! How fast the release server is, and how much memory it takes: one table, every figure as a ratio to a
//! reference that was measured in the same run.
//!
//! # Layout
//! - `parts`: what is measured, one part of the table a file
//! - [`load`]: the clients; [`baseline`] and [`hash`]: the references
//! - [`dataset`]: a store filled with users, and the servers over it; [`fill`]: how it is filled
//! - [`plan`]: what to measure, from the environment; [`table`]: rows and verdicts
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that cannot be taken ends the run"
)]

mod baseline;
mod fill;
mod hash;
mod load;
#[path = "../../tests/common/mongod.rs"]
mod mongod;
mod parts {
    pub mod balanced;
    pub mod growth;
    pub mod login;
    pub mod memory;
    pub mod pages;
    pub mod processes;
    pub mod start;
    pub mod who;
}
mod dataset;
mod plan;
#[path = "../../tests/common/replica_set.rs"]
mod replica_set;
#[path = "../../tests/common/socket.rs"]
mod socket;
mod table;

use std::{env, fs};

use dataset::Dataset;
use mongod::Mongod;
use parts::{balanced, growth, login, memory, pages, processes, start, who};
use plan::{Part, Plan, StoreKind};
use table::Table;

fn main() {
    if env::args().any(|argument| argument == baseline::ARGUMENT) {
        return baseline::serve();
    }
    let plan = Plan::read();
    let mut table = Table::default();
    table.say(&machine());
    for store in plan.stores.clone() {
        measure(&plan, store, &mut table);
    }
    if plan.has(Part::Processes) && plan.stores.contains(&StoreKind::MongoDb) {
        table.add(processes::rows(&plan));
        for line in balanced::lines(&plan) {
            table.say(&line);
        }
    }
    println!("\n{table}");
}

/// All parts on one store.
fn measure(plan: &Plan, store: StoreKind, table: &mut Table) {
    let mongod = match store {
        StoreKind::Embedded => None,
        StoreKind::MongoDb => Some(Mongod::start(&[]).unwrap()),
    };
    let fill = |users| Dataset::new(mongod.as_ref(), users, plan.tokens);
    let small = fill(plan.users[0]);
    let mut add = |part: Part, rows: &dyn Fn() -> Vec<table::Row>| {
        if plan.has(part) {
            plan::progress(&format!("{part}, {store}"));
            table.add(rows().into_iter().map(|row| row.on(store)));
        }
    };
    add(Part::Start, &|| start::rows(plan, &small));
    add(Part::Memory, &|| memory::rows(plan, &small));
    add(Part::Login, &|| login::rows(plan, &small));
    add(Part::Pages, &|| pages::rows(plan, &small));
    if plan.has(Part::Who) {
        plan::progress(&format!("{}, {store}", Part::Who));
        let rows = who::rows(plan, &small, mongod.as_ref());
        table.add(rows.into_iter().map(|row| row.on(store)));
    }
    if plan.has(Part::Growth) {
        plan::progress(&format!("{}, {store}", Part::Growth));
        let larger = plan.users[1..].iter().map(|users| fill(*users));
        let datasets: Vec<Dataset> = [small].into_iter().chain(larger).collect();
        let rows = growth::rows(plan, &datasets);
        table.add(rows.into_iter().map(|row| row.on(store)));
        if let Some(mongod) = &mongod {
            for plan in growth::plans(mongod, datasets.last().unwrap()) {
                table.say(&plan);
            }
        }
    }
}

/// What is measured on, and how busy it is with other things.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut lines = processors.lines();
    let model = lines.find_map(|line| line.strip_prefix("model name"));
    let model = model.unwrap_or_default().trim_matches([' ', '\t', ':']);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let cores = plan::cores();
    format!(
        "{cores} cores ({model}), load average before: {}",
        load.join(" ")
    )
}
