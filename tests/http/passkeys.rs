//! How passkeys are added and removed.

use fpm_registry::accounts::{name::Name, user::passkeys::MAX_PASSKEYS};
use serde_json::{Value, json};

use crate::{
    ADA, MINUTE, PROGRAM,
    common::{
        Answer, Client, EVERY_CLIENT, Kept, Kind, PASSWORD, Registry, WRONG_PASSWORD,
        authenticator::Authenticator,
        mails::NOT_ME,
        passkey::{ASK, BEGIN_PASSKEY, END_PASSKEY, ORIGIN, PASSKEYS, USE},
    },
    hidden_field, is_now,
    passkey_login::NOT_ALONE,
    refused_codes::ENTER,
    second_factors_stay::{OTHER, take_back},
};

contract! {
    a_passkey_is_added
    adding_one_asks_who_is_there
    a_page_asks_who_is_there_and_keeps_the_name
    a_name_is_like_any_other
    what_is_no_passkey_is_refused
    a_challenge_is_of_one_user_and_of_five_minutes
    the_same_passkey_is_added_once
    there_are_twenty_at_most
    a_passkey_is_removed
    a_change_is_an_event_and_a_mail
    who_takes_the_account_back_loses_later_passkeys
    nothing_tells_what_passkeys_are_verified_with
}

pub const SECURITY: &str = "/account/security";
const ADDED: &str = "/account/security?notice=passkey-added";
const REMOVED: &str = "/account/security?notice=passkey-removed";
pub const EXPIRED: &str = "Begin again: a passkey has to be used within 5 minutes";
const INVALID: &str = "This passkey cannot be added";
pub const NO_CHALLENGE: &str = "passkey=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";

/// The passkeys of who is logged in.
pub async fn passkeys(client: &Client<'_>) -> Vec<Value> {
    let facts = client.facts(SECURITY).await;
    facts["passkeys"].as_array().unwrap().clone()
}

/// Where a passkey of who is logged in is in the forms of the page.
async fn handle(client: &Client<'_>, name: &str) -> String {
    let passkeys = passkeys(client).await;
    let passkey = passkeys.iter().find(|passkey| passkey["name"] == name);
    passkey.unwrap()["handle"].as_str().unwrap().to_owned()
}

/// The page that a browser with the session of this client gets.
async fn page(registry: &Registry, client: &Client<'_>) -> String {
    let browser = registry.browser();
    browser.set_cookie("uuid", &client.cookie("uuid").unwrap());
    browser.get(SECURITY).await.body
}

async fn a_passkey_is_added(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let email = format!("ada{n}@example.org");
        let ada = registry.signed_up(kind, &email).await;
        let before = ada.facts(SECURITY).await;
        assert_eq!(before["passkeys"], json!([]));

        let begun = ada.post(BEGIN_PASSKEY, &[]).await;
        assert_eq!(begun.header("cache-control"), "no-store");
        let token = ada.cookie("passkey").unwrap();
        let cookie = format!("passkey={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=300");
        assert_eq!(begun.set_cookies(), [cookie]);
        let options = begun.json()["options"].clone();
        assert_eq!(begun.json(), json!({ "options": options }));
        let asked = &options["publicKey"];
        let rp = json!({ "id": "localhost", "name": "Fortran package registry" });
        assert_eq!((&asked["rp"], &asked["user"]["name"]), (&rp, &json!(email)));
        assert_eq!(asked["excludeCredentials"], json!([]));
        assert_eq!(
            passkeys(&ada).await,
            [json!(null); 0],
            "not before it is made"
        );

        let mut phone = Authenticator::new(ORIGIN);
        let made = phone.create(&options).unwrap();
        let added = ada.send_new_passkey(" Phone ", &made).await;
        added.assert_done(kind, "Passkey added", ADDED);
        assert_eq!(added.set_cookies(), [NO_CHALLENGE]);
        let after = ada.facts(SECURITY).await;
        let passkey = &after["passkeys"][0];
        let whole = json!({
            "password_changed_at": before["password_changed_at"],
            "authenticator_app": null,
            "passkeys": [{
                "handle": passkey["handle"],
                "name": "Phone",
                "added_at": passkey["added_at"],
                "used_at": null,
            }],
            "recovery_codes": null,
            "second_factors_end_at": null,
        });
        assert_eq!(after, whole);
        assert!(is_now(&registry, &passkey["added_at"]));
        assert!(ada.is_logged_in().await, "this session goes on");
        let page = page(&registry, &ada).await;
        for words in ["<h3>Phone</h3>", "not used yet", "data-passkeys=\"add\""] {
            assert!(page.contains(words), "{words} is not in {page}");
        }

        // The phone is not asked for another one.
        let options = ada.begin_passkey().await;
        let known = json!([{ "type": "public-key", "id": phone.passkey_id() }]);
        assert_eq!(options["publicKey"]["excludeCredentials"], known);
        assert_eq!(phone.create(&options), None);
        let made = Authenticator::new(ORIGIN).create(&options).unwrap();
        let added = ada.send_new_passkey("Laptop", &made).await;
        added.assert_done(kind, "Passkey added", ADDED);
        assert_eq!(passkeys(&ada).await.len(), 2);
    }
}

