//! The limits of passkeys: how many are asked for, and how many are refused.

use serde_json::json;

use crate::{
    ADA, MINUTE, PROGRAM,
    common::{
        Answer, Client, Kept, PASSWORD, Registry, WRONG_PASSWORD,
        passkey::{ASK, USE},
    },
    passkey_login::REFUSED,
    refused_codes::waiting,
};

contract! {
    three_hundred_are_asked_for_from_one_network
    neighbours_keep_nobody_from_a_second_factor
    a_refused_login_counts_for_the_network_alone
    a_refused_login_of_a_known_device_counts_for_the_account
    a_refused_second_factor_counts_for_the_account
}

const NETWORK: &str = "198.51.100.7";

fn at(registry: &Registry) -> Client<'_> {
    registry.client_at(PROGRAM, NETWORK.parse().unwrap())
}

/// A page asks for one each time it is opened, so it takes no place from passwords.
async fn three_hundred_are_asked_for_from_one_network(registry: Registry) {
    registry.add_user(ADA).await;
    for _ in 0..300 {
        at(&registry).ask_for_passkey("login").await;
    }
    let refused = at(&registry).post(ASK, &[]).await;
    refused.assert_wait(PROGRAM, 15 * 60);
    assert_eq!(refused.set_cookies(), [""; 0]);
    let by_password = at(&registry).login(ADA, PASSWORD).await;
    by_password.assert_done(PROGRAM, "Login successful", "");
    registry.program().ask_for_passkey("login").await;
    registry.wait(15 * MINUTE);
    at(&registry).ask_for_passkey("login").await;
}

async fn neighbours_keep_nobody_from_a_second_factor(registry: Registry) {
    let ada = at(&registry);
    let fields = [("name", "Ada"), ("email", ADA), ("password", PASSWORD)];
    ada.post("/auth/signup", &fields).await;
    ada.add_passkey("Phone").await;
    for _ in 0..300 {
        at(&registry).ask_for_passkey("login").await;
    }
    at(&registry)
        .post(ASK, &[])
        .await
        .assert_wait(PROGRAM, 15 * 60);
    // A session has thirty of its own, whatever others ask for: one was to add the passkey.
    for _ in 1..30 {
        ada.ask_for_passkey("recent").await;
    }
    let refused = ada.post(ASK, &[("purpose", "recent")]).await;
    refused.assert_wait(PROGRAM, 15 * 60);
}

async fn fail(client: &Client<'_>, purpose: &str, credential: &str) -> Answer {
    client.ask_for_passkey(purpose).await;
    client.post(USE, &[("credential", credential)]).await
}

/// Or whoever knows an id could close an account.
async fn a_refused_login_counts_for_the_network_alone(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let mut phone = ada.add_passkey("Phone").await;
    let asked = ada.ask_for_passkey("login").await;
    let stolen = phone.get(&asked).unwrap().to_string();
    for n in 0..100 {
        let client = at(&registry);
        let credential = if n % 2 == 0 { "{}" } else { &stolen };
        let refused = fail(&client, "login", credential).await;
        refused.assert_refused(PROGRAM, 401, REFUSED, None);
    }
    let refused = at(&registry).use_passkey(&mut phone, "login").await;
    refused.assert_wait(PROGRAM, 15 * 60);
    let refused = at(&registry).login(ADA, PASSWORD).await;
    refused.assert_wait(PROGRAM, 15 * 60);
    let elsewhere = registry.program().use_passkey(&mut phone, "login").await;
    elsewhere.assert_done(PROGRAM, "Login successful", "");
    let asked = registry.browser().login(ADA, PASSWORD).await;
    asked.assert_leads_to("/auth/second-factor");
    let history = ada.facts("/account/history").await;
    assert_eq!(history["failed_logins"], json!(0));
    registry.wait(15 * MINUTE);
    let done = at(&registry).use_passkey(&mut phone, "login").await;
    done.assert_done(PROGRAM, "Login successful", "");
}

/// By its own attempts, as a wrong password there.
async fn a_refused_login_of_a_known_device_counts_for_the_account(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let mut phone = ada.add_passkey("Phone").await;
    phone.rp_id = Some("evil.example".to_owned());
    for n in 1..=2 {
        let refused = ada.use_passkey(&mut phone, "login").await;
        refused.assert_refused(PROGRAM, 401, REFUSED, None);
        let history = ada.facts("/account/history").await;
        assert_eq!(history["failed_logins"], json!(n));
    }
}

/// As a wrong code does: who is asked for it knows the password.
async fn a_refused_second_factor_counts_for_the_account(registry: Registry) {
    let ada = registry.signed_up(PROGRAM, ADA).await;
    let mut phone = ada.add_passkey("Phone").await;
    let thief = waiting(&registry, ADA).await.as_program();
    for _ in 0..10 {
        let refused = fail(&thief, "second-factor", "{}").await;
        refused.assert_refused(PROGRAM, 401, REFUSED, None);
    }
    let refused = thief.use_passkey(&mut phone, "second-factor").await;
    refused.assert_wait(PROGRAM, 30);
    let history = ada.facts("/account/history").await;
    assert_eq!(history["failed_logins"], json!(10));
    let refused = registry.program().login(ADA, WRONG_PASSWORD).await;
    refused.assert_wait(PROGRAM, 30);
    // The device of Ada has attempts of its own, which a refused passkey counts against.
    let refused = fail(&ada, "recent", "{}").await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
    let history = ada.facts("/account/history").await;
    assert_eq!(history["failed_logins"], json!(11));
    let shown = ada.use_passkey(&mut phone, "recent").await;
    shown.assert_done(PROGRAM, "Login successful", "");
}
