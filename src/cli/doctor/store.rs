//! Looks at the store, and makes none.

use std::{path::Path, time::Duration};

use super::{finding::Finding, server::Server};
use crate::server::{
    owner::differing_owners,
    settings::Settings,
    store::{self, MongoInspection, embedded_file, inspect_mongo},
};

const STORE: &str = "store";
const INDEXES: &str = "indexes";
const CLOCK: &str = "clock";
/// From here on the clocks differ by more than a network explains.
const NOTABLE_SKEW: Duration = Duration::from_secs(2);
/// From here on another process may take a mail that this one is sending: its lease is a minute.
const HARMFUL_SKEW: Duration = Duration::from_secs(30);

/// Looks at the store that the settings choose.
pub async fn look(settings: &Settings, server: &Server) -> Vec<Finding> {
    match &settings.mongo_uri {
        Some(uri) => look_at_mongo(uri, &settings.mongo_db_name).await,
        None => Vec::from_iter(look_at_file(&settings.data_dir, server)),
    }
}

async fn look_at_mongo(uri: &str, database: &str) -> Vec<Finding> {
    match inspect_mongo(uri, database).await {
        Err(setting) => vec![Finding::wrong_setting(STORE, &setting)],
        Ok(MongoInspection {
            missing_indexes,
            clock_skew,
        }) => vec![
            Finding::ok(STORE, format!("MongoDB answers, database {database}")),
            indexes(&missing_indexes),
            clock(clock_skew),
        ],
    }
}

fn indexes(missing: &[String]) -> Finding {
    match missing {
        [] => Finding::ok(INDEXES, "all are there"),
        missing => Finding::wrong(
            INDEXES,
            format!("there is none of {}", missing.join(", ")),
            "start or restart a server, which makes them",
        ),
    }
}

fn clock(skew: Duration) -> Finding {
    let found = format!("this machine and the database differ by {skew:.1?}");
    let change = "synchronize both clocks by NTP";
    if skew >= HARMFUL_SKEW {
        Finding::wrong(CLOCK, found, change)
    } else if skew >= NOTABLE_SKEW {
        Finding::warning(CLOCK, found, change)
    } else {
        Finding::ok(CLOCK, "this machine and the database agree")
    }
}

/// Nothing if the running server has it open, and has said how it is.
fn look_at_file(data_dir: &Path, server: &Server) -> Option<Finding> {
    if !matches!(server, Server::Absent) {
        return None;
    }
    let file = embedded_file(data_dir);
    let name = file.display();
    Some(match file.try_exists() {
        Ok(true) => match (differing_owners(&file), store::open_embedded(data_dir)) {
            (_, Err(setting)) => Finding::wrong_setting(STORE, &setting),
            (Some(owners), Ok(_)) => Finding::of_another_owner(STORE, &file, owners),
            (None, Ok(_)) => Finding::ok(STORE, format!("{name} can be opened")),
        },
        Ok(false) => Finding::ok(STORE, format!("the first start makes {name}")),
        Err(error) => Finding::wrong(
            STORE,
            format!("{name} cannot be looked at: {error}"),
            "correct DATA_DIR, or run doctor as the user of the server",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_two_seconds_and_must_not_by_thirty() {
        for (millis, line) in [
            (
                0,
                "ok       clock        this machine and the database agree",
            ),
            (
                1_999,
                "ok       clock        this machine and the database agree",
            ),
            (
                2_000,
                "warning  clock        this machine and the database differ by 2.0s; synchronize both clocks by NTP",
            ),
            (
                30_000,
                "wrong    clock        this machine and the database differ by 30.0s; synchronize both clocks by NTP",
            ),
        ] {
            assert_eq!(clock(Duration::from_millis(millis)).to_string(), line);
        }
    }
}
