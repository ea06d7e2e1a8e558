//! How tests add passkeys and log in by them.
#![allow(dead_code, reason = "each suite uses a part of it")]

use serde_json::{Value, json};

use super::{Answer, Client, authenticator::Authenticator};

/// Where the registries of tests are, as browsers say it.
pub const ORIGIN: &str = "http://localhost:9090";
/// The forms that begin to add a passkey, add it, and remove it.
pub const BEGIN_PASSKEY: &str = "/account/passkeys/begin";
pub const PASSKEYS: &str = "/account/passkeys";
pub const END_PASSKEY: &str = "/account/passkeys/end";
/// The forms that ask for a passkey, and take its answer.
pub const ASK: &str = "/auth/passkey/begin";
pub const USE: &str = "/auth/passkey";

impl Client<'_> {
    /// Begins to add a passkey: what the browser is to ask its authenticators.
    pub async fn begin_passkey(&self) -> Value {
        let begun = self.post(BEGIN_PASSKEY, &[]).await;
        assert_eq!(begun.status, 200, "{}", begun.body);
        options(&begun)
    }

    /// Sends a new passkey.
    pub async fn send_new_passkey(&self, name: &str, credential: &Value) -> Answer {
        let credential = credential.to_string();
        let fields = [("name", name), ("credential", &*credential)];
        self.post(PASSKEYS, &fields).await
    }

    /// Adds a passkey of this name to the account that this client is logged in to.
    pub async fn add_passkey(&self, name: &str) -> Authenticator {
        let mut phone = Authenticator::new(ORIGIN);
        let program = self.as_program();
        let options = program.begin_passkey().await;
        let made = phone.create(&options).expect("a passkey");
        let added = program.send_new_passkey(name, &made).await;
        assert_eq!(added.status, 200, "{}", added.body);
        phone
    }

    /// Asks for a passkey: what the browser is to ask its authenticators.
    pub async fn ask_for_passkey(&self, purpose: &str) -> Value {
        let asked = self.post(ASK, &[("purpose", purpose)]).await;
        assert_eq!(asked.status, 200, "{}", asked.body);
        options(&asked)
    }

    /// Sends the answer of a passkey.
    pub async fn send_passkey(&self, credential: &Value) -> Answer {
        let credential = credential.to_string();
        self.post(USE, &[("credential", &credential)]).await
    }

    /// Asks for a passkey, and sends that of this authenticator.
    pub async fn use_passkey(&self, phone: &mut Authenticator, purpose: &str) -> Answer {
        let options = self.ask_for_passkey(purpose).await;
        let used = phone.get(&options).expect("the passkey");
        self.send_passkey(&used).await
    }
}

/// What an answer says to ask authenticators, and nothing else.
fn options(answer: &Answer) -> Value {
    let told = answer.json();
    assert_eq!(told, json!({ "options": told["options"] }));
    told["options"].clone()
}
