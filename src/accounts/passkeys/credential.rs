//! A passkey as the record of its user has it.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use webauthn_rs_core::proto::{
    AttestationFormat, AuthenticatorTransport, Credential, ParsedAttestation, RegisteredExtensions,
};

use super::refusal::PasskeyRefusal;

/// The transports that browsers know.
const TRANSPORTS: [AuthenticatorTransport; 5] = [
    AuthenticatorTransport::Usb,
    AuthenticatorTransport::Nfc,
    AuthenticatorTransport::Ble,
    AuthenticatorTransport::Internal,
    AuthenticatorTransport::Hybrid,
];

/// A passkey as it is stored: its id, its public key, its counter, and how browsers reach it, as JSON.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredCredential(String);

impl StoredCredential {
    /// A new passkey, without what nobody asked for: certificates and extensions, up to the size of a body.
    pub(super) fn of_new(
        credential: Credential,
        transports: Option<Vec<AuthenticatorTransport>>,
    ) -> Result<Self, PasskeyRefusal> {
        Self::new(&Credential {
            transports: transports.map(known_transports),
            extensions: RegisteredExtensions::none(),
            attestation: ParsedAttestation::default(),
            attestation_format: AttestationFormat::None,
            ..credential
        })
    }

    pub(super) fn new(credential: &Credential) -> Result<Self, PasskeyRefusal> {
        let text = serde_json::to_string(credential).map_err(PasskeyRefusal::of)?;
        Ok(Self(text))
    }

    /// What is stored; none if this version cannot read it.
    pub(super) fn read(&self) -> Option<Credential> {
        serde_json::from_str(&self.0).ok()
    }

    /// The id of the passkey, in base64url; empty if this version cannot read it.
    pub fn id(&self) -> String {
        let id = self.read().map(|credential| credential.cred_id);
        URL_SAFE_NO_PAD.encode(id.unwrap_or_default())
    }
}

impl fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredCredential(…)")
    }
}

/// Each transport once that browsers know.
fn known_transports(said: Vec<AuthenticatorTransport>) -> Vec<AuthenticatorTransport> {
    let known = TRANSPORTS.into_iter();
    known.filter(|known| said.contains(known)).collect()
}
