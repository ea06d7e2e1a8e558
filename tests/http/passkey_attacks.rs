//! What is no answer of the right passkey to the right challenge does nothing, for each purpose of a passkey.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    PROGRAM,
    common::{
        Client, Kept, Registry,
        authenticator::Authenticator,
        passkey::{ORIGIN, USE},
    },
    passkey_login::{REFUSED, UNVERIFIED, for_any, sessions},
    passkeys::{EXPIRED, NO_CHALLENGE, passkeys},
    refusals::address,
    refused_codes::waiting,
};

contract! {
    what_an_authenticator_signs_for_something_else_is_refused
    what_is_no_answer_is_refused
    an_answer_works_once
    a_challenge_works_for_five_minutes
    a_challenge_is_of_one_browser_and_one_user
    a_challenge_is_of_one_purpose
    the_same_answer_many_times_at_once_is_one_login
}

const PURPOSES: [&str; 3] = ["login", "second-factor", "recent"];

/// Somebody who is asked for a passkey.
struct Scene<'r> {
    /// Logged in since the passkey was added.
    owner: Client<'r>,
    phone: Authenticator,
    /// Who is asked.
    client: Client<'r>,
    purpose: &'static str,
}

impl<'r> Scene<'r> {
    async fn of(registry: &'r Registry, purpose: &'static str) -> Self {
        let email = address();
        let owner = registry.signed_up(PROGRAM, &email).await;
        let phone = owner.add_passkey("Phone").await;
        let client = match purpose {
            "login" => registry.program(),
            "second-factor" => waiting(registry, &email).await.as_program(),
            _ => owner.as_program(),
        };
        Self {
            owner,
            phone,
            client,
            purpose,
        }
    }

    async fn ask(&self) -> (Value, String) {
        let options = self.client.ask_for_passkey(self.purpose).await;
        (options, self.client.cookie("passkey").unwrap())
    }

    /// Asserts that this does nothing but to use up the challenge.
    async fn assert_refused(
        &mut self,
        challenge: &str,
        options: &Value,
        text: &str,
        expected: (u16, &str, Option<&str>),
    ) {
        let before = (passkeys(&self.owner).await, sessions(&self.owner).await);
        self.client.set_cookie("passkey", challenge);
        let uuid = self.client.cookie("uuid");
        let refused = self.client.post(USE, &[("credential", text)]).await;
        let (status, sentence, field) = expected;
        refused.assert_refused(PROGRAM, status, sentence, field);
        assert_eq!(refused.set_cookies(), [NO_CHALLENGE]);
        assert_eq!(self.client.cookie("uuid"), uuid);
        let after = (passkeys(&self.owner).await, sessions(&self.owner).await);
        assert_eq!(after, before, "{text}");
        self.client.set_cookie("passkey", challenge);
        let right = self.phone.get(options).unwrap();
        let over = self.client.send_passkey(&right).await;
        over.assert_refused(PROGRAM, 400, EXPIRED, None);
    }

    /// Asserts that the right answer to a new challenge is still good.
    async fn assert_goes_on(&mut self) {
        let done = self.client.use_passkey(&mut self.phone, self.purpose).await;
        done.assert_done(PROGRAM, "Login successful", "");
    }
}

type Change = fn(&mut Authenticator, old: &Value);

fn says(phone: &mut Authenticator, name: &str, value: Value) {
    phone.client_data.insert(name.to_owned(), value);
}

async fn what_an_authenticator_signs_for_something_else_is_refused(registry: Registry) {
    let changes: [Change; 13] = [
        |phone, _| says(phone, "origin", json!("http://evil.example")),
        |phone, _| says(phone, "origin", json!("http://localhost")),
        |phone, _| says(phone, "origin", json!("http://localhost:9091")),
        |phone, _| says(phone, "origin", json!("https://localhost:9090")),
        |phone, _| says(phone, "origin", json!("http://evil.localhost:9090")),
        |phone, _| says(phone, "origin", json!(null)),
        |phone, _| says(phone, "type", json!("webauthn.create")),
        |phone, old| says(phone, "challenge", old.clone()),
        |phone, _| says(phone, "challenge", json!("")),
        |phone, _| says(phone, "crossOrigin", json!(true)),
        |phone, _| phone.rp_id = Some("evil.example".to_owned()),
        |phone, _| phone.rp_id = Some("registry.localhost".to_owned()),
        |phone, _| phone.is_touched = false,
    ];
    for purpose in PURPOSES {
        for change in changes {
            let mut scene = Scene::of(&registry, purpose).await;
            let (old, _) = scene.ask().await;
            let (options, challenge) = scene.ask().await;
            change(&mut scene.phone, &old["publicKey"]["challenge"]);
            let used = scene.phone.get(&options).unwrap().to_string();
            let expected = (401, REFUSED, None);
            scene
                .assert_refused(&challenge, &options, &used, expected)
                .await;
            let origin = json!(ORIGIN);
            scene.phone.client_data = serde_json::Map::from_iter([("origin".to_owned(), origin)]);
            (scene.phone.rp_id, scene.phone.is_touched) = (None, true);
            scene.assert_goes_on().await;
        }
    }
}