/// By the strongest factor that there is.
async fn adding_one_asks_who_is_there(registry: Registry) {
    for (n, kind) in [PROGRAM, Kind::HydratedForm].into_iter().enumerate() {
        let ada = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        let begin = async |field, text| ada.post(BEGIN_PASSKEY, &[(field, text)]).await;
        registry.wait(15 * MINUTE);
        let field = Some("current_password");
        let asked = ada.post(BEGIN_PASSKEY, &[]).await;
        asked.assert_refused(kind, 403, "Enter your current password", field);
        assert_eq!(asked.set_cookies(), [""; 0]);
        let wrong = begin("current_password", WRONG_PASSWORD).await;
        wrong.assert_refused(kind, 403, "This is not your current password", field);
        assert_eq!(begin("current_password", PASSWORD).await.status, 200);
        let mut phone = ada.add_passkey("Phone").await;

        registry.wait(15 * MINUTE);
        let by_password = begin("current_password", PASSWORD).await;
        by_password.assert_refused(kind, 403, ENTER, Some("code"));
        let shown = ada.use_passkey(&mut phone, "recent").await;
        shown.assert_done(kind, "Login successful", "/");
        assert_eq!(ada.post(BEGIN_PASSKEY, &[]).await.status, 200);

        let app = ada.add_app().await.app;
        registry.wait(15 * MINUTE);
        let by_password = begin("current_password", PASSWORD).await;
        by_password.assert_refused(kind, 403, ENTER, Some("code"));
        let code = registry.next_code(&app);
        assert_eq!(begin("code", &code).await.status, 200);
    }
}

/// The script sends the form to where it begins, if the form lacks the field that is asked for.
async fn a_page_asks_who_is_there_and_keeps_the_name(registry: Registry) {
    let ada = registry.signed_up(Kind::Browser, ADA).await;
    let begin = async |fields: &[(&str, &str)]| {
        let token = hidden_field(&ada.get(SECURITY).await.body, "csrf_token");
        let name = [("name", "Ada's laptop"), ("csrf_token", &*token)];
        ada.post(BEGIN_PASSKEY, &[&name, fields].concat()).await
    };
    let assert_asks = |asked: &Answer, sentence, field| {
        asked.assert_refused(Kind::Browser, 403, sentence, Some(field));
        let page = &asked.body;
        for words in [
            "<h1>Security</h1>",
            "action=\"/account/passkeys\"",
            "value=\"Ada's laptop\"",
        ] {
            assert!(page.contains(words), "{words} is not in {page}");
        }
        let field = format!("id=\"passkeys-{field}\"");
        assert_eq!(page.matches(&field).count(), 1, "{page}");
    };
    registry.wait(15 * MINUTE);
    let asked = begin(&[]).await;
    assert_asks(&asked, "Enter your current password", "current_password");
    assert_eq!(asked.set_cookies(), [""; 0]);
    let wrong = begin(&[("current_password", WRONG_PASSWORD)]).await;
    let sentence = "This is not your current password";
    assert_asks(&wrong, sentence, "current_password");
    assert_eq!(
        begin(&[("current_password", PASSWORD)]).await.status,
        200,
        "and the script goes on"
    );
    ada.add_passkey("Phone").await;
    registry.wait(15 * MINUTE);
    assert_asks(&begin(&[]).await, ENTER, "code");
}

