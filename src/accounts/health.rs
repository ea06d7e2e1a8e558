//! Whether the accounts can work.

use serde::{Deserialize, Serialize};

use super::{Accounts, error::StoreError, id::UserId, store::Key};

/// Whether what the accounts stand on works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The store reads and writes.
    pub store: bool,
    /// No thread that hashes passwords has ended.
    pub hashing: bool,
}

impl Accounts {
    /// Looks at everything, the store included; why it fails goes to the log.
    pub async fn health(&self) -> Health {
        let asked = self.ask_store().await;
        if let Err(error) = &asked {
            tracing::warn!(%error, "health check failed, the store does not work");
        }
        Health {
            store: asked.is_ok(),
            hashing: self.can_hash(),
        }
    }

    /// Whether no thread that hashes passwords has ended. Costs nothing.
    pub fn can_hash(&self) -> bool {
        self.hasher.is_alive()
    }

    /// One read and one write, since a disk that hangs may still be read from memory.
    async fn ask_store(&self) -> Result<(), StoreError> {
        let nobody = UserId::from_stored("0".repeat(24));
        self.store.find(Key::Id(&nobody)).await?;
        self.store.try_write().await
    }
}