async fn what_is_no_answer_is_refused(registry: Registry) {
    for purpose in PURPOSES {
        let mut scene = Scene::of(&registry, purpose).await;
        let (options, challenge) = scene.ask().await;
        let required = (400, "Credential is required", Some("credential"));
        scene
            .assert_refused(&challenge, &options, "", required)
            .await;
        for text in ["john", "{}", "[]", "null", "{\"id\":1}"] {
            let (options, challenge) = scene.ask().await;
            let expected = (401, REFUSED, None);
            scene
                .assert_refused(&challenge, &options, text, expected)
                .await;
        }
        // Parts of a right answer, or with another's beside them.
        let mut scene = Scene::of(&registry, purpose).await;
        let mut other = Scene::of(&registry, purpose).await;
        other.phone.counter = Some(100);
        for member in ["clientDataJSON", "authenticatorData", "signature"] {
            for is_of_other in [true, false] {
                let (options, challenge) = scene.ask().await;
                let mut used = scene.phone.get(&options).unwrap();
                let (of_other, _) = other.ask().await;
                let mut of_other = other.phone.get(&of_other).unwrap();
                used["response"][member] = match is_of_other {
                    true => of_other["response"][member].take(),
                    false => json!(null),
                };
                let (text, expected) = (used.to_string(), (401, REFUSED, None));
                scene
                    .assert_refused(&challenge, &options, &text, expected)
                    .await;
            }
        }
        scene.assert_goes_on().await;
        // A new key under the id of the passkey, and under an id of its own.
        let mut scene = Scene::of(&registry, purpose).await;
        let mut thief = Authenticator::new(ORIGIN);
        thief.create(&scene.owner.begin_passkey().await).unwrap();
        for has_own_id in [true, false] {
            let (options, challenge) = scene.ask().await;
            let mut used = thief.get(&for_any(options.clone())).unwrap();
            if !has_own_id {
                let id = json!(scene.phone.passkey_id());
                (used["id"], used["rawId"]) = (id.clone(), id);
            }
            let (text, expected) = (used.to_string(), (401, REFUSED, None));
            scene
                .assert_refused(&challenge, &options, &text, expected)
                .await;
        }
        scene.assert_goes_on().await;
    }
    // Whoever a passkey says it is of, it is of its user.
    let mut scene = Scene::of(&registry, "login").await;
    let mut other = Scene::of(&registry, "login").await;
    let (options, challenge) = scene.ask().await;
    let mut used = scene.phone.get(&options).unwrap();
    let of_other = other.phone.get(&options).unwrap();
    used["response"]["userHandle"] = of_other["response"]["userHandle"].clone();
    let (text, expected) = (used.to_string(), (401, REFUSED, None));
    scene
        .assert_refused(&challenge, &options, &text, expected)
        .await;
    assert_eq!(passkeys(&other.owner).await[0]["used_at"], json!(null));
    for handle in [json!(null), json!(""), json!("AA"), json!("x".repeat(200))] {
        let (options, challenge) = scene.ask().await;
        let mut used = scene.phone.get(&options).unwrap();
        used["response"]["userHandle"] = handle;
        let text = used.to_string();
        scene
            .assert_refused(&challenge, &options, &text, expected)
            .await;
    }
    scene.assert_goes_on().await;
}

async fn an_answer_works_once(registry: Registry) {
    for purpose in PURPOSES {
        let mut scene = Scene::of(&registry, purpose).await;
        let (options, challenge) = scene.ask().await;
        let used = scene.phone.get(&options).unwrap();
        let done = scene.client.send_passkey(&used).await;
        done.assert_done(PROGRAM, "Login successful", "");
        let again = scene.client.send_passkey(&used).await;
        again.assert_refused(PROGRAM, 400, EXPIRED, None);
        scene.client.set_cookie("passkey", &challenge);
        let again = scene.client.send_passkey(&used).await;
        again.assert_refused(PROGRAM, 400, EXPIRED, None);
        // Nor for another challenge.
        let replay = registry.program();
        replay.ask_for_passkey("login").await;
        let again = replay.send_passkey(&used).await;
        again.assert_refused(PROGRAM, 401, REFUSED, None);
    }
}