async fn a_name_is_like_any_other(registry: Registry) {
    let long = "x".repeat(Name::MAX_CHARS + 1);
    let too_long = format!("Name must be at most {} characters", Name::MAX_CHARS);
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let ada = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        for (name, sentence) in [
            ("", "Name is required"),
            (" \t ", "Name is required"),
            (&long, &too_long),
            (
                "my\nphone",
                "Name must not contain line breaks or control characters",
            ),
        ] {
            let made = Authenticator::new(ORIGIN).create(&ada.begin_passkey().await);
            let (made, challenge) = (made.unwrap(), ada.cookie("passkey").unwrap());
            let refused = ada.send_new_passkey(name, &made).await;
            refused.assert_refused(kind, 400, sentence, Some("name"));
            assert!(!refused.body.contains(made["id"].as_str().unwrap()));
            ada.set_cookie("passkey", &challenge);
            let again = ada.send_new_passkey("Phone", &made).await;
            again.assert_refused(kind, 400, EXPIRED, None);
        }
        assert_eq!(passkeys(&ada).await, [json!(null); 0]);
        let made = Authenticator::new(ORIGIN).create(&ada.begin_passkey().await);
        let name = "Ada's <b>key</b> 🔑";
        let added = ada.send_new_passkey(name, &made.unwrap()).await;
        added.assert_done(kind, "Passkey added", ADDED);
        assert_eq!(passkeys(&ada).await[0]["name"], name);
        assert!(!page(&registry, &ada).await.contains("<b>key</b>"));
    }
}

/// And its challenge is over, whatever it was that was sent.
async fn what_is_no_passkey_is_refused(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let old = ada.begin_passkey().await["publicKey"]["challenge"].clone();
    let said = |name: &str, value: Value| {
        let mut phone = Authenticator::new(ORIGIN);
        phone.client_data.insert(name.to_owned(), value);
        phone
    };
    let mut of_other_site = Authenticator::new(ORIGIN);
    of_other_site.rp_id = Some("evil.example".to_owned());
    let mut untouched = Authenticator::new(ORIGIN);
    untouched.is_touched = false;
    for mut phone in [
        said("origin", json!("http://evil.example")),
        said("origin", json!("http://localhost")),
        said("origin", json!("http://localhost:9091")),
        said("origin", json!("https://localhost:9090")),
        said("origin", json!("http://evil.localhost:9090")),
        said("origin", json!(null)),
        said("type", json!("webauthn.get")),
        said("challenge", old),
        said("challenge", json!("")),
        said("crossOrigin", json!(true)),
        of_other_site,
        untouched,
    ] {
        let options = ada.begin_passkey().await;
        let challenge = ada.cookie("passkey").unwrap();
        let made = phone.create(&options).unwrap();
        let refused = ada.send_new_passkey("Phone", &made).await;
        refused.assert_refused(PROGRAM, 400, INVALID, None);
        assert_eq!(refused.set_cookies(), [NO_CHALLENGE]);
        assert_over(&ada, &challenge, &options).await;
    }
    let mut nameless = Authenticator::new(ORIGIN)
        .create(&ada.begin_passkey().await)
        .unwrap();
    nameless.as_object_mut().unwrap().remove("rawId");
    for text in [
        "john",
        "{}",
        "[]",
        "null",
        "{\"id\":1}",
        &nameless.to_string(),
    ] {
        let options = ada.begin_passkey().await;
        let challenge = ada.cookie("passkey").unwrap();
        let fields = [("name", "Phone"), ("credential", text)];
        let refused = ada.post(PASSKEYS, &fields).await;
        refused.assert_refused(PROGRAM, 400, INVALID, None);
        assert_over(&ada, &challenge, &options).await;
    }
    let options = ada.begin_passkey().await;
    let challenge = ada.cookie("passkey").unwrap();
    let none = ada.post(PASSKEYS, &[("name", "Phone")]).await;
    let field = Some("credential");
    none.assert_refused(PROGRAM, 400, "Credential is required", field);
    assert_over(&ada, &challenge, &options).await;
    assert_eq!(passkeys(&ada).await, [json!(null); 0]);
}

