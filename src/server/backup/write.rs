//! Writes a backup.

use std::io::{self, BufWriter, Write};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use super::format::{BackupError, Contents, Entry, MAGIC, VERSION};
use crate::accounts::{
    mail::QueuedMail,
    store::{Scanned, UserRecord},
};

/// A backup that is being written.
pub(super) struct NewBackup<W: Write> {
    lines: GzEncoder<Hashed<BufWriter<W>>>,
    contents: Contents,
}

impl<W: Write> NewBackup<W> {
    /// Begins a backup.
    pub(super) fn begin(out: W) -> Result<Self, BackupError> {
        let mut hashed = Hashed {
            inner: BufWriter::new(out),
            checksum: Sha256::new(),
        };
        writeln!(hashed, "{MAGIC}{VERSION}")?;
        Ok(Self {
            lines: GzEncoder::new(hashed, Compression::fast()),
            contents: Contents::default(),
        })
    }

    /// Adds users, without their links.
    pub(super) fn with_users(mut self, scanned: Scanned) -> Result<Self, BackupError> {
        for id in scanned.unreadable {
            self.add(&Entry::Unreadable(id))?;
        }
        for mut record in scanned.records {
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
            self.add(&Entry::Mail(Box::new(mail)))?;
        }
        Ok(self)
    }

    fn add(&mut self, entry: &Entry) -> io::Result<()> {
        self.contents.count(entry);
        serde_json::to_writer(&mut self.lines, entry)?;
        self.lines.write_all(b"\n")
    }

    /// Writes what ends it.
    pub(super) fn finish(self) -> Result<Contents, BackupError> {
        let mut hashed = self.lines.finish()?;
        hashed.write_all(&self.contents.entries().to_be_bytes())?;
        let Hashed {
            mut inner,
            checksum,
        } = hashed;
        inner.write_all(&checksum.finalize())?;
        inner.flush()?;
        Ok(self.contents)
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
