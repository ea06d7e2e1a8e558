//! Passkeys: the relying party of WebAuthn, which adds and verifies them.
//!
//! A ceremony is two calls. What is begun makes the options for the browser and a [`State`], which the caller keeps for
//! five minutes, gives back once, and binds to purpose and user.

mod credential;
mod refusal;

#[cfg(test)]
pub(super) mod tests;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;
use webauthn_rs_core::{
    WebauthnCore,
    proto::{
        AuthenticationState, CollectedClientData, Credential, PublicKeyCredential,
        PublicKeyCredentialDescriptor, RegisterPublicKeyCredential, RegistrationState,
        RequestChallengeResponse, ResidentKeyRequirement, UserVerificationPolicy,
    },
};

use super::{email::Email, id::UserId};

pub use self::{credential::StoredCredential, refusal::PasskeyRefusal};

/// What the site is called where a browser asks which passkey to use.
const NAME: &str = "Fortran package registry";
/// How long a browser lets its user look for a passkey.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// The longest id of a passkey (WebAuthn, 7.1, step 25).
const MAX_ID_BYTES: usize = 1023;
/// The longest user handle (WebAuthn, 5.4.3).
const MAX_HANDLE_BYTES: usize = 64;

/// The site as authenticators know it.
pub struct RelyingParty(WebauthnCore);

/// A ceremony that is under way.
#[derive(Debug)]
pub struct Begun {
    /// What `navigator.credentials.create` or `get` takes, its binary fields in base64url.
    pub options: Value,
    /// What finishes it.
    pub state: State,
}

/// What a ceremony is finished with. It stays on the server, and works once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(String);

/// A passkey that was verified.
#[derive(Debug)]
pub struct Used {
    /// Which of those that are known it is.
    pub index: usize,
    /// The passkey with its new counter, to be stored.
    pub credential: StoredCredential,
    /// Whether the authenticator has verified its user, as by a fingerprint or a PIN.
    pub user_verified: bool,
}

impl RelyingParty {
    /// The site at this address; none if its host is an IP address, for which no browser makes passkeys.
    pub fn new(public_url: &Url) -> Option<Self> {
        let id = public_url.domain()?;
        let origins = vec![public_url.clone()];
        let core = WebauthnCore::new_unsafe_experts_only(NAME, id, origins, TIMEOUT, None, None);
        Some(Self(core))
    }

    /// Begins to add a passkey to a user who has those that are known.
    pub fn begin_adding(
        &self,
        user: &UserId,
        email: &Email,
        known: &[StoredCredential],
    ) -> Result<Begun, PasskeyRefusal> {
        let (handle, name) = (user.as_str().as_bytes(), email.as_str());
        let builder = self
            .0
            .new_challenge_register_builder(handle, name, name)?
            // This is stored with the passkey. Were it `Preferred`, an authenticator that has verified its user now
            // would have to as second factor too, even where it cannot, as a security key on a phone.
            .user_verification_policy(UserVerificationPolicy::Discouraged_DO_NOT_USE);
        let (mut options, state) = self.0.generate_challenge_register(builder)?;
        let mut selection = options
            .public_key
            .authenticator_selection
            .unwrap_or_default();
        selection.resident_key = Some(ResidentKeyRequirement::Preferred);
        selection.user_verification = UserVerificationPolicy::Preferred;
        options.public_key.authenticator_selection = Some(selection);
        // Not in the state: those count that are known at the end, and the user is told that it is one of them.
        let known = read_all(known).map(|(_, known)| PublicKeyCredentialDescriptor {
            type_: "public-key".to_owned(),
            id: known.cred_id,
            transports: None,
        });
        options.public_key.exclude_credentials = Some(known.collect());
        Begun::new(&options, &state)
    }

    /// Adds the passkey that a browser made.
    pub fn finish_adding(
        &self,
        state: &State,
        credential: &str,
    ) -> Result<StoredCredential, PasskeyRefusal> {
        let state: RegistrationState = state.read()?;
        let made: RegisterPublicKeyCredential = read_json(credential)?;
        let credential = self.0.register_credential(&made, &state, None)?;
        if !(1..=MAX_ID_BYTES).contains(&credential.cred_id.len()) {
            return Err(PasskeyRefusal::of("its id is empty or too long"));
        }
        StoredCredential::of_new(credential, made.response.transports)
    }

    /// Begins a login with a passkey alone, whose authenticator must verify its user.
    pub fn begin_login(&self) -> Result<Begun, PasskeyRefusal> {
        self.begin_use(Vec::new(), UserVerificationPolicy::Required)
    }