/// Asserts that a challenge does not take the passkey that would have been right for it.
async fn assert_over(client: &Client<'_>, challenge: &str, options: &Value) {
    client.set_cookie("passkey", challenge);
    let made = Authenticator::new(ORIGIN).create(options).unwrap();
    let refused = client.send_new_passkey("Phone", &made).await;
    refused.assert_refused(PROGRAM, 400, EXPIRED, None);
}

async fn a_challenge_is_of_one_user_and_of_five_minutes(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let eve = registry.signed_up(PROGRAM, "eve@example.org").await;
    let mut of_eve = eve.add_passkey("Phone").await;
    let refuse = async |challenge: &str, options: &Value, sentence| {
        eve.set_cookie("passkey", challenge);
        let made = Authenticator::new(ORIGIN).create(options).unwrap();
        let refused = eve.send_new_passkey("Ada's", &made).await;
        refused.assert_refused(PROGRAM, 400, sentence, None);
    };
    let options = ada.begin_passkey().await;
    let of_ada = ada.cookie("passkey").unwrap();
    for nobodys in ["", "john", "936da01f-9abd-4d9d-80c7-02af85c822a8"] {
        refuse(nobodys, &options, EXPIRED).await;
    }
    refuse(&of_ada, &options, EXPIRED).await;
    assert_over(&ada, &of_ada, &options).await;

    // What was asked for another purpose is answered by no new passkey.
    for purpose in ["", "login", "recent"] {
        let asked = eve.ask_for_passkey(purpose).await;
        let challenge = eve.cookie("passkey").unwrap();
        let mut options = options.clone();
        options["publicKey"]["challenge"] = asked["publicKey"]["challenge"].clone();
        refuse(&challenge, &options, EXPIRED).await;
        eve.set_cookie("passkey", &challenge);
        let used = eve.send_passkey(&of_eve.get(&asked).unwrap()).await;
        used.assert_refused(PROGRAM, 400, EXPIRED, None);
    }

    let options = eve.begin_passkey().await;
    let challenge = eve.cookie("passkey").unwrap();
    registry.wait(5 * MINUTE);
    refuse(&challenge, &options, EXPIRED).await;
    let options = eve.begin_passkey().await;
    registry.wait(5 * MINUTE - MINUTE / 60);
    let made = Authenticator::new(ORIGIN).create(&options).unwrap();
    let challenge = eve.cookie("passkey").unwrap();
    let added = eve.send_new_passkey("Late", &made).await;
    added.assert_done(PROGRAM, "Passkey added", "");
    refuse(&challenge, &options, EXPIRED).await;
    assert_eq!(passkeys(&ada).await.len(), 0);
    assert_eq!(passkeys(&eve).await.len(), 2);

    // Nor is anything added by who has logged out meanwhile.
    let options = eve.begin_passkey().await;
    let made = Authenticator::new(ORIGIN).create(&options).unwrap();
    eve.post("/auth/logout", &[]).await;
    let refused = eve.send_new_passkey("Phone", &made).await;
    refused.assert_refused(PROGRAM, 401, "Log in first", None);
}

/// Though the browser should not have asked for it.
async fn the_same_passkey_is_added_once(registry: Registry) {
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let ada = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        let phone = ada.add_passkey("Phone").await;
        let again = phone.create_again(&ada.begin_passkey().await).unwrap();
        let refused = ada.send_new_passkey("Again", &again).await;
        refused.assert_refused(kind, 400, "You have added this passkey already", None);
        let passkeys = passkeys(&ada).await;
        assert_eq!((passkeys.len(), &passkeys[0]["name"]), (1, &json!("Phone")));
    }
}

