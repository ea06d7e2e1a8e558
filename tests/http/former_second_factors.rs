//! What an account that is taken back has of second factors: those that were replaced come back, and no passkey logs in alone
//! before it was used after the new password.

use fpm_registry::accounts::operator::request::{Act, EndedFactors};
use serde_json::{Value, json};

use crate::{
    ADA, DAY, MINUTE, PROGRAM,
    common::{
        Kept, Registry,
        authenticator_app::SecondFactor,
        mails::{NOT_ME, RESET, link_to},
    },
    is_now,
    passkey_login::{NOT_ALONE, REFUSED},
    passkeys::passkeys,
    refused_codes::ENTER,
    second_factors::SECURITY,
    second_factors_stay::{
        OTHER, assert_asks, log_in_again, new_device, new_device_link, reset, take_back,
    },
};

contract! {
    an_app_that_was_replaced_comes_back_where_the_newer_one_goes
    a_passkey_that_was_removed_comes_back_where_the_newer_one_goes
    a_passkey_of_a_thief_that_was_removed_stays_so
    the_mail_about_a_missing_second_factor_leaves_second_factors_as_they_are
    who_removes_a_second_factor_has_other_sessions_show_one_again
    a_passkey_alone_does_not_log_in_before_there_is_a_password_again
    second_factors_of_some_hours_end_with_a_recovery
}

const FORMER: &str = "former_second_factors";
const MISSING: &str = "Someone has the password of your fpm-registry account";
const NOT_VALID: &str = "This code is not valid";

async fn former(client: &crate::Client<'_>) -> Value {
    client.facts("/account/export").await[FORMER].clone()
}

/// Ends the only passkey of who is logged in; its handle.
async fn end_passkey(client: &crate::Client<'_>) -> Value {
    let handle = passkeys(client).await[0]["handle"].clone();
    let fields = [("passkey", handle.as_str().unwrap())];
    let ended = client.post("/account/passkeys/end", &fields).await;
    ended.assert_done(PROGRAM, "Passkey removed", "");
    handle
}

/// Whoever reads the mailbox alone would get in by an older mail, if nothing were left.
async fn an_app_that_was_replaced_comes_back_where_the_newer_one_goes(registry: Registry) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let older = owner.add_app().await;
    let uuid = new_device(&registry, &registry.next_code(&older.app)).await;
    assert_eq!(former(&owner).await, json!([]));
    let newer = owner.add_app().await;
    let told = former(&owner).await;
    let replaced = &told[0];
    assert!(is_now(&registry, &replaced["replaced_at"]), "{told}");
    assert!(replaced["authenticator_app"]["used_at"].is_string());
    assert_eq!(replaced["recovery_codes"]["left"], 10);
    assert_eq!(
        (told.as_array().unwrap().len(), &replaced["passkey"]),
        (1, &Value::Null)
    );
    take_back(&registry, &uuid).await;
    assert_asks(&registry).await;
    for code in [&registry.next_code(&newer.app), &newer.recovery_codes[0]] {
        let fields = [("email", ADA), ("password", OTHER), ("code", code)];
        let refused = registry.program().post("/auth/login", &fields).await;
        refused.assert_refused(PROGRAM, 401, NOT_VALID, Some("code"));
    }
    log_in_again(&registry, &registry.next_code(&older.app)).await;
    let client = log_in_again(&registry, &older.recovery_codes[0]).await;
    assert_eq!(former(&client).await, json!([]));
}

async fn a_passkey_that_was_removed_comes_back_where_the_newer_one_goes(registry: Registry) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let mut phone = owner.add_passkey("Phone").await;
    registry.wait(MINUTE);
    let other = registry.program();
    other.use_passkey(&mut phone, "login").await;
    let uuid = new_device_link(&registry).await;
    let handle = end_passkey(&owner).await;
    let told = former(&owner).await;
    assert_eq!(told[0]["passkey"]["name"], "Phone");
    owner.add_passkey("Laptop").await;
    let page = registry
        .program()
        .get(&format!("{NOT_ME}?uuid={uuid}"))
        .await;
    let words = "the passkey “<!---->Phone<!---->”";
    assert!(page.body.contains(words), "{}", page.body);
    assert!(!page.body.contains("Laptop"), "{}", page.body);
    take_back(&registry, &uuid).await;
    assert_asks(&registry).await;
    let client = registry.program();
    let refused = client.use_passkey(&mut phone, "login").await;
    refused.assert_refused(PROGRAM, 401, NOT_ALONE, None);
    let browser = registry.browser();
    browser.get("/auth/login").await;
    let fields = [("email", ADA), ("password", OTHER)];
    let asked = browser.post("/auth/login", &fields).await;
    asked.assert_leads_to("/auth/second-factor");
    let done = browser.use_passkey(&mut phone, "second-factor").await;
    done.assert_leads_to("/");
    registry.wait(MINUTE);
    let done = client.use_passkey(&mut phone, "login").await;
    done.assert_done(PROGRAM, "Login successful", "/");
    assert_eq!(passkeys(&client).await[0]["handle"], handle);
}

