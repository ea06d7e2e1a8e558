//! Mails as `.eml` files, for a registry without an SMTP server.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use time::OffsetDateTime;

use crate::accounts::mail::{MailError, MailId};
use crate::server::settings::WrongSetting;

/// A folder of mails. Only the user that runs the server can read it, since mails contain reset links.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Opens `outbox` in the data directory. Creates it if it is missing, and checks that it can be written.
    pub fn open(data_dir: &Path) -> Result<Self, WrongSetting> {
        let folder = data_dir.join("outbox");
        match prepare(&folder) {
            Ok(()) => Ok(Self(folder)),
            Err(cause) => Err(WrongSetting::new(format!(
                "DATA_DIR must be writable, but emails cannot be written to {}: {cause}",
                folder.display()
            ))),
        }
    }

    pub(super) fn describe(&self) -> String {
        format!("files in {}", self.0.display())
    }

    /// Writes a mail to a file, whole or not at all. Failures such as a full disk are temporary.
    pub(super) async fn write(&self, id: MailId, content: Vec<u8>) -> Result<PathBuf, MailError> {
        let file = self.0.join(format!("{}-{id}.eml", now()));
        let target = file.clone();
        let written = tokio::task::spawn_blocking(move || write_whole(&target, &content)).await;
        match written.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            Ok(()) => {
                tracing::info!(file = %file.display(), "mail written");
                Ok(file)
            }
            Err(cause) => Err(MailError::Temporary(format!(
                "the mail's file cannot be written: {cause}"
            ))),
        }
    }
}

fn prepare(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let probe = folder.join(".probe");
    write_whole(&probe, b"")?;
    fs::remove_file(probe)
}

/// Writes a file under another name and then renames it, so that it is never seen half-written.
fn write_whole(target: &Path, content: &[u8]) -> io::Result<()> {
    let partial = target.with_extension("partial");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&partial, target)?;
    target
        .parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The time in UTC, in a form that sorts as text and is allowed in a file name.
fn now() -> String {
    let now = OffsetDateTime::now_utc();
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    )
}
