//! How long a request waits for its store.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::accounts::error::StoreError;

/// How long all operations of one request may take together.
const REQUEST: Duration = Duration::from_secs(2);
/// How long the next one may take though the request's time is over, which hashing may have taken.
const GRACE: Duration = Duration::from_millis(500);
/// How long one operation may take that belongs to no request.
const OPERATION: Duration = Duration::from_secs(3);

tokio::task_local! {
    /// When the time of the request being answered is over.
    static DEADLINE: Instant;
}

/// Does what belongs to one request, whose waits for a store that does not answer end together, be it a
/// database or a disk.
pub async fn for_one_request<T>(work: impl Future<Output = T>) -> T {
    DEADLINE.scope(Instant::now() + REQUEST, work).await
}

/// Waits for one operation of `who`, in bounded time.
pub(super) async fn in_time<T>(
    who: &str,
    operation: impl Future<Output = T>,
) -> Result<T, StoreError> {
    let time_left = DEADLINE
        .try_with(|deadline| deadline.duration_since(Instant::now()).max(GRACE))
        .unwrap_or(OPERATION);
    timeout(time_left, operation)
        .await
        .map_err(|_| StoreError(format!("{who} did not answer in {time_left:.1?}")))
}
