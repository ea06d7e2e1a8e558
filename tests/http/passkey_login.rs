//! How passkeys are used: to log in by one alone, as second factor, and to show again who is there.

use fpm_registry::accounts::operator::request::Act;
use serde_json::{Value, json};

use crate::{
    ADA, MINUTE, PROGRAM, SECOND_FACTOR,
    common::{
        Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry,
        authenticator::Authenticator,
        mails::RESET,
        passkey::{ASK, USE},
    },
    hidden_field, is_now,
    passkeys::{EXPIRED, NO_CHALLENGE, SECURITY, passkeys},
    refused_codes::{ENTER, waiting},
};

contract! {
    a_passkey_alone_logs_in
    a_login_takes_the_place_of_another
    a_passkey_that_verified_nobody_is_no_login
    a_passkey_is_the_second_factor
    a_refused_second_factor_comes_back_to_its_page
    a_login_waits_in_its_browser
    a_second_factor_is_of_who_has_typed_the_password
    a_passkey_shows_who_is_there
    a_passkey_is_asked_for_where_there_is_one
    a_reset_keeps_passkeys
    who_is_disabled_or_gone_has_no_passkey
    a_copied_passkey_is_refused_and_told
}

pub const REFUSED: &str = "This passkey was not accepted";
pub const NOT_ALONE: &str =
    "Your account was taken back: log in with your password once, and this passkey after it";
pub const UNVERIFIED: &str =
    "Your passkey has not asked who you are: log in with your password first";
const COPIED: &str = "This passkey may have been copied and is refused: log in another way";
const DONE: &str = "Login successful";

/// A form that needs recent authentication.
async fn ask_for_email(client: &Client<'_>, fields: &[(&str, &str)]) -> Answer {
    let email = [("email", "new@example.org")];
    client
        .post("/account/email", &[&email, fields].concat())
        .await
}

/// The names of the cookies that an answer sets and takes away.
fn cookies(answer: &Answer) -> Vec<String> {
    let cookies = answer.set_cookies().into_iter().map(|cookie| {
        let (name, value) = cookie.split_once('=').unwrap();
        let is_taken_away = value.starts_with(';');
        if is_taken_away {
            format!("-{name}")
        } else {
            name.to_owned()
        }
    });
    let mut cookies: Vec<String> = cookies.collect();
    cookies.sort();
    cookies
}

/// How many sessions the user has who is logged in.
pub async fn sessions(client: &Client<'_>) -> usize {
    let facts = client.facts("/account/sessions").await;
    facts["sessions"].as_array().unwrap().len()
}

/// Options that any passkey may answer.
pub fn for_any(mut options: Value) -> Value {
    options["publicKey"]["allowCredentials"] = json!([]);
    options
}

async fn a_passkey_alone_logs_in(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let ada = registry
            .signed_up(PROGRAM, &format!("ada{n}@example.org"))
            .await;
        let mut phone = ada.add_passkey("Phone").await;
        let client = registry.client(kind);
        let mut asked = client.ask_for_passkey("").await;
        let used = phone.get(&asked).unwrap();
        asked["publicKey"]["challenge"].take();
        let whole = json!({ "publicKey": {
            "challenge": null,
            "timeout": 300_000,
            "rpId": "localhost",
            "allowCredentials": [],
            "userVerification": "required",
        }});
        assert_eq!(asked, whole);
        let credential = used.to_string();
        let fields = [("credential", &*credential), ("next", "/account")];
        let done = client.post(USE, &fields).await;
        done.assert_done(kind, DONE, "/account");
        assert_eq!(cookies(&done), ["-passkey", "device", "uuid"]);
        assert!(client.is_logged_in().await);
        let passkey = &passkeys(&client).await[0];
        assert!(is_now(&registry, &passkey["used_at"]));
        let history = client.facts("/account/history").await;
        assert_eq!(history["events"][0]["kind"], "new-device");
        // It is both factors, and the device is known next time.
        let program = client.as_program();
        let made = program.post("/account/recovery-codes", &[]).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let asked = client.ask_for_passkey("login").await;
        let credential = phone.get(&asked).unwrap().to_string();
        let fields = [("credential", &*credential), ("next", "//evil.example")];
        let again = client.post(USE, &fields).await;
        again.assert_done(kind, DONE, "/");
        assert_eq!(cookies(&again), ["-passkey", "uuid"]);
    }
}