    /// Begins to ask for one of these passkeys as second factor.
    pub fn begin_second_factor(&self, known: &[StoredCredential]) -> Result<Begun, PasskeyRefusal> {
        let known = read_all(known).map(|(_, known)| known).collect();
        self.begin_use(known, UserVerificationPolicy::Preferred)
    }

    fn begin_use(
        &self,
        allowed: Vec<Credential>,
        policy: UserVerificationPolicy,
    ) -> Result<Begun, PasskeyRefusal> {
        // What is required is checked when it is finished: the library would do so before it checks the signature.
        let unchecked = Some(UserVerificationPolicy::Preferred);
        let builder = self
            .0
            .new_challenge_authenticate_builder(allowed, unchecked)?;
        let (mut options, mut state): (RequestChallengeResponse, AuthenticationState) =
            self.0.generate_challenge_authenticate(builder)?;
        options.public_key.user_verification = policy;
        // Those count that are known at the end.
        state.set_allowed_credentials(Vec::new());
        Begun::new(&options, &state)
    }

    /// The user whom a passkey says it is of, before it is verified.
    pub fn claimed_user(credential: &str) -> Option<UserId> {
        let used: PublicKeyCredential = read_json(credential).ok()?;
        let handle = used.response.user_handle?;
        let text = String::from_utf8(handle).ok()?;
        let is_short = (1..=MAX_HANDLE_BYTES).contains(&text.len());
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        (is_short && is_plain).then(|| UserId::from_stored(text))
    }

    /// Verifies the passkey of a login, which must be one of those that are known and have verified its user.
    pub fn finish_login(
        &self,
        state: &State,
        credential: &str,
        known: &[StoredCredential],
    ) -> Result<Used, PasskeyRefusal> {
        let used = self.finish_second_factor(state, credential, known)?;
        match used.user_verified {
            true => Ok(used),
            false => Err(PasskeyRefusal::NotVerified),
        }
    }

    /// Verifies the passkey of a second factor, which must be one of those that are known.
    pub fn finish_second_factor(
        &self,
        state: &State,
        credential: &str,
        known: &[StoredCredential],
    ) -> Result<Used, PasskeyRefusal> {
        let state: AuthenticationState = state.read()?;
        let used: PublicKeyCredential = read_json(credential)?;
        let (index, mut credential) = read_all(known)
            .find(|(_, known)| known.cred_id == used.raw_id)
            .ok_or(PasskeyRefusal::Unknown)?;
        refuse_other_origin_above(&used)?;
        let verified = self
            .0
            .authenticate_single_credential(&used, &state, &credential)?;
        credential.counter = verified.counter();
        credential.backup_state = verified.backup_state();
        Ok(Used {
            index,
            credential: StoredCredential::new(&credential)?,
            user_verified: verified.user_verified(),
        })
    }
}

impl Begun {
    fn new(options: &impl Serialize, state: &impl Serialize) -> Result<Self, PasskeyRefusal> {
        Ok(Self {
            options: serde_json::to_value(options).map_err(PasskeyRefusal::of)?,
            state: State(serde_json::to_string(state).map_err(PasskeyRefusal::of)?),
        })
    }
}

impl State {
    /// None but that of the ceremony which is being finished is accepted.
    fn read<T: DeserializeOwned>(&self) -> Result<T, PasskeyRefusal> {
        serde_json::from_str(&self.0).map_err(PasskeyRefusal::of)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State(…)")
    }
}

/// The passkeys that can be read, each with its place.
fn read_all(stored: &[StoredCredential]) -> impl Iterator<Item = (usize, Credential)> {
    let stored = stored.iter().enumerate();
    stored.filter_map(|(index, stored)| Some((index, stored.read()?)))
}

fn read_json<T: DeserializeOwned>(json: &str) -> Result<T, PasskeyRefusal> {
    serde_json::from_str(json).map_err(|_| PasskeyRefusal::Malformed)
}

/// Refuses what was asked for in a frame of another site, which the library does only when a passkey is added.
fn refuse_other_origin_above(used: &PublicKeyCredential) -> Result<(), PasskeyRefusal> {
    let client_data: CollectedClientData = serde_json::from_slice(&used.response.client_data_json)
        .map_err(|_| PasskeyRefusal::Malformed)?;
    match client_data.cross_origin {
        Some(true) => Err(PasskeyRefusal::of("the site is in a frame of another")),
        _ => Ok(()),
    }
}