async fn a_passkey_of_a_thief_that_was_removed_stays_so(registry: Registry) {
    let thief = registry.confirmed(PROGRAM, ADA).await;
    let mut phone = thief.add_passkey("Phone").await;
    registry.wait(MINUTE);
    registry.program().use_passkey(&mut phone, "login").await;
    let uuid = new_device_link(&registry).await;
    end_passkey(&thief).await;
    take_back(&registry, &uuid).await;
    let refused = registry.program().use_passkey(&mut phone, "login").await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
    let owner = log_in_again(&registry, "").await;
    assert_eq!(passkeys(&owner).await, [Value::Null; 0]);
}

/// Nobody got in: what the owner has changed since is the owner's.
async fn the_mail_about_a_missing_second_factor_leaves_second_factors_as_they_are(
    registry: Registry,
) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    owner.add_app().await;
    let stranger = registry.program();
    for _ in 0..2 {
        stranger.login(ADA, crate::PASSWORD).await;
    }
    registry.wait(10 * MINUTE);
    registry.do_due().await;
    let mail = registry.mail(ADA, MISSING).await;
    let uuid = link_to(&mail, NOT_ME).expect("a link");
    let newer = owner.add_app().await;
    take_back(&registry, &uuid).await;
    assert_asks(&registry).await;
    log_in_again(&registry, &registry.next_code(&newer.app)).await;
    log_in_again(&registry, &newer.recovery_codes[0]).await;
}

async fn who_removes_a_second_factor_has_other_sessions_show_one_again(registry: Registry) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let SecondFactor { recovery_codes, .. } = owner.add_app().await;
    let thief = registry.program();
    let code = &*recovery_codes[0];
    let fields = [
        ("email", ADA),
        ("password", crate::PASSWORD),
        ("code", code),
    ];
    let done = thief.post("/auth/login", &fields).await;
    done.assert_done(PROGRAM, "Login successful", "/");
    owner.add_passkey("Phone").await;
    let ended = owner.post("/account/totp/end", &[]).await;
    ended.assert_done(PROGRAM, "Authenticator app removed", "");
    let handle = passkeys(&thief).await[0]["handle"].clone();
    let fields = [("passkey", handle.as_str().unwrap())];
    let refused = thief.post("/account/passkeys/end", &fields).await;
    refused.assert_refused(PROGRAM, 403, ENTER, Some("code"));
    end_passkey(&owner).await;
}

/// It may be that of a thief, who would also stop what the operator does about it.
async fn a_passkey_alone_does_not_log_in_before_there_is_a_password_again(registry: Registry) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let mut phone = owner.add_passkey("Phone").await;
    registry.wait(MINUTE);
    registry.program().use_passkey(&mut phone, "login").await;
    let uuid = new_device_link(&registry).await;
    let taken_back = registry.program().post(NOT_ME, &[("uuid", &uuid)]).await;
    assert_eq!(taken_back.status, 200, "{}", taken_back.body);
    let first = registry.mailed_uuid(ADA).await;
    registry.operate(ADA, Act::EndSecondFactors).await;
    let refused = registry.program().use_passkey(&mut phone, "login").await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
    reset(&registry, &first).await;
    assert_asks(&registry).await;
    registry.wait(DAY);
    assert_eq!(registry.do_due().await, 1, "nobody has stopped it");
    log_in_again(&registry, "").await;

    let email = ADA.to_owned();
    let client = log_in_again(&registry, "").await;
    let mut laptop = client.add_passkey("Laptop").await;
    let ended = EndedFactors::None;
    registry.operate(ADA, Act::Recover { email, ended }).await;
    let refused = registry.program().use_passkey(&mut laptop, "login").await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
    let uuid = registry.mailed_uuid(ADA).await;
    let answer = registry
        .program()
        .post(RESET, &[("uuid", &uuid), ("password", OTHER)])
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let refused = registry.program().use_passkey(&mut laptop, "login").await;
    refused.assert_refused(PROGRAM, 401, NOT_ALONE, None);
}

async fn second_factors_of_some_hours_end_with_a_recovery(registry: Registry) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let SecondFactor {
        app,
        recovery_codes,
    } = owner.add_app().await;
    registry.wait(2 * DAY);
    let code = registry.next_code(&app);
    let thief = registry.program();
    let fields = [
        ("email", ADA),
        ("password", crate::PASSWORD),
        ("code", &*code),
    ];
    thief.post("/auth/login", &fields).await;
    let mut phone = thief.add_passkey("Phone").await;
    thief.add_app().await;
    let (email, ended) = (ADA.to_owned(), EndedFactors::OfHours(24));
    registry.operate(ADA, Act::Recover { email, ended }).await;
    let uuid = registry.mailed_uuid(ADA).await;
    reset(&registry, &uuid).await;
    let refused = registry.program().use_passkey(&mut phone, "login").await;
    refused.assert_refused(PROGRAM, 401, REFUSED, None);
    assert_asks(&registry).await;
    log_in_again(&registry, &registry.next_code(&app)).await;
    let client = log_in_again(&registry, &recovery_codes[0]).await;
    let facts = client.facts(SECURITY).await;
    assert_eq!(facts["passkeys"], json!([]));
    assert_eq!(facts["recovery_codes"]["left"], 9);
}
