//! Looks at a database for an operator, and changes nothing.

use std::time::Duration;

use mongodb::{Database, bson::doc, error::Error};

use super::{
    connect::{close, connect},
    documents::moment,
    driver::cause,
    indexes::missing_indexes,
};
use crate::{
    accounts::clock::{Clock, Timestamp},
    server::settings::WrongSetting,
};

/// What was found in a database.
#[derive(Debug)]
pub struct MongoInspection {
    /// The fields that should have an index and have none, as `collection.field`.
    pub missing_indexes: Vec<String>,
    /// How far the clock of the server differs from that of this machine, at least.
    pub clock_skew: Duration,
}

/// Looks at the indexes and the clock of a database. Fails within seconds if no server answers.
pub async fn inspect_mongo(uri: &str, database: &str) -> Result<MongoInspection, WrongSetting> {
    let database = connect(uri, database).await?;
    let inspected = look(&database).await;
    close(database.client()).await;
    inspected.map_err(|error| {
        let (name, cause) = (database.name(), cause(&error));
        WrongSetting::new(format!(
            "MONGO_DB_NAME: `{name}` cannot be looked at: {cause}"
        ))
    })
}

async fn look(database: &Database) -> Result<MongoInspection, Error> {
    Ok(MongoInspection {
        missing_indexes: missing_indexes(database).await?,
        clock_skew: clock_skew(database).await?,
    })
}

async fn clock_skew(database: &Database) -> Result<Duration, Error> {
    let clock = Clock::default();
    let before = clock.now();
    let hello = database.run_command(doc! { "hello": 1 }).await?;
    let after = clock.now();
    let theirs = hello.get_datetime("localTime").map_err(Error::custom)?;
    Ok(least_skew(before, moment(*theirs), after))
}

/// How far two clocks differ at least, if one showed `theirs` at a moment between `before` and `after` of the other.
fn least_skew(before: Timestamp, theirs: Timestamp, after: Timestamp) -> Duration {
    let ahead = theirs.millis() - after.millis();
    let behind = before.millis() - theirs.millis();
    let millis = ahead.max(behind).try_into().unwrap_or(0);
    Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_skew() {
        let [before, after] = [10_000, 12_000].map(Timestamp::from_millis);
        for (theirs, millis) in [
            (10_000, 0),
            (11_000, 0),
            (12_000, 0),
            (12_500, 500),
            (7_000, 3_000),
        ] {
            let skew = least_skew(before, Timestamp::from_millis(theirs), after);
            assert_eq!(skew, Duration::from_millis(millis), "{theirs}");
        }
    }
}