async fn there_are_twenty_at_most(registry: Registry) {
    let ada = registry.signed_up(Kind::Browser, ADA).await;
    for n in 0..MAX_PASSKEYS {
        ada.add_passkey(&n.to_string()).await;
    }
    let one_more = Authenticator::new(ORIGIN).create(&ada.begin_passkey().await);
    let one_more = one_more.unwrap();
    let refused = ada.send_new_passkey("One more", &one_more).await;
    let sentence = "You have 20 passkeys, the most there can be: remove one first";
    refused.assert_refused(Kind::Browser, 400, sentence, None);
    assert_eq!(passkeys(&ada).await.len(), 20);
    let removed = ada
        .post(END_PASSKEY, &[("passkey", &handle(&ada, "7").await)])
        .await;
    removed.assert_leads_to(REMOVED);
    ada.add_passkey("One more").await;
    assert_eq!(passkeys(&ada).await.len(), 20);
}

async fn a_passkey_is_removed(registry: Registry) {
    let eve = registry.signed_up(PROGRAM, "eve@example.org").await;
    eve.add_passkey("Phone").await;
    let of_eve = handle(&eve, "Phone").await;
    for (n, kind) in EVERY_CLIENT.into_iter().enumerate() {
        let ada = registry
            .signed_up(kind, &format!("ada{n}@example.org"))
            .await;
        let mut phone = ada.add_passkey("Phone").await;
        let mut laptop = ada.add_passkey("Laptop").await;
        let codes = ada.as_program().post("/account/recovery-codes", &[]).await;
        assert_eq!(codes.status, 200, "{}", codes.body);
        let end = async |handle: &str| ada.post(END_PASSKEY, &[("passkey", handle)]).await;
        for unknown in ["", "0123456789abcdef", "Phone", &of_eve] {
            end(unknown)
                .await
                .assert_refused(kind, 404, "Not found", None);
        }
        let (first, last) = (handle(&ada, "Phone").await, handle(&ada, "Laptop").await);
        end(&first)
            .await
            .assert_done(kind, "Passkey removed", REMOVED);
        end(&first)
            .await
            .assert_refused(kind, 404, "Not found", None);
        let stranger = registry.program();
        let refused = stranger.use_passkey(&mut phone, "login").await;
        refused.assert_refused(PROGRAM, 401, "This passkey was not accepted", None);

        registry.wait(15 * MINUTE);
        end(&last)
            .await
            .assert_refused(kind, 403, ENTER, Some("code"));
        assert_eq!(ada.facts(SECURITY).await["recovery_codes"]["left"], 10);
        let shown = ada.as_program().use_passkey(&mut laptop, "recent").await;
        shown.assert_done(PROGRAM, "Login successful", "");
        end(&last)
            .await
            .assert_done(kind, "Passkey removed", REMOVED);
        let facts = ada.facts(SECURITY).await;
        assert_eq!(
            (&facts["passkeys"], &facts["recovery_codes"]),
            (&json!([]), &json!(null))
        );
    }
    assert_eq!(passkeys(&eve).await.len(), 1);
}

async fn a_change_is_an_event_and_a_mail(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    ada.add_passkey("Phone").await;
    let removed = [("passkey", &*handle(&ada, "Phone").await)];
    ada.post(END_PASSKEY, &removed).await;
    let history = ada.facts("/account/history").await;
    for (position, kind) in [(1, "passkey-added"), (0, "passkey-removed")] {
        let event = &history["events"][position];
        let whole = json!({
            "kind": kind,
            "at": event["at"],
            "network": event["network"],
            "device": "Unknown device",
            "about": "Phone",
        });
        assert_eq!(*event, whole);
        assert!(is_now(&registry, &event["at"]));
    }
    assert_eq!(
        registry.subjects_to(ADA).await,
        [
            "Passkey added to your fpm-registry account",
            "Passkey removed from your fpm-registry account"
        ]
    );
}

