//! Looks at the free space below `DATA_DIR`.

use std::{io, path::Path};

use rustix::fs::statvfs;

use super::finding::Finding;

const DISK: &str = "disk";
const MIB: u64 = 1 << 20;
/// Below this a backup, or some months of users, may not find room.
const LITTLE: u64 = 1024 * MIB;
/// Below this the next writes may fail.
const TOO_LITTLE: u64 = 100 * MIB;

/// Looks at the disk of this folder, or of the one that it would be made in.
pub fn look(data_dir: &Path) -> Finding {
    match free_bytes(data_dir) {
        Ok(bytes) => judge(bytes),
        Err(error) => Finding::wrong(
            DISK,
            format!("the free space of DATA_DIR is unknown: {error}"),
            "correct DATA_DIR, or let this user read it",
        ),
    }
}

fn free_bytes(data_dir: &Path) -> io::Result<u64> {
    let path = std::path::absolute(data_dir)?;
    let folder = path.ancestors().find(|folder| folder.exists());
    let disk = statvfs(folder.ok_or(io::ErrorKind::NotFound)?)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn judge(free_bytes: u64) -> Finding {
    let found = format!("{} MiB are free for DATA_DIR", free_bytes / MIB);
    let change = "make room, or move DATA_DIR to a larger disk";
    match free_bytes {
        ..TOO_LITTLE => Finding::wrong(DISK, found, change),
        TOO_LITTLE..LITTLE => Finding::warning(DISK, found, change),
        LITTLE.. => Finding::ok(DISK, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_needs_a_gibibyte_and_is_full_at_a_hundred_mebibytes() {
        let change = "make room, or move DATA_DIR to a larger disk";
        for (free, line) in [
            (
                LITTLE,
                "ok       disk         1024 MiB are free for DATA_DIR".to_owned(),
            ),
            (
                LITTLE - 1,
                format!("warning  disk         1023 MiB are free for DATA_DIR; {change}"),
            ),
            (
                TOO_LITTLE,
                format!("warning  disk         100 MiB are free for DATA_DIR; {change}"),
            ),
            (
                TOO_LITTLE - 1,
                format!("wrong    disk         99 MiB are free for DATA_DIR; {change}"),
            ),
        ] {
            assert_eq!(judge(free).to_string(), line);
        }
    }
}
