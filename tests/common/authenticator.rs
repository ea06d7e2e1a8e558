//! A phone or a security key in software, and the browser before it (WebAuthn, sections 6 and 7).
//!
//! It is our own because the crate `passkey` has serde_json keep the order of fields, in all tests and not in the server.
#![allow(dead_code, reason = "each suite uses a part of it")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::ecdsa::{DerSignature, SigningKey, signature::Signer};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_PASSKEY: u8 = 1 << 6;

/// An authenticator that keeps one passkey. What a browser would refuse to ask of it, it does.
pub struct Authenticator {
    passkey: Option<Passkey>,
    /// How often its passkey was used; none if it does not count.
    pub counter: Option<u32>,
    /// Whether its user touches it when it asks.
    pub is_touched: bool,
    /// Whether it verifies its user, as by a fingerprint.
    pub verifies_user: bool,
    /// Whether it is one of several devices with the same passkeys.
    pub is_backed_up: bool,
    /// How long the ids are of the passkeys that it makes.
    pub id_bytes: usize,
    /// The id of the site that it signs for, if not the one in the options.
    pub rp_id: Option<String>,
    /// What the browser says to it: `origin`, and what else is to differ, such as `type` or `challenge`.
    pub client_data: Map<String, Value>,
}

struct Passkey {
    id: Vec<u8>,
    key: SigningKey,
    user_handle: Value,
}

impl Authenticator {
    /// An authenticator without a passkey, in a browser that shows a page of this origin.
    pub fn new(origin: &str) -> Self {
        Self {
            passkey: None,
            counter: Some(0),
            is_touched: true,
            verifies_user: true,
            is_backed_up: true,
            id_bytes: 16,
            rp_id: None,
            client_data: Map::from_iter([("origin".to_owned(), origin.into())]),
        }
    }

    /// What `navigator.credentials.create(options)` gives, as `toJSON()` writes it; none if the passkey that it has is
    /// excluded. A new passkey takes the place of the one that it has.
    pub fn create(&mut self, options: &Value) -> Option<Value> {
        let options = &options["publicKey"];
        if self.has_one_of(&options["excludeCredentials"]) {
            return None;
        }
        self.passkey = Some(Passkey::new(options["user"]["id"].clone(), self.id_bytes));
        self.attest(options)
    }

    /// The same of the passkey that it has, as if it were new.
    pub fn create_again(&self, options: &Value) -> Option<Value> {
        self.attest(&options["publicKey"])
    }

    fn attest(&self, options: &Value) -> Option<Value> {
        let passkey = self.passkey.as_ref()?;
        let mut data = self.data(HAS_PASSKEY, &options["rp"]["id"]);
        data.extend(passkey.attested());
        Some(passkey.credential(json!({
            "clientDataJSON": encode(self.client_data("webauthn.create", options)),
            "attestationObject": encode(unattested(&data)),
            "transports": ["internal", "hybrid"],
        })))
    }

    /// The id of the passkey that it has.
    pub fn passkey_id(&self) -> Option<String> {
        self.passkey.as_ref().map(|passkey| encode(&passkey.id))
    }

    /// What `navigator.credentials.get(options)` gives, as `toJSON()` writes it; none if it has no such passkey.
    pub fn get(&mut self, options: &Value) -> Option<Value> {
        let options = &options["publicKey"];
        let allowed = &options["allowCredentials"];
        let are_all_allowed = allowed.as_array().is_none_or(Vec::is_empty);
        if !are_all_allowed && !self.has_one_of(allowed) {
            return None;
        }
        self.counter = self.counter.map(|counter| counter + 1);
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(0, &options["rpId"]);
        let signed = [&*data, &Sha256::digest(&client_data)].concat();
        let passkey = self.passkey.as_ref()?;
        let signature: DerSignature = passkey.key.sign(&signed);
        Some(passkey.credential(json!({
            "clientDataJSON": encode(client_data),
            "authenticatorData": encode(data),
            "signature": encode(signature),
            "userHandle": passkey.user_handle,
        })))
    }

    fn has_one_of(&self, list: &Value) -> bool {
        let mut list = list.as_array().into_iter().flatten();
        self.passkey_id()
            .is_some_and(|id| list.any(|one| one["id"] == id))
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let mut said = json!({
            "type": kind,
            "challenge": options["challenge"],
            "crossOrigin": false,
        });
        for (name, value) in &self.client_data {
            said[name] = value.clone();
        }
        said.to_string()
    }

    /// For which site it works, what its user did, and the counter (6.1).
    fn data(&self, flags: u8, rp_id: &Value) -> Vec<u8> {
        let rp_id = self.rp_id.as_deref().or(rp_id.as_str()).unwrap();
        let when = |is_so, flag| if is_so { flag } else { 0 };
        let flags = flags
            | when(self.is_touched, USER_PRESENT)
            | when(self.verifies_user, USER_VERIFIED)
            | BACKUP_ELIGIBLE
            | when(self.is_backed_up, BACKED_UP);
        let counter = self.counter.unwrap_or_default().to_be_bytes();
        [&*Sha256::digest(rp_id), &[flags], &counter].concat()
    }
}

impl Passkey {
    fn new(user_handle: Value, id_bytes: usize) -> Self {
        let random = || Uuid::new_v4().into_bytes();
        Self {
            id: random().into_iter().cycle().take(id_bytes).collect(),
            key: SigningKey::from_slice(&[random(), random()].concat()).unwrap(),
            user_handle,
        }
    }

    /// Its id, behind the zeros of an unnamed model, and its public key in CBOR (6.5.1).
    fn attested(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = (&point.as_bytes()[1..33], &point.as_bytes()[33..]);
        [
            [0; 16].as_slice(),
            &u16::try_from(self.id.len()).unwrap().to_be_bytes(),
            &self.id,
            // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
            b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20",
            x,
            b"\x22\x58\x20",
            y,
        ]
        .concat()
    }

    fn credential(&self, response: Value) -> Value {
        json!({
            "id": encode(&self.id),
            "rawId": encode(&self.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": response,
        })
    }
}

/// `{"fmt": "none", "attStmt": {}, "authData": data}` in CBOR, for up to 65,535 bytes (6.5.4).
fn unattested(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59";
    [head.as_slice(), &length, data].concat()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
