//! Pages, files and the session check, by a baseline handler that gives the same bytes.

use std::time::Duration;

use crate::{
    baseline::Baseline,
    dataset::{Dataset, cpu_seconds, get},
    load::{Ask, fetch, saturate},
    plan::{Plan, cores},
    socket::Registry,
    table::{Pair, Row, Target},
};

const PAGE: &str = "/auth/login";

pub fn rows(plan: &Plan, dataset: &Dataset) -> Vec<Row> {
    let server = dataset.serve();
    let page = fetch(server.address, &get(PAGE, ""));
    let least = Target::AtLeast(0.3);
    let mut rows = by_baseline(
        plan,
        &server,
        "page /auth/login",
        &page,
        &asking(PAGE),
        least,
    );
    rows.extend(files(plan, &server, &String::from_utf8_lossy(&page)));
    let checks = dataset.checks();
    let home = fetch(server.address, &checks(0));
    let home_text = String::from_utf8_lossy(&home);
    assert!(home_text.contains("You are logged in as"), "{home_text}");
    rows.extend(by_baseline(
        plan,
        &server,
        "session check /",
        &home,
        &checks,
        Target::None,
    ));
    rows.extend(account(plan, dataset, &server));
    rows
}

/// The pages of a user with 50 sessions and 100 events.
fn account(plan: &Plan, dataset: &Dataset, server: &Registry) -> Vec<Row> {
    let pages = [
        ("/account", ">50<"),
        ("/account/sessions", "End all other sessions"),
        ("/account/history", "Password changed"),
    ];
    let rows = pages.map(|(path, words)| {
        let visits = dataset.busy_visits(path);
        let page = fetch(server.address, &visits(0));
        let text = String::from_utf8_lossy(&page);
        assert!(text.contains(words), "{text}");
        let what = format!("page {path} with 50 sessions and 100 events");
        by_baseline(plan, server, &what, &page, &visits, Target::AtLeast(0.1))
    });
    rows.into_iter().flatten().collect()
}

/// The rate, and the time of a core that one answer takes.
fn by_baseline(
    plan: &Plan,
    server: &Registry,
    what: &str,
    answer: &[u8],
    ask: &Ask,
    target: Target,
) -> Vec<Row> {
    let words = ["from a baseline handler", "in a baseline handler"];
    by(
        &Baseline::start(answer),
        words,
        plan,
        server,
        what,
        ask,
        target,
    )
}

/// The same by this reference.
pub fn by(
    baseline: &Baseline,
    words: [&str; 2],
    plan: &Plan,
    server: &Registry,
    what: &str,
    ask: &Ask,
    target: Target,
) -> Vec<Row> {
    let (mut rates, mut times) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        let ours = measure(plan.span, server.address, ask, &|| {
            cpu_seconds(server.process())
        });
        let others = measure(plan.span, baseline.address, ask, &|| baseline.cpu_seconds());
        rates.push(Pair {
            figure: ours.rate,
            reference: others.rate,
        });
        times.push(Pair {
            figure: ours.micros,
            reference: others.micros,
        });
    }
    vec![
        Row::of_rates(what, &rates, words[0], target),
        Row::of_times(what, &times, "µs", words[1]),
    ]
}

/// What the page loads, by the page.
fn files(plan: &Plan, server: &Registry, page: &str) -> Vec<Row> {
    let mut pairs: Vec<(String, Vec<Pair>)> = loaded(page)
        .into_iter()
        .map(|path| (path, Vec::new()))
        .collect();
    for _ in 0..plan.rounds {
        let reference = rate(plan.span / 2, server, &asking(PAGE));
        for (path, pairs) in &mut pairs {
            let figure = rate(plan.span / 2, server, &asking(path));
            pairs.push(Pair { figure, reference });
        }
    }
    let rows = pairs.into_iter().map(|(path, pairs)| {
        let what = format!("file {}", without_hash(&path));
        Row::of_rates(&what, &pairs, "pages", Target::AtLeast(1.0))
    });
    rows.collect()
}

/// The files of our own that a page names, each once.
fn loaded(page: &str) -> Vec<String> {
    let is_file = |path: &&str| path.starts_with("/pkg/") || path.starts_with("/favicon");
    let mut files: Vec<String> = page.split('"').filter(is_file).map(str::to_owned).collect();
    files.sort();
    files.dedup();
    assert!(files.len() > 1, "{page}");
    files
}

/// `/pkg/main.css` for `/pkg/main.f00.css`.
fn without_hash(path: &str) -> String {
    match path.split('.').collect::<Vec<_>>()[..] {
        [name, _, ending] => format!("{name}.{ending}"),
        _ => path.to_owned(),
    }
}

fn asking(path: &str) -> Ask {
    let request = get(path, "Accept-Encoding: gzip, deflate, br\r\n");
    std::sync::Arc::new(move |_| request.clone())
}

struct Measured {
    rate: f64,
    /// Of a core, for one answer.
    micros: f64,
}

fn measure(
    span: Duration,
    address: std::net::SocketAddr,
    ask: &Ask,
    cpu_seconds: &dyn Fn() -> f64,
) -> Measured {
    let before = cpu_seconds();
    let answers = saturate(&[address], 8 * cores(), span, ask);
    Measured {
        rate: answers.per_second(),
        micros: (cpu_seconds() - before) * 1e6 / answers.all as f64,
    }
}

fn rate(span: Duration, server: &Registry, ask: &Ask) -> f64 {
    saturate(&[server.address], 8 * cores(), span, ask).per_second()
}
