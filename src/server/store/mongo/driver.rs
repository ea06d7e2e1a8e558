//! Runs operations of the driver with a deadline, and turns its errors into messages that are safe to log.

use std::future::IntoFuture;

use futures_util::TryStreamExt;
use mongodb::{
    Collection, Cursor,
    bson::{Document, RawDocumentBuf},
    error::{Error, ErrorKind, WriteFailure},
};
use serde::de::DeserializeOwned;

use crate::{accounts::error::StoreError, server::store::deadline::within_deadline};

pub(super) const DUPLICATE_KEY: i32 = 11000;

/// Runs an operation of the driver until the deadline of the request (see [`crate::server::store::deadline`]). For
/// callers to whom every error is a failure of the store.
pub(super) async fn run<T>(
    operation: impl IntoFuture<Output = Result<T, Error>>,
) -> Result<T, StoreError> {
    within(operation).await?.map_err(failure)
}

/// The same, for callers that look at the error of the driver themselves, as for a duplicate key.
pub(super) async fn within<T>(operation: impl IntoFuture<Output = T>) -> Result<T, StoreError> {
    within_deadline("MongoDB", operation.into_future()).await
}

/// All documents that a query finds.
pub(super) async fn all<T: DeserializeOwned>(
    query: impl IntoFuture<Output = Result<Cursor<T>, Error>>,
) -> Result<Vec<T>, StoreError> {
    run(run(query).await?.try_collect()).await
}

/// The most documents that a query is to find, as the driver has it.
pub(super) fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// Inserts a document. False if its `_id` or another unique field is taken.
pub(super) async fn insert(
    collection: &Collection<RawDocumentBuf>,
    document: &Document,
) -> Result<bool, StoreError> {
    match within(collection.insert_one(raw(document)?)).await? {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(failure(error)),
    }
}

/// A document as it is sent.
pub(super) fn raw(document: &Document) -> Result<RawDocumentBuf, StoreError> {
    let raw = RawDocumentBuf::try_from(document);
    raw.map_err(|_| StoreError("a record makes no document".to_owned()))
}

pub(super) fn is_duplicate(error: &Error) -> bool {
    let code = match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code,
        ErrorKind::Command(error) => error.code,
        _ => return false,
    };
    code == DUPLICATE_KEY
}

/// The failure of the store that an error of the driver is.
pub(super) fn failure(error: Error) -> StoreError {
    StoreError(format!("MongoDB: {}", cause(&error)))
}

/// What went wrong, without the server's own text, which quotes e-mail addresses and hashes.
pub(super) fn cause(error: &Error) -> String {
    match &*error.kind {
        ErrorKind::Command(error) => format!("{} ({})", error.code_name, error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => format!("write error {}", error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => {
            format!(
                "no majority has the write: {} ({})",
                error.code_name, error.code
            )
        }
        ErrorKind::Io(error) => format!("I/O error: {error}"),
        ErrorKind::ServerSelection { .. } => "no server answers".to_owned(),
        ErrorKind::ConnectionPoolCleared { .. } => "the connection was lost".to_owned(),
        ErrorKind::Authentication { .. } => "the user name or password is refused".to_owned(),
        ErrorKind::InvalidTlsConfig { .. } => "its TLS options cannot work".to_owned(),
        _ => "the driver failed".to_owned(),
    }
}
