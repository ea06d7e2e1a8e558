//! The file of a backup while it is being written.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::format::BackupError;

/// A file under a name of its own, which only this user can read. Deleted if it is never finished.
pub struct UnfinishedFile {
    path: PathBuf,
    finished: PathBuf,
}

impl UnfinishedFile {
    /// Begins a file beside the place where it will be, which may be that of an older file but of nothing else.
    pub fn create(finished: &Path) -> Result<(Self, File), BackupError> {
        if fs::metadata(finished).is_ok_and(|older| !older.is_file()) {
            return Err(BackupError::NoFile);
        }
        let mut name = finished.as_os_str().to_owned();
        name.push(format!(".{}.partial", Uuid::new_v4().simple()));
        let path = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let finished = finished.to_owned();
        Ok((Self { path, finished }, file))
    }

    /// Where it is now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it would take the place of an older file.
    pub fn replaces(&self) -> bool {
        self.finished.exists()
    }

    /// Puts it in its place.
    pub fn finish(self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        fs::rename(&self.path, &self.finished)?;
        let folder = match self.finished.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)?.sync_all()
    }
}

impl Drop for UnfinishedFile {
    fn drop(&mut self) {
        // Gone already, if it was finished.
        drop(fs::remove_file(&self.path));
    }
}
