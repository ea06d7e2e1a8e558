//! The file of the store: opening it, and transactions.

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
use rustix::fs::OFlags;
use tokio::sync::RwLock;

use super::tables::{Commit, Result, Tables};
use crate::server::{owner::make_file, settings::WrongSetting};

const FILE_NAME: &str = "registry.redb";
/// The size of the header of a redb file.
const HEADER_BYTES: usize = 4096;
const CACHE_BYTES: usize = 64 << 20;

/// A queued write. Returns an [`Answer`] to call once the transaction is on the disk. If either is dropped without a
/// call, the caller of the write gets an error.
pub(super) type Job = Box<dyn FnOnce(&mut Tables<'_>) -> Result<Answer> + Send>;
/// Tells the caller of a write that it is done.
pub(super) type Answer = Box<dyn FnOnce() + Send>;

/// The open file.
pub(super) struct RegistryFile {
    path: PathBuf,
    /// None if it could not be reopened after a failure.
    database: RwLock<Option<Database>>,
}

impl RegistryFile {
    pub(super) fn open(dir: &Path) -> Result<Self, WrongSetting> {
        let path = path(dir);
        make_dir(dir).map_err(|error| cannot_make(dir, &error))?;
        let file = open_or_make(&path).map_err(|error| cannot_write(&path, &error))?;
        let database = open_database(file).map_err(|error| cannot_open(&path, error))?;
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|error| cannot_write(dir, &error))?;
        let refused =
            |why: String| WrongSetting::new(format!("DATA_DIR: `{}`{why}", path.display()));
        let prepared = catch_redb_panic(|| prepare(begin_write(&database)?));
        if let Some(why) = prepared.map_err(|error: redb::Error| refused(format!(": {error}")))? {
            return Err(refused(format!(" {why}")));
        }
        Ok(Self {
            path,
            database: RwLock::new(Some(database)),
        })
    }

    /// Reopens the file, which redb requires after a failed read or write.
    pub(super) fn reopen(&self) {
        self.reopen_as(&mut self.database.blocking_write());
    }

    fn reopen_as(&self, database: &mut Option<Database>) {
        let opened = catch_redb_panic(|| {
            *database = None;
            open_database(open_or_make(&self.path)?)
        });
        match opened {
            Ok(opened) => *database = Some(opened),
            Err(error) => {
                tracing::error!(%error, "cannot reopen the store file, all requests will fail until a restart")
            }
        }
    }

    /// Runs `look` on the committed state. A write that fails meanwhile, such as on a full disk, fails no read: `look`
    /// then runs again while no write can, on a reopened file if no one else has reopened it by then.
    pub(super) fn read<T>(&self, look: impl Fn(&ReadTransaction) -> Result<T>) -> Result<T> {
        let outcome = read_from(self.database.blocking_read().as_ref(), &look);
        let Err(redb::Error::PreviousIo) = outcome else {
            return outcome;
        };
        let mut database = self.database.blocking_write();
        let outcome = read_from(database.as_ref(), &look);
        let Err(redb::Error::PreviousIo) = outcome else {
            return outcome;
        };
        self.reopen_as(&mut database);
        read_from(database.as_ref(), &look)
    }

    /// Runs a batch in one transaction, whole or not at all. If `is_due`, it also brings delayed changes to the disk.
    pub(super) fn write(&self, batch: Vec<Job>, is_due: bool) -> Result<(Vec<Answer>, Commit)> {
        let database = self.database.blocking_read();
        let mut transaction = begin_write(database.as_ref().ok_or(redb::Error::DatabaseClosed)?)?;
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

fn read_from<T>(
    database: Option<&Database>,
    look: impl Fn(&ReadTransaction) -> Result<T>,
) -> Result<T> {
    look(&database.ok_or(redb::Error::DatabaseClosed)?.begin_read()?)
}

/// The file of the store in this directory.
pub fn path(dir: &Path) -> PathBuf {
    dir.join(FILE_NAME)
}

fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn open_or_make(path: &Path) -> io::Result<File> {
    match make_file(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Not what a link leads to: its owner might have root write there.
            let flags = OFlags::NOFOLLOW.bits().cast_signed();
            OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(flags)
                .open(path)
        }
        made => made,
    }
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
    catch_redb_panic(|| {
        Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(file)
    })
}

/// Runs `work` and turns a panic into an error: redb panics on some damaged files.
pub(super) fn catch_redb_panic<T, E: From<StorageError>>(
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let reason = "it is damaged".to_owned();
        Err(StorageError::Corrupted(reason).into())
    })
}

/// Whether the process was killed while redb created the file, which redb then does not recognize. It writes the first
/// byte last, and before that nothing after the header.
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

fn begin_write(database: &Database) -> Result<WriteTransaction> {
    let mut transaction = database.begin_write()?;
    // So that a start after a crash does not have to read the whole file.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// Prepares the file for use, and creates missing tables. If this program cannot use the file, writes nothing and
/// returns why.
fn prepare(transaction: WriteTransaction) -> Result<Option<String>> {
    let mut tables = Tables::open(&transaction)?;
    let why = tables.prepare()?;
    drop(tables);
    match why {
        None => transaction.commit()?,
        Some(_) => transaction.abort()?,
    }
    Ok(why)
}

fn cannot_make(dir: &Path, error: &io::Error) -> WrongSetting {
    if dir.is_symlink() && !dir.exists() {
        let dir = dir.display();
        return WrongSetting::new(format!("DATA_DIR: `{dir}` is a link to what is not there"));
    }
    cannot_write(dir, error)
}

fn cannot_write(path: &Path, error: &io::Error) -> WrongSetting {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    WrongSetting::new(format!(
        "DATA_DIR: `{}` cannot be written: {reason}",
        path.display()
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