async fn a_login_takes_the_place_of_another(registry: Registry) {
    let mut phone = registry
        .signed_up(PROGRAM, ADA)
        .await
        .add_passkey("Phone")
        .await;
    let bob = registry.signed_up(PROGRAM, "bob@example.org").await;
    let of_bob = bob.cookie("uuid").unwrap();
    let done = bob.use_passkey(&mut phone, "login").await;
    done.assert_done(PROGRAM, DONE, "");
    assert_eq!(bob.facts("/account").await["email"], ADA);
    let other = registry.program();
    other.set_cookie("uuid", &of_bob);
    assert!(!other.is_logged_in().await);
}

/// Alone it is but one factor, which somebody may have found.
async fn a_passkey_that_verified_nobody_is_no_login(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.signed_up(PROGRAM, &email).await;
        let mut phone = ada.add_passkey("Phone").await;
        phone.verifies_user = false;
        let client = registry.client(kind);
        let refused = client.use_passkey(&mut phone, "login").await;
        refused.assert_refused(kind, 401, UNVERIFIED, None);
        assert_eq!(cookies(&refused), ["-passkey"]);
        assert!(!client.is_logged_in().await);
        assert_eq!(passkeys(&ada).await[0]["used_at"], json!(null));
        // Nor is that told of what somebody else has signed.
        let asked = client.ask_for_passkey("login").await;
        let mut made_up = phone.get(&asked).unwrap();
        made_up["response"]["signature"] = json!("MAYCAQECAQE");
        let refused = client.send_passkey(&made_up).await;
        refused.assert_refused(kind, 401, REFUSED, None);
        // After the password it is the other factor.
        let browser = waiting(&registry, &email).await;
        let done = browser.use_passkey(&mut phone, "second-factor").await;
        done.assert_leads_to("/");
        assert!(browser.is_logged_in().await);
    }
}

async fn a_passkey_is_the_second_factor(registry: Registry) {
    for verifies_user in [true, false] {
        let email = format!("{verifies_user}@example.org");
        let ada = registry.signed_up(PROGRAM, &email).await;
        let mut phone = ada.add_passkey("Phone").await;
        ada.add_passkey("Laptop").await;
        phone.verifies_user = verifies_user;
        let browser = registry.browser();
        browser.get("/auth/login").await;
        let fields = [
            ("email", &*email),
            ("password", PASSWORD),
            ("next", "/account"),
        ];
        let asked = browser.post("/auth/login", &fields).await;
        asked.assert_leads_to("/auth/second-factor?next=/account");
        let page = browser.get("/auth/second-factor?next=/account").await;
        for words in [
            "data-passkeys=\"second-factor\"",
            "Use a passkey",
            "passkeys.js",
        ] {
            assert!(page.body.contains(words), "{words} is not in {}", page.body);
        }
        assert!(!browser.is_logged_in().await);
        let pending = browser.cookie("pending").unwrap();

        let asked = browser.ask_for_passkey("second-factor").await;
        let asked = &asked["publicKey"];
        assert_eq!(asked["userVerification"], "preferred");
        let allowed = asked["allowCredentials"].as_array().unwrap();
        assert_eq!(
            (allowed.len(), &allowed[0]["id"]),
            (2, &json!(phone.passkey_id()))
        );
        let credential = phone
            .get(&json!({ "publicKey": asked }))
            .unwrap()
            .to_string();
        let fields = [("credential", &*credential), ("next", "/account")];
        let done = browser.post(USE, &fields).await;
        done.assert_leads_to("/account");
        assert_eq!(cookies(&done), ["-passkey", "-pending", "device", "uuid"]);
        assert!(browser.is_logged_in().await);
        assert!(is_now(&registry, &passkeys(&browser).await[0]["used_at"]));
        ask_for_email(&browser, &[])
            .await
            .assert_leads_to("/account?notice=email-asked");

        browser.set_cookie("pending", &pending);
        let over = browser.post(ASK, &[("purpose", "second-factor")]).await;
        assert_eq!(over.status, 401, "{}", over.body);
    }
}