/// And those alone.
async fn who_takes_the_account_back_loses_later_passkeys(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let mut own = ada.add_passkey("Ada's").await;
    let of_own = registry.mailed_link(ADA, NOT_ME).await;
    registry.wait(MINUTE);
    let mut thiefs = ada.add_passkey("Thief's").await;
    let of_thief = registry.mailed_link(ADA, NOT_ME).await;
    take_back(&registry, &of_thief).await;
    let browser = registry.program();
    let refused = browser.use_passkey(&mut thiefs, "login").await;
    refused.assert_refused(PROGRAM, 401, "This passkey was not accepted", None);
    let refused = browser.use_passkey(&mut own, "login").await;
    refused.assert_refused(PROGRAM, 401, NOT_ALONE, None);
    let browser = registry.browser();
    let asked = browser.login(ADA, OTHER).await;
    asked.assert_leads_to("/auth/second-factor");
    let done = browser.use_passkey(&mut own, "second-factor").await;
    done.assert_leads_to("/");
    assert_eq!(passkeys(&browser.copy(PROGRAM)).await.len(), 1);
    let page = browser.get(SECURITY).await;
    let sentence =
        "You have none. Without them, who loses the second factor needs the help of an operator.";
    assert!(page.body.contains(sentence), "{}", page.body);

    take_back(&registry, &of_own).await;
    let refused = registry.program().use_passkey(&mut own, "login").await;
    refused.assert_refused(PROGRAM, 401, "This passkey was not accepted", None);
}

async fn nothing_tells_what_passkeys_are_verified_with(registry: Registry) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let mut phone = ada.add_passkey("Phone").await;
    ada.use_passkey(&mut phone, "login").await;
    let (begun, asked) = (ada.begin_passkey().await, ada.ask_for_passkey("").await);
    let token = ada.cookie("passkey").unwrap();
    let challenges = [begun, asked].map(|options| options["publicKey"]["challenge"].clone());
    let challenges = challenges.map(|challenge| challenge.as_str().unwrap().to_owned());
    let secrets = [phone.passkey_id().unwrap(), token].into_iter();
    let secrets: Vec<String> = secrets.chain(challenges).collect();
    let browser = registry.browser();
    browser.set_cookie("uuid", &ada.cookie("uuid").unwrap());
    let mut told = Vec::new();
    for path in [
        SECURITY,
        "/account/history",
        "/account/sessions",
        "/account/export",
    ] {
        told.push(ada.get(path).await.body);
        told.push(browser.get(path).await.body);
    }
    let mails = registry.mails_to(ADA).await;
    told.extend(mails.into_iter().map(|mail| mail.text));
    for text in told {
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
    let exported = ada.facts("/account/export").await["passkeys"].clone();
    assert_eq!(exported, json!(passkeys(&ada).await));
}

/// Browsers make no passkeys for such a site.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_at_an_ip_address_offers_none() {
    const SENTENCE: &str = "This registry does not offer passkeys: its PUBLIC_URL has no name, \
                            such as http://localhost:9090";
    for url in ["http://127.0.0.1:9090", "https://[2001:db8::1]"] {
        let registry = Registry::start_at(Kept::Embedded, url).await;
        let session = if url.starts_with("https") {
            "__Host-uuid"
        } else {
            "uuid"
        };
        let ada = registry.signed_up(PROGRAM, ADA).await;
        for (path, fields) in [
            (BEGIN_PASSKEY, vec![]),
            (PASSKEYS, vec![("name", "Phone"), ("credential", "{}")]),
            (ASK, vec![]),
            (ASK, vec![("purpose", "recent")]),
            (USE, vec![("credential", "{}")]),
        ] {
            let refused = ada.post(path, &fields).await;
            refused.assert_refused(PROGRAM, 403, SENTENCE, None);
            assert_eq!(refused.json()["reason"], "not-offered");
            assert_eq!(refused.set_cookies(), [""; 0]);
        }
        let browser = registry.browser();
        let login = browser.get("/auth/login").await;
        browser.set_cookie(session, &ada.cookie(session).unwrap());
        let security = browser.get(SECURITY).await;
        for page in [&login.body, &security.body] {
            assert!(!page.contains("data-passkeys"), "{page}");
            assert!(!page.contains("passkeys.js"), "{page}");
        }
        let words = "This registry does not offer them at this address. Its operator has to set \
                     <code>PUBLIC_URL</code> to a name, such as <code>http://localhost:9090</code>.";
        assert!(security.body.contains(words), "{}", security.body);
    }
}
