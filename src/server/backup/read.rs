//! Checks and reads a backup.

use std::{
    fs::File,
    io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Take},
    path::Path,
};

use flate2::bufread::GzDecoder;
use sha2::{Digest, Sha256};

use super::format::{
    BATCH, BackupError, CHECKSUM_BYTES, COUNT_BYTES, Contents, Entry, MAGIC, VERSION,
};

/// How many bytes the first line has at most.
const MAX_HEADER: u64 = 64;
/// How many bytes a record has at most: far more than a user can have.
const MAX_LINE: u64 = 16 << 20;
/// How many bytes the checksum is made of at once.
const BLOCK: usize = 64 << 10;

type Records = BufReader<GzDecoder<BufReader<Take<File>>>>;

/// A backup whose version and checksum are right.
pub(super) struct Backup {
    file: File,
    /// Where the compressed lines begin and end.
    begin: u64,
    end: u64,
    /// How many lines there should be.
    count: u64,
    records: Records,
}

impl Backup {
    /// Opens a file and checks it, up to its checksum.
    pub(super) fn open(path: &Path) -> Result<Self, BackupError> {
        let mut file = File::open(path)?;
        let begin = read_header(&mut file)?;
        let size = file.metadata()?.len();
        let checked = size
            .checked_sub(CHECKSUM_BYTES)
            .ok_or(BackupError::Damaged)?;
        let end = checked
            .checked_sub(COUNT_BYTES)
            .ok_or(BackupError::Damaged)?;
        if end < begin {
            return Err(BackupError::Damaged);
        }
        let computed = checksum(&mut file, checked)?;
        if read_array(&mut file, checked)? != computed {
            return Err(BackupError::Damaged);
        }
        let count = u64::from_be_bytes(read_array(&mut file, end)?);
        let records = records(&file, begin, end)?;
        Ok(Self {
            file,
            begin,
            end,
            count,
            records,
        })
    }

    /// Reads every line, to say what there is, and begins anew.
    pub(super) fn contents(&mut self) -> Result<Contents, BackupError> {
        let mut contents = Contents::default();
        loop {
            let batch = self.next(BATCH)?;
            if batch.is_empty() {
                break;
            }
            batch.iter().for_each(|entry| contents.count(entry));
        }
        let after_the_last = self.records.get_mut().get_mut().fill_buf()?;
        if contents.entries() != self.count || !after_the_last.is_empty() {
            return Err(BackupError::Damaged);
        }
        self.records = records(&self.file, self.begin, self.end)?;
        Ok(contents)
    }

    /// The next lines, at most `most`, and the rest; no lines at the end.
    pub(super) fn into_next(mut self, most: usize) -> Result<(Vec<Entry>, Self), BackupError> {
        Ok((self.next(most)?, self))
    }

    fn next(&mut self, most: usize) -> Result<Vec<Entry>, BackupError> {
        let mut batch = Vec::new();
        let mut line = Vec::new();
        while batch.len() < most {
            line.clear();
            let mut bounded = self.records.by_ref().take(MAX_LINE);
            if bounded.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            // Without the error of serde, which quotes the record.
            batch.push(serde_json::from_slice(&line).map_err(|_| BackupError::Damaged)?);
        }
        Ok(batch)
    }
}

/// Reads the first line; its length.
fn read_header(file: &mut File) -> Result<u64, BackupError> {
    let mut line = Vec::new();
    BufReader::new(file.take(MAX_HEADER)).read_until(b'\n', &mut line)?;
    let version = line
        .strip_prefix(MAGIC.as_bytes())
        .and_then(|rest| rest.strip_suffix(b"\n"))
        .and_then(|version| std::str::from_utf8(version).ok())
        .and_then(|version| version.parse().ok());
    match version {
        Some(VERSION) => Ok(line.len() as u64),
        Some(newer) if newer > VERSION => Err(BackupError::Newer(newer)),
        _ => Err(BackupError::NotABackup),
    }
}

fn records(file: &File, begin: u64, end: u64) -> Result<Records, BackupError> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(begin))?;
    let compressed = BufReader::new(file.take(end - begin));
    Ok(BufReader::new(GzDecoder::new(compressed)))
}

/// The checksum of the first bytes.
fn checksum(file: &mut File, length: u64) -> Result<[u8; CHECKSUM_BYTES as usize], BackupError> {
    file.rewind()?;
    let mut bytes = BufReader::with_capacity(BLOCK, file.take(length));
    let mut checksum = Sha256::new();
    loop {
        let block = bytes.fill_buf()?;
        if block.is_empty() {
            return Ok(checksum.finalize().into());
        }
        checksum.update(block);
        let read = block.len();
        bytes.consume(read);
    }
}

/// The bytes at a position.
fn read_array<const N: usize>(file: &mut File, position: u64) -> Result<[u8; N], BackupError> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(position))?;
    match file.read_exact(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(BackupError::Damaged),
        read => Ok(read.map(|()| bytes)?),
    }
}