/// Where the login goes on, by a passkey or by a code; once it is over, to where one begins.
async fn a_refused_second_factor_comes_back_to_its_page(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let mut phone = ada.add_passkey("Phone").await;
    let browser = waiting(&registry, ADA).await;
    let (step, login) = ("<h1>Second step</h1>", "<h1>Log in</h1>");
    let page = browser.get("/auth/second-factor?next=/account").await.body;
    let purpose = hidden_field(&page, "purpose");
    let send = async |credential: &str, purpose: &str| {
        let fields = [
            ("credential", credential),
            ("next", "/account"),
            ("purpose", purpose),
        ];
        browser.post(USE, &fields).await
    };
    let assert_stays = |refused: &Answer, status, sentence, heading| {
        refused.assert_refused(Kind::Browser, status, sentence, None);
        assert!(refused.body.contains(heading), "{}", refused.body);
        assert_eq!(hidden_field(&refused.body, "next"), "/account");
    };
    let asked = browser.ask_for_passkey("second-factor").await;
    phone.rp_id = Some("evil.example".to_owned());
    let other = phone.get(&asked).unwrap().to_string();
    phone.rp_id = None;
    let refused = send(&other, &purpose).await;
    assert_stays(&refused, 401, REFUSED, step);
    for words in ["name=\"code\"", "data-passkeys=\"second-factor\""] {
        assert!(refused.body.contains(words), "{words}: {}", refused.body);
    }
    assert_stays(&send(&other, &purpose).await, 400, EXPIRED, step);
    // What was asked for on the page where a login begins comes back there.
    browser.ask_for_passkey("login").await;
    let of_login = hidden_field(&browser.get("/auth/login").await.body, "purpose");
    assert_stays(&send(&other, &of_login).await, 401, REFUSED, login);

    let asked = browser.ask_for_passkey("second-factor").await;
    let right = phone.get(&asked).unwrap().to_string();
    send(&right, &purpose).await.assert_leads_to("/account");
    assert_stays(&send(&right, &purpose).await, 400, EXPIRED, login);
    let late = waiting(&registry, ADA).await;
    let asked = late.ask_for_passkey("second-factor").await;
    late.set_cookie("pending", "");
    let credential = phone.get(&asked).unwrap().to_string();
    let fields = [("credential", &*credential), ("purpose", &purpose)];
    late.post(USE, &fields).await.assert_leads_to("/auth/login");
}

async fn a_login_waits_in_its_browser(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let mut phone = ada.add_passkey("Phone").await;
    let browser = registry.browser();
    browser.get("/auth/login").await;
    browser
        .login(ADA, PASSWORD)
        .await
        .assert_leads_to(SECOND_FACTOR);
    let asked = browser.ask_for_passkey("second-factor").await;
    let used = phone.get(&asked).unwrap();
    let (challenge, pending) = (browser.cookie("passkey"), browser.cookie("pending"));
    let (challenge, pending) = (challenge.unwrap(), pending.unwrap());

    let thief = registry.browser();
    thief.get("/auth/login").await;
    thief.set_cookie("pending", &pending);
    let refused = thief
        .as_program()
        .post(ASK, &[("purpose", "second-factor")])
        .await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
    thief.set_cookie("passkey", &challenge);
    let refused = thief.as_program().send_passkey(&used).await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
    assert!(!thief.is_logged_in().await);
    // Which has used up the challenge, but not the login.
    let refused = browser.as_program().send_passkey(&used).await;
    refused.assert_refused(PROGRAM, 400, EXPIRED, None);
    let done = browser.use_passkey(&mut phone, "second-factor").await;
    done.assert_leads_to("/");

    // Nor does a login wait for more than ten minutes, or without its cookie.
    let late = waiting(&registry, ADA).await.as_program();
    registry.wait(10 * MINUTE);
    let refused = late.post(ASK, &[("purpose", "second-factor")]).await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
    let refused = registry
        .program()
        .post(ASK, &[("purpose", "second-factor")])
        .await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
    let bare = waiting(&registry, ADA).await.as_program();
    let asked = bare.ask_for_passkey("second-factor").await;
    bare.set_cookie("pending", "");
    let refused = bare.send_passkey(&phone.get(&asked).unwrap()).await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
}

