//! The deadline of store operations: a request waits only so long for its store.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::accounts::error::StoreError;

/// How long all operations of one request may take together.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one operation may take at least, if hashing has used up the time of the request.
const LATE_TIMEOUT: Duration = Duration::from_millis(500);
/// How long one operation may take outside of a request, as in the outbox worker.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(3);

tokio::task_local! {
    /// The deadline of the current request.
    static DEADLINE: Instant;
}

/// Runs the work of one request. All its store operations share one deadline, so that a store that hangs delays the
/// answer only once: a page that is shown for a refused form keeps the deadline of the form.
pub async fn with_request_deadline<T>(work: impl Future<Output = T>) -> T {
    let begun = DEADLINE.try_with(|deadline| *deadline);
    let deadline = begun.unwrap_or_else(|_| Instant::now() + REQUEST_TIMEOUT);
    DEADLINE.scope(deadline, work).await
}

/// Waits for one operation of `store` until the deadline.
pub(super) async fn within_deadline<T>(
    store: &str,
    operation: impl Future<Output = T>,
) -> Result<T, StoreError> {
    let time_left = DEADLINE
        .try_with(|deadline| deadline.duration_since(Instant::now()).max(LATE_TIMEOUT))
        .unwrap_or(OPERATION_TIMEOUT);
    timeout(time_left, operation)
        .await
        .map_err(|_| StoreError(format!("{store} did not answer in {time_left:.1?}")))
}
