//! What is made in the data folder belongs to the owner of the folder, also if root makes it: the server could not open it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown},
    path::Path,
};

use rustix::{fs::OFlags, process::geteuid};

/// Makes a file, which must not be there, for the owner of its folder alone.
pub fn make_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    give_to_owner(&file, path);
    Ok(file)
}

/// Makes a folder, unless it is there, for the owner of the folder around it alone.
pub fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            // Not through a link that has taken its place.
            let flags = OFlags::NOFOLLOW | OFlags::DIRECTORY;
            let folder = OpenOptions::new()
                .read(true)
                .custom_flags(flags.bits().cast_signed())
                .open(path)?;
            give_to_owner(&folder, path);
            Ok(())
        }
    }
}

/// The user to whom something belongs, and the one to whom the folder around it does, if these are two.
pub fn differing_owners(path: &Path) -> Option<(u32, u32)> {
    let owner = fs::metadata(path).ok()?.uid();
    let of_folder = fs::metadata(path.parent()?).ok()?.uid();
    (owner != of_folder).then_some((owner, of_folder))
}

/// Only what this process has just made: through a link of the owner, root would give away another's file.
fn give_to_owner(made: &File, path: &Path) {
    if !geteuid().is_root() {
        return;
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let given = fs::metadata(folder)
        .and_then(|folder| fchown(made, Some(folder.uid()), Some(folder.gid())));
    if let Err(error) = given {
        tracing::warn!(
            %error,
            "cannot give `{}` to the owner of its folder",
            path.display()
        );
    }
}