async fn a_second_factor_is_of_who_has_typed_the_password(registry: Registry) {
    const EVE: &str = "eve@example.org";
    let mut of_ada = registry
        .signed_up(PROGRAM, ADA)
        .await
        .add_passkey("Phone")
        .await;
    let mut of_eve = registry
        .signed_up(PROGRAM, EVE)
        .await
        .add_passkey("Phone")
        .await;
    let (ada, eve) = (
        waiting(&registry, ADA).await.as_program(),
        waiting(&registry, EVE).await.as_program(),
    );
    // Eve knows the password of Ada, and has a passkey of her own.
    let options = ada.ask_for_passkey("second-factor").await;
    assert_eq!(of_eve.get(&options), None);
    let refused = ada
        .send_passkey(&of_eve.get(&for_any(options)).unwrap())
        .await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
    assert_eq!(cookies(&refused), ["-passkey"]);
    // Or the challenge of Ada, and a login of her own.
    let options = for_any(ada.ask_for_passkey("second-factor").await);
    eve.set_cookie("passkey", &ada.cookie("passkey").unwrap());
    let refused = eve.send_passkey(&of_eve.get(&options).unwrap()).await;
    refused.assert_refused(PROGRAM, 400, EXPIRED, None);
    for (client, phone) in [(&ada, &mut of_ada), (&eve, &mut of_eve)] {
        assert!(!client.is_logged_in().await);
        let done = client.use_passkey(phone, "second-factor").await;
        done.assert_done(PROGRAM, DONE, "");
    }
}

/// For a quarter of an hour, as a password does where there is no second factor.
async fn a_passkey_shows_who_is_there(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.signed_up(kind, &email).await;
        let mut phone = ada.add_passkey("Phone").await;
        let other = registry.program();
        other.use_passkey(&mut phone, "login").await;
        let refuse = async |client: &Client<'_>, kind| {
            let password = [("current_password", PASSWORD)];
            for fields in [&[][..], &password] {
                let refused = ask_for_email(client, fields).await;
                refused.assert_refused(kind, 403, ENTER, Some("code"));
            }
        };
        registry.wait(15 * MINUTE);
        refuse(&ada, kind).await;
        let page = ask_for_email(&ada, &[]).await.body;
        let is_offered = page.contains("Confirm with a passkey instead");
        assert_eq!(is_offered, kind == Kind::Browser);

        phone.verifies_user = n % 2 == 0;
        let (uuid, before) = (ada.cookie("uuid"), sessions(&ada).await);
        let shown = ada.use_passkey(&mut phone, "recent").await;
        shown.assert_done(kind, DONE, "/");
        assert_eq!(shown.set_cookies(), [NO_CHALLENGE]);
        assert_eq!((ada.cookie("uuid"), sessions(&ada).await), (uuid, before));
        refuse(&other, PROGRAM).await;
        registry.wait(14 * MINUTE);
        let done = ask_for_email(&ada, &[]).await;
        let sentence = "A confirmation link has been sent to the new address";
        done.assert_done(kind, sentence, "/account?notice=email-asked");
        registry.wait(MINUTE);
        refuse(&ada, kind).await;
    }
}

async fn a_passkey_is_asked_for_where_there_is_one(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let ask = async |client: &Client<'_>, purpose| client.post(ASK, &[("purpose", purpose)]).await;
    let refused = ask(&registry.program(), "recent").await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
    ada.add_app().await;
    let waiting = waiting(&registry, ADA).await.as_program();
    for (client, purpose) in [(&ada, "recent"), (&waiting, "second-factor")] {
        let refused = ask(client, purpose).await;
        refused.assert_refused(PROGRAM, 404, "Not found", None);
        assert_eq!(refused.set_cookies(), [""; 0]);
    }
    for purpose in ["add", "unknown", "Login", " ", "recent "] {
        let refused = ask(&ada, purpose).await;
        let sentence = "A passkey is for login, second-factor or recent";
        refused.assert_refused(PROGRAM, 400, sentence, Some("purpose"));
    }
}

async fn a_reset_keeps_passkeys(registry: Registry) {
    let mut phone = registry
        .signed_up(PROGRAM, ADA)
        .await
        .add_passkey("Phone")
        .await;
    let before = waiting(&registry, ADA).await.as_program();
    let asked = before.ask_for_passkey("second-factor").await;
    let uuid = registry.reset_uuid(ADA).await;
    let fields = [("uuid", &*uuid), ("password", "plum tractor glow")];
    let reset = registry.program().post(RESET, &fields).await;
    assert_eq!(reset.status, 200, "{}", reset.body);
    // A login with the former password waits in vain.
    let refused = before.send_passkey(&phone.get(&asked).unwrap()).await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
    let browser = registry.browser();
    let asked = browser.login(ADA, "plum tractor glow").await;
    asked.assert_leads_to(SECOND_FACTOR);
    let done = browser.use_passkey(&mut phone, "second-factor").await;
    done.assert_leads_to("/");
    let done = registry.program().use_passkey(&mut phone, "login").await;
    done.assert_done(PROGRAM, DONE, "");
}

