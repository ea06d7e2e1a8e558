//! The open file.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, BufReader, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use redb::{
    Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase, StorageError,
    WriteTransaction, backends::FileBackend,
};
use tokio::sync::RwLock;

use super::tables::{Commit, Opened, Result, Tables};
use crate::server::settings::WrongSetting;

const FILE_NAME: &str = "registry.redb";
/// How much of a file its header takes.
const HEADER_BYTES: usize = 4096;
const CACHE_BYTES: usize = 64 << 20;

/// A queued write. It gives back how to tell its caller once the transaction is on the disk; dropped
/// without that, it tells the caller that the write failed.
pub(super) type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Answer> + Send>;
pub(super) type Answer = Box<dyn FnOnce() + Send>;

/// The open file.
pub(super) struct RegistryFile {
    path: PathBuf,
    /// None while it could not be opened anew.
    database: RwLock<Option<Database>>,
}

impl RegistryFile {
    pub(super) fn open(dir: &Path) -> Result<Self, WrongSetting> {
        let path = dir.join(FILE_NAME);
        let database = make_dir(dir)
            .and_then(|()| make_file(&path))
            .map_err(|error| cannot_write(dir, &error))
            .and_then(|file| open_database(file).map_err(|error| cannot_open(&path, error)))?;
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|error| cannot_write(dir, &error))?;
        let refused =
            |why: String| WrongSetting::new(format!("DATA_DIR: `{}`{why}", path.display()));
        let opened = unless_damaged(|| begin_use(begin(&database)?));
        match opened.map_err(|error: redb::Error| refused(format!(": {error}")))? {
            Opened::Usable => {}
            Opened::Unversioned => {
                return Err(refused(
                    " was written before the first release and cannot be read any more".to_owned(),
                ));
            }
            Opened::Newer(version) => {
                return Err(refused(format!(
                    " was written by a later version of fpm-registry (format {version})"
                )));
            }
        }
        Ok(Self {
            path,
            database: RwLock::new(Some(database)),
        })
    }

    /// Opens the file anew, since redb refuses a file one of whose writes or reads has failed.
    pub(super) fn reopen(&self) {
        let mut database = self.database.blocking_write();
        let opened = unless_damaged(|| {
            *database = None;
            open_database(make_file(&self.path)?)
        });
        match opened {
            Ok(opened) => *database = Some(opened),
            Err(error) => tracing::error!(%error, "the store cannot be opened again"),
        }
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&ReadTransaction) -> Result<T>) -> Result<T> {
        let database = self.database.blocking_read();
        let database = database.as_ref().ok_or(redb::Error::DatabaseClosed)?;
        look(&database.begin_read()?)
    }

    /// Does all of a batch in one transaction, or nothing of it; if it `is_due`, with all that was delayed.
    pub(super) fn write(&self, batch: Vec<Job>, is_due: bool) -> Result<(Vec<Answer>, Commit)> {
        let database = self.database.blocking_read();
        let mut transaction = begin(database.as_ref().ok_or(redb::Error::DatabaseClosed)?)?;
        let mut tables = Tables::open(&transaction)?;
        let answers = batch
            .into_iter()
            .map(|job| job(&mut tables))
            .collect::<Result<Vec<_>>>()?;
        let commit = if is_due {
            Commit::AtOnce
        } else {
            tables.commit
        };
        drop(tables);
        match commit {
            Commit::Nothing => transaction.abort()?,
            Commit::Delayed => {
                transaction.set_durability(Durability::None)?;
                transaction.commit()?;
            }
            Commit::AtOnce => transaction.commit()?,
        }
        Ok((answers, commit))
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn make_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn open_database(file: File) -> Result<Database, DatabaseError> {
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(DatabaseError::DatabaseAlreadyOpen),
        Err(std::fs::TryLockError::Error(error)) => return Err(io_failure(error)),
    }
    if is_unfinished(&file).map_err(io_failure)? {
        file.set_len(0).map_err(io_failure)?;
    }
    let file = FileBackend::new(file)?;
    unless_damaged(|| {
        Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(file)
    })
}

/// Does `work`, and turns a panic into an error: redb panics at some files that are damaged.
pub(super) fn unless_damaged<T, E: From<StorageError>>(
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let reason = "it is damaged".to_owned();
        Err(StorageError::Corrupted(reason).into())
    })
}

/// Whether redb was killed while it made the file, which it then takes for another program's: it writes
/// the first byte last, and nothing behind the header before that.
fn is_unfinished(file: &File) -> io::Result<bool> {
    let mut bytes = BufReader::new(file).bytes();
    if bytes.next().transpose()? != Some(0) {
        return Ok(false);
    }
    for byte in bytes.skip(HEADER_BYTES - 1) {
        if byte? != 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn begin(database: &Database) -> Result<WriteTransaction> {
    let mut transaction = database.begin_write()?;
    // A start after a crash then does not read the whole file.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// Makes the tables if they are missing. Nothing is written to a file that this program cannot use.
fn begin_use(transaction: WriteTransaction) -> Result<Opened> {
    let mut tables = Tables::open(&transaction)?;
    let opened = tables.begin_use()?;
    drop(tables);
    match opened {
        Opened::Usable => transaction.commit()?,
        _ => transaction.abort()?,
    }
    Ok(opened)
}

fn cannot_write(dir: &Path, error: &io::Error) -> WrongSetting {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    WrongSetting::new(format!(
        "DATA_DIR: `{}` cannot be written: {reason}",
        dir.display()
    ))
}

fn cannot_open(path: &Path, error: DatabaseError) -> WrongSetting {
    let path = path.display();
    WrongSetting::new(match error {
        DatabaseError::DatabaseAlreadyOpen => {
            format!("DATA_DIR: `{path}` is in use by another process")
        }
        error => format!("DATA_DIR: `{path}` cannot be opened: {error}"),
    })
}

fn io_failure(error: io::Error) -> DatabaseError {
    DatabaseError::Storage(error.into())
}
