//! A folder of one test.

use std::{env, fs, path::PathBuf};

/// An empty folder; it is removed when it is dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let name = format!("fpm-registry-deploy-{}", uuid::Uuid::new_v4().simple());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
