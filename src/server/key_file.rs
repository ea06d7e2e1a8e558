//! The file of the keys that encrypt secrets: opens it, makes that of an embedded store, and tells of lost keys.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    owner,
    settings::{Settings, WrongSetting},
};
use crate::accounts::{
    error::StoreError,
    secret_keys::{KeyId, SecretKeys},
    store::Store,
};

/// The file that an embedded store has by itself.
const FILE_NAME: &str = "secret.key";
/// What others than the owner and the group must not do with the file: read or write it.
const OTHERS: u32 = 0o006;

/// The file that the settings choose.
pub struct KeyFile {
    path: PathBuf,
    /// The setting that chooses it.
    setting: &'static str,
    /// Whether it is made at the first start.
    is_made: bool,
}

/// The keys that the settings choose; none with MongoDB, unless they name a file, since all servers need the same.
/// Those of an embedded store are made if they are not there.
pub fn secret_keys(settings: &Settings) -> Result<Option<SecretKeys>, WrongSetting> {
    let Some(file) = KeyFile::of(settings) else {
        return Ok(None);
    };
    let keys = file.open()?;
    if file.is_open_to_others() {
        tracing::warn!(
            "{}: others than its owner and group can read or change the key file `{}`; change its mode to 0600",
            file.setting,
            file.path.display()
        );
    }
    Ok(Some(keys))
}

/// Warns of keys that have encrypted something in the store and are not here.
pub async fn look_for_lost_keys(settings: &Settings, store: &dyn Store, keys: Option<&SecretKeys>) {
    match lost_keys(store, keys).await {
        Ok(lost) if !lost.is_empty() => tracing::warn!("{}", tell_of(&lost, settings)),
        Ok(_) if keys.is_none() => tracing::info!(
            "SECRET_KEY_FILE is unset, so authenticator apps are not offered; \
             set it to a file made by `openssl rand -base64 32`, the same on all servers"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "cannot look whether keys of secrets are lost"),
    }
}

async fn lost_keys(store: &dyn Store, keys: Option<&SecretKeys>) -> Result<Vec<KeyId>, StoreError> {
    let here: Vec<&KeyId> = keys.into_iter().flat_map(SecretKeys::ids).collect();
    let mut noted = store.noted_secret_keys().await?;
    noted.retain(|id| !here.contains(&id));
    Ok(noted)
}

fn tell_of(lost: &[KeyId], settings: &Settings) -> String {
    let place = match KeyFile::of(settings) {
        Some(file) => format!("the key file `{}`", file.path.display()),
        None => "SECRET_KEY_FILE, which is unset,".to_owned(),
    };
    let ids: Vec<_> = lost.iter().map(KeyId::to_string).collect();
    format!(
        "{place} lacks the key {}: authenticator apps whose secrets it encrypted do not work (passwords, passkeys \
         and recovery codes do); put it back below the keys there, or, if it is lost, have these users log in with a \
         passkey or a recovery code and add the app again, or help them with \
         `fpm-registry user end-second-factors`",
        ids.join(", ")
    )
}

impl KeyFile {
    /// The file that the settings choose, if they do.
    pub fn of(settings: &Settings) -> Option<Self> {
        match (&settings.secret_key_file, &settings.mongo_uri) {
            (Some(path), _) => Some(Self {
                path: path.clone(),
                setting: "SECRET_KEY_FILE",
                is_made: false,
            }),
            (None, None) => Some(Self {
                path: settings.data_dir.join(FILE_NAME),
                setting: "DATA_DIR",
                is_made: true,
            }),
            (None, Some(_)) => None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is not there yet, but will be made at the first start.
    pub fn is_to_be_made(&self) -> bool {
        self.is_made && matches!(self.path.try_exists(), Ok(false))
    }

    /// The user to whom it belongs, and the one to whom `DATA_DIR` does, if it is in there and these are two.
    pub fn differing_owners(&self) -> Option<(u32, u32)> {
        owner::differing_owners(&self.path).filter(|_| self.is_made)
    }

    /// Whether others than its owner and its group can read or write it.
    pub fn is_open_to_others(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|file| file.permissions().mode() & OTHERS != 0)
    }

    /// Reads the keys.
    pub fn read(&self) -> Result<SecretKeys, WrongSetting> {
        let text = fs::read_to_string(&self.path)
            .map_err(|error| self.refused(format!("cannot be read: {error}")))?;
        SecretKeys::parse(&text).map_err(|why| self.refused(why.to_string()))
    }

    /// The same, but makes the file before if it is one that is made at the first start.
    fn open(&self) -> Result<SecretKeys, WrongSetting> {
        if self.is_to_be_made() {
            make(&self.path).map_err(|error| self.refused(format!("cannot be made: {error}")))?;
            // Told in every log: who does not read it may lose the secrets.
            tracing::warn!(
                "made the key file `{}`; keep a copy, since no backup has it",
                self.path.display()
            );
        }
        self.read()
    }

    fn refused(&self, why: String) -> WrongSetting {
        let path = self.path.display();
        WrongSetting::new(format!("{}: the key file `{path}` {why}", self.setting))
    }
}

/// Makes the file of a new key, for the owner of its folder alone; leaves one that another process has made meanwhile. It
/// is whole as soon as it is there.
fn make(path: &Path) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{}.partial", Uuid::new_v4().simple()));
    let mut file = owner::make_file(&unfinished)?;
    let made = file
        .write_all(SecretKeys::random_file_text().as_bytes())
        .and_then(|()| file.sync_all())
        // Unlike a rename, it takes no other file's place.
        .and_then(|()| fs::hard_link(&unfinished, path));
    fs::remove_file(&unfinished)?;
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn of_those_who_make_a_file_at_once_one_wins_and_all_read_the_same() {
        let folder = std::env::temp_dir().join(format!("fpm-registry-key-{}", Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join(FILE_NAME);
        let read = || {
            make(&path).unwrap();
            fs::read_to_string(&path).unwrap()
        };
        let texts = thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(read)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert!(SecretKeys::parse(&texts[0]).is_ok());
        assert!(texts.iter().all(|text| *text == texts[0]));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
