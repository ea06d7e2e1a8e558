//! Writes a backup.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::format::{BackupError, Contents, Entry, MAGIC, VERSION};
use crate::accounts::{mail::QueuedMail, store::UserRecord};

/// A backup that is being written. If it is dropped before it is finished, no file stays.
pub(super) struct NewBackup {
    file: UnfinishedFile,
    lines: GzEncoder<Hashed<BufWriter<File>>>,
    contents: Contents,
}

impl NewBackup {
    /// Begins a backup beside the place where it will be.
    pub(super) fn create(path: &Path) -> Result<Self, BackupError> {
        let (unfinished, file) = UnfinishedFile::create(path)?;
        let mut hashed = Hashed {
            inner: BufWriter::new(file),
            checksum: Sha256::new(),
        };
        writeln!(hashed, "{MAGIC}{VERSION}")?;
        Ok(Self {
            file: unfinished,
            lines: GzEncoder::new(hashed, Compression::fast()),
            contents: Contents::default(),
        })
    }

    /// Adds users, without their links.
    pub(super) fn with_users(mut self, records: Vec<UserRecord>) -> Result<Self, BackupError> {
        for mut record in records {
            if let UserRecord::User(user) = &mut record {
                user.end_links();
            }
            self.add(&Entry::Record(record))?;
        }
        Ok(self)
    }

    /// Adds mails.
    pub(super) fn with_mails(mut self, mails: Vec<QueuedMail>) -> Result<Self, BackupError> {
        for mail in mails {
            self.add(&Entry::Mail(mail))?;
        }
        Ok(self)
    }

    fn add(&mut self, entry: &Entry) -> io::Result<()> {
        self.contents.count(entry);
        serde_json::to_writer(&mut self.lines, entry)?;
        self.lines.write_all(b"\n")
    }

    /// Ends the file and puts it in its place.
    pub(super) fn finish(self) -> Result<Contents, BackupError> {
        let mut hashed = self.lines.finish()?;
        hashed.write_all(&self.contents.entries().to_be_bytes())?;
        let Hashed {
            mut inner,
            checksum,
        } = hashed;
        inner.write_all(&checksum.finalize())?;
        inner.flush()?;
        inner.get_ref().sync_all()?;
        self.file.finish()?;
        Ok(self.contents)
    }
}

/// A file under a name of its own until it is finished. Deleted if it never is.
struct UnfinishedFile {
    path: PathBuf,
    finished: PathBuf,
}

impl UnfinishedFile {
    fn create(finished: &Path) -> io::Result<(Self, File)> {
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

    fn finish(&self) -> io::Result<()> {
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

/// A writer, and the checksum of what was written.
struct Hashed<W> {
    inner: W,
    checksum: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.checksum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