/// Also if the challenge was made before.
async fn who_is_disabled_or_gone_has_no_passkey(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let mut phone = ada.add_passkey("Phone").await;
    let (alone, after) = (
        registry.program(),
        waiting(&registry, ADA).await.as_program(),
    );
    let asked = alone.ask_for_passkey("login").await;
    let as_second = after.ask_for_passkey("second-factor").await;
    registry.operate(ADA, Act::Disable).await;
    let refused = alone.send_passkey(&phone.get(&asked).unwrap()).await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
    let refused = after.send_passkey(&phone.get(&as_second).unwrap()).await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
    let refused = alone.use_passkey(&mut phone, "login").await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
    registry.operate(ADA, Act::Enable).await;
    let done = alone.use_passkey(&mut phone, "login").await;
    done.assert_done(PROGRAM, DONE, "");

    let (next, asked) = (registry.program(), alone.ask_for_passkey("login").await);
    next.set_cookie("passkey", &alone.cookie("passkey").unwrap());
    let fields = [("email", ADA), ("current_password", PASSWORD)];
    let deleted = alone.post("/account/delete", &fields).await;
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    let refused = next.send_passkey(&phone.get(&asked).unwrap()).await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
    let refused = next.use_passkey(&mut phone, "login").await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
}

/// A copy counts for itself. Who has it learns no more than the owner, and the owner goes on.
async fn a_copied_passkey_is_refused_and_told(registry: Registry) {
    for purpose in ["login", "second-factor", "recent"] {
        let email = format!("{purpose}@example.org");
        let ada = registry.confirmed(PROGRAM, &email).await;
        let mut phone = ada.add_passkey("Phone").await;
        for _ in 0..3 {
            let done = registry.program().use_passkey(&mut phone, "login").await;
            done.assert_done(PROGRAM, DONE, "");
        }
        registry.mails_to(&email).await;
        let before = (passkeys(&ada).await, sessions(&ada).await);
        let client = match purpose {
            "recent" => ada.as_program(),
            "login" => registry.program(),
            _ => waiting(&registry, &email).await.as_program(),
        };
        // Who has no copy gets nobody a mail.
        let mut made_up = phone.get(&client.ask_for_passkey(purpose).await).unwrap();
        phone.counter = Some(0);
        let older = phone.get(&client.ask_for_passkey(purpose).await).unwrap();
        made_up["response"]["authenticatorData"] = older["response"]["authenticatorData"].clone();
        let refused = client.send_passkey(&made_up).await;
        refused.assert_refused(PROGRAM, 401, REFUSED, None);
        assert_eq!(registry.subjects_to(&email).await, [""; 0]);
        for counter in [0, 1, 2] {
            phone.counter = Some(counter);
            let refused = client.use_passkey(&mut phone, purpose).await;
            refused.assert_refused(PROGRAM, 401, COPIED, None);
            assert_eq!(cookies(&refused), ["-passkey"]);
        }
        assert_eq!(
            registry.subjects_to(&email).await,
            ["Passkey of your fpm-registry account refused"; 3]
        );
        let history = ada.facts("/account/history").await;
        let kinds: Vec<_> = (0..4).map(|n| &history["events"][n]["kind"]).collect();
        assert_eq!(kinds[0], "passkey-refused");
        assert_ne!(kinds[3], "passkey-refused");
        assert_eq!((passkeys(&ada).await, sessions(&ada).await), before);
        let done = client.use_passkey(&mut phone, purpose).await;
        done.assert_done(PROGRAM, DONE, "");
        // One that does not count is never behind, but the one that has counted is.
        phone.counter = None;
        let refused = registry.program().use_passkey(&mut phone, "login").await;
        refused.assert_refused(PROGRAM, 401, COPIED, None);
    }
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let mut uncounted = Authenticator::new(crate::common::passkey::ORIGIN);
    uncounted.counter = None;
    let made = uncounted.create(&ada.begin_passkey().await).unwrap();
    ada.send_new_passkey("Cloud", &made).await;
    for _ in 0..3 {
        let done = ada.use_passkey(&mut uncounted, "login").await;
        done.assert_done(PROGRAM, DONE, "");
    }
    assert_eq!(ada.facts(SECURITY).await["passkeys"][0]["name"], "Cloud");
}