async fn a_challenge_works_for_five_minutes(registry: Registry) {
    let minutes = |minutes| crate::MINUTE * minutes;
    for purpose in PURPOSES {
        let mut scene = Scene::of(&registry, purpose).await;
        let (options, _) = scene.ask().await;
        registry.wait(minutes(5));
        let used = scene.phone.get(&options).unwrap();
        let late = scene.client.send_passkey(&used).await;
        late.assert_refused(PROGRAM, 400, EXPIRED, None);
        let (options, _) = scene.ask().await;
        registry.wait(minutes(5) - minutes(1) / 60);
        let used = scene.phone.get(&options).unwrap();
        let just = scene.client.send_passkey(&used).await;
        just.assert_done(PROGRAM, "Login successful", "");
    }
}

async fn a_challenge_is_of_one_browser_and_one_user(registry: Registry) {
    for purpose in PURPOSES {
        let (mut ada, mut eve) = (
            Scene::of(&registry, purpose).await,
            Scene::of(&registry, purpose).await,
        );
        let (of_ada, challenge) = ada.ask().await;
        let (of_eve, own) = eve.ask().await;
        let used = ada.phone.get(&of_ada).unwrap().to_string();
        // Eve sends what Ada's passkey answered: with no challenge, and with a challenge of her own.
        eve.client.set_cookie("passkey", "");
        let refused = eve.client.post(USE, &[("credential", &used)]).await;
        refused.assert_refused(PROGRAM, 400, EXPIRED, None);
        assert_eq!(refused.set_cookies(), [""; 0]);
        let expected = (401, REFUSED, None);
        eve.assert_refused(&own, &of_eve, &used, expected).await;
        if purpose == "login" {
            continue;
        }
        // And her own passkey for the challenge of Ada.
        let used = eve.phone.get(&for_any(of_ada)).unwrap();
        eve.client.set_cookie("passkey", &challenge);
        let refused = eve.client.send_passkey(&used).await;
        refused.assert_refused(PROGRAM, 400, EXPIRED, None);
        for scene in [&mut ada, &mut eve] {
            scene.assert_goes_on().await;
        }
    }
}

/// What a client cannot change: it is kept with the challenge.
async fn a_challenge_is_of_one_purpose(registry: Registry) {
    let mut scene = Scene::of(&registry, "login").await;
    let Scene {
        owner,
        phone,
        client,
        ..
    } = &mut scene;
    // Nobody is there to show it, and no login waits for it.
    for (purpose, of) in [("recent", &*owner), ("second-factor", &*client)] {
        let asked = match purpose {
            "recent" => of.ask_for_passkey(purpose).await,
            _ => {
                let email = owner.facts("/account").await["email"].clone();
                let waiting = waiting(&registry, email.as_str().unwrap()).await;
                let asked = waiting.ask_for_passkey(purpose).await;
                of.set_cookie("passkey", &waiting.cookie("passkey").unwrap());
                asked
            }
        };
        let stranger = registry.program();
        stranger.set_cookie("passkey", &of.cookie("passkey").unwrap());
        let refused = stranger.send_passkey(&phone.get(&asked).unwrap()).await;
        refused.assert_refused(PROGRAM, 401, "Log in first", None);
    }
    // A new passkey is asked for, not one that is used.
    let adding = owner.begin_passkey().await;
    let mut asked = client.ask_for_passkey("login").await;
    asked["publicKey"]["challenge"] = adding["publicKey"]["challenge"].clone();
    client.set_cookie("passkey", &owner.cookie("passkey").unwrap());
    let refused = client.send_passkey(&phone.get(&asked).unwrap()).await;
    refused.assert_refused(PROGRAM, 400, EXPIRED, None);
    // A login without a password is one though a login waits or somebody is there: its passkey has to verify its user.
    phone.verifies_user = false;
    for purpose in ["second-factor", "recent"] {
        let mut other = Scene::of(&registry, purpose).await;
        other.phone.verifies_user = false;
        let refused = other.client.use_passkey(&mut other.phone, "login").await;
        refused.assert_refused(PROGRAM, 401, UNVERIFIED, None);
        other.assert_goes_on().await;
    }
}

async fn the_same_answer_many_times_at_once_is_one_login(registry: Registry) {
    for purpose in PURPOSES {
        let mut scene = Scene::of(&registry, purpose).await;
        let before = sessions(&scene.owner).await;
        let (options, _) = scene.ask().await;
        let used = scene.phone.get(&options).unwrap();
        let clients: Vec<_> = (0..20).map(|_| scene.client.as_program()).collect();
        let answers = clients.iter().map(|client| client.send_passkey(&used));
        let answers = join_all(answers).await;
        let (done, refused): (Vec<_>, Vec<_>) =
            answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((done.len(), refused.len()), (1, 19));
        for answer in refused {
            answer.assert_refused(PROGRAM, 400, EXPIRED, None);
        }
        let began = usize::from(purpose != "recent");
        assert_eq!(sessions(&scene.owner).await, before + began);
    }
}
