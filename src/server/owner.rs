//! A file that is made in the data folder belongs to the owner of the folder, also if root makes it: the server could not
//! open it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::Path,
};

use rustix::process::geteuid;

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

/// The user to whom something belongs, and the one to whom the folder around it does, if these are two.
pub fn differing_owners(path: &Path) -> Option<(u32, u32)> {
    // Of a link itself: what it leads to is not what root should give away.
    let owner = fs::symlink_metadata(path).ok()?.uid();
    let of_folder = fs::metadata(path.parent()?).ok()?.uid();
    (owner != of_folder).then_some((owner, of_folder))
}

/// Whose this folder is, if this process is root's and it is not: its owner could lead root elsewhere by a link in it.
pub fn other_owner(folder: &Path) -> Option<u32> {
    let owner = fs::metadata(folder).ok()?.uid();
    (geteuid().is_root() && owner != 0).then_some(owner)
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
