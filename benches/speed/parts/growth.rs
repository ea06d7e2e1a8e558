//! Login, signup and session check with more and more users, by the same with few.

use std::{collections::BTreeSet, fs, path::Path, thread::sleep, time::Duration};

use mongodb::{
    Client,
    bson::{Document, doc},
};
use tokio::runtime::Runtime;

use crate::{
    dataset::Dataset,
    fill,
    load::{Ask, saturate},
    mongod::Mongod,
    plan::{Plan, cores},
    socket::{NEW_PASSWORD, PASSWORD, Registry, Request, get, login, post, signup, try_send},
    table::{Pair, Row, Target},
};

/// What counts as flat.
const FLAT: Target = Target::AtLeast(0.9);

/// All sizes are measured in turns, so that what else the machine does meets all of them.
pub fn rows(plan: &Plan, datasets: &[Dataset]) -> Vec<Row> {
    let servers: Vec<Registry> = datasets.iter().map(Dataset::serve).collect();
    let small = datasets[0].users;
    let mut rows = Vec::new();
    for (what, connections, ask) in [
        ("login", 4, Dataset::logins as fn(&Dataset) -> Ask),
        ("signup", 4, Dataset::signups),
        ("session check", 8, Dataset::checks),
        ("whoami by token", 8, Dataset::asked_by_token),
        ("token check", 8, Dataset::token_checks),
    ] {
        let rate = |place: usize| {
            let ask = ask(&datasets[place]);
            let server = servers[place].address;
            let answers = saturate(&[server], connections * cores(), plan.span, &ask);
            assert_eq!(answers.refused, 0);
            answers.per_second()
        };
        let sizes = 0..datasets.len();
        let rounds: Vec<Vec<f64>> = (0..plan.rounds)
            .map(|_| sizes.clone().map(rate).collect())
            .collect();
        for place in sizes.skip(1) {
            let pairs = rounds.iter().map(|rates| Pair {
                figure: rates[place],
                reference: rates[0],
            });
            let Dataset { users, tokens, .. } = &datasets[place];
            let what = format!("{what} with {users} users, {tokens} tokens each");
            let reference = format!("with {small}");
            rows.push(Row::of_rates(
                &what,
                &pairs.collect::<Vec<_>>(),
                &reference,
                FLAT,
            ));
        }
    }
    rows
}

/// How MongoDB found what each route asked for: a line for each kind of query, from its own profiler.
pub fn plans(mongod: &Mongod, dataset: &Dataset) -> Vec<String> {
    let name = dataset.database.as_deref().unwrap();
    Runtime::new().unwrap().block_on(async {
        let client = Client::with_uri_str(mongod.uri()).await.unwrap();
        let database = client.database(name);
        database.run_command(doc! { "profile": 2 }).await.unwrap();
        let server = dataset.serve();
        tokio::task::spawn_blocking({
            let outbox = dataset.outbox();
            move || walk(&server, &outbox)
        })
        .await
        .unwrap();
        database.run_command(doc! { "profile": 0 }).await.unwrap();
        let profile = database.collection::<Document>("system.profile");
        let with_plan = doc! { "planSummary": { "$exists": true } };
        let mut queries = profile.find(with_plan).await.unwrap();
        let mut lines = BTreeSet::new();
        while queries.advance().await.unwrap() {
            let query = queries.deserialize_current().unwrap();
            let text = |field| query.get_str(field).unwrap_or_default();
            let collection = text("ns").rsplit('.').next().unwrap_or_default();
            if ["users", "outbox", "attempts"].contains(&collection) {
                lines.insert(format!(
                    "{} {collection}: {}",
                    text("op"),
                    text("planSummary")
                ));
            }
        }
        assert!(
            lines.iter().all(|line| !line.contains("COLLSCAN")),
            "{lines:?}"
        );
        let head = format!(
            "MongoDB's plans for all queries with {} users:",
            dataset.users
        );
        [head]
            .into_iter()
            .chain(lines.into_iter().map(|line| format!("- {line}")))
            .collect()
    })
}

/// Takes every route once.
fn walk(server: &Registry, outbox: &Path) {
    let email = fill::email(7);
    let session = format!("uuid={}", fill::session(8).reveal());
    let send = |request: &Request| {
        let answer = try_send(server.address, request).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    send(&signup("walk@example.org"));
    send(&login(&email, PASSWORD));
    send(&get("/").with("Cookie", &session));
    send(&post("/auth/forgot-password", &[("email", &email)]));
    let uuid = mailed_uuid(outbox);
    let reset = [("uuid", uuid.as_str()), ("password", NEW_PASSWORD)];
    send(&post("/auth/reset-password", &reset));
    send(&post("/auth/logout", &[]).with("Cookie", &session));
    let token = fill::token(7, 0);
    let bearer = format!("Bearer {}", token.reveal());
    send(&get("/auth/whoami").with("Authorization", &bearer));
    send(&post("/auth/token/end", &[("token", token.reveal())]));
}

/// The uuid of the only reset link that was mailed.
fn mailed_uuid(outbox: &Path) -> String {
    for _ in 0..1000 {
        let mails = fs::read_dir(outbox).into_iter().flatten();
        let mails = mails.filter_map(|mail| fs::read_to_string(mail.ok()?.path()).ok());
        for mail in mails {
            if let Some((_, rest)) = mail.split_once("/auth/reset-password?uuid=") {
                return rest[..36].to_owned();
            }
        }
        sleep(Duration::from_millis(10));
    }
    panic!("no mail came");
}
