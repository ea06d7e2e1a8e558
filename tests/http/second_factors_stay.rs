//! What second factors outlive, what ends them, and what is told of them.

use serde_json::{Value, json};

use crate::{
    ADA, MINUTE, PROGRAM, SECOND_FACTOR,
    common::{
        Client, Kept, PASSWORD, Registry,
        authenticator_app::{SecondFactor, TOTP},
        mails::{NEW_DEVICE, NOT_ME, RESET, link_to},
    },
    is_now,
    refused_codes::{ENTER, waiting},
    second_factors::SECURITY,
    second_step::log_in,
};

contract! {
    a_password_reset_keeps_them
    a_mail_of_before_takes_them_away
    a_mail_of_later_keeps_them
    a_mail_puts_older_recovery_codes_in_the_place_of_newer_ones
    deletion_ends_them
    an_export_tells_of_them_without_secrets
}

const DONE: &str = "Login successful";
pub const OTHER: &str = "plum tractor glow";
const NOTHING: (&Value, &Value) = (&Value::Null, &Value::Null);

/// The uuid of the link in the mail about a login from a new device.
pub async fn new_device(registry: &Registry, code: &str) -> String {
    log_in(registry, ADA, code)
        .await
        .assert_done(PROGRAM, DONE, "/");
    new_device_link(registry).await
}

/// The uuid of the link in the mail about a login from a new device; a minute passes.
pub async fn new_device_link(registry: &Registry) -> String {
    let mail = registry.mail(ADA, NEW_DEVICE).await;
    let uuid = link_to(&mail, NOT_ME).expect("a link");
    registry.wait(MINUTE);
    uuid
}

pub async fn take_back(registry: &Registry, uuid: &str) {
    let answer = registry.program().post(NOT_ME, &[("uuid", uuid)]).await;
    let sentence = "Account secured: a link to choose a new password has been sent";
    answer.assert_done(PROGRAM, sentence, "");
    let uuid = registry.mailed_uuid(ADA).await;
    reset(registry, &uuid).await;
}

pub async fn reset(registry: &Registry, uuid: &str) {
    let fields = [("uuid", uuid), ("password", OTHER)];
    let answer = registry.program().post(RESET, &fields).await;
    answer.assert_done(PROGRAM, "Password reset successful", "");
}

/// Logs in by the password that was chosen last.
pub async fn log_in_again<'r>(registry: &'r Registry, code: &str) -> Client<'r> {
    let client = registry.program();
    let fields = [("email", ADA), ("password", OTHER), ("code", code)];
    let answer = client.post("/auth/login", &fields).await;
    answer.assert_done(PROGRAM, DONE, "/");
    client
}

pub async fn assert_asks(registry: &Registry) {
    let refused = registry.program().login(ADA, OTHER).await;
    refused.assert_refused(PROGRAM, 401, ENTER, Some("code"));
}

async fn a_password_reset_keeps_them(registry: Registry) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let SecondFactor {
        app,
        recovery_codes,
    } = owner.add_app().await;
    let uuid = registry.reset_uuid(ADA).await;
    reset(&registry, &uuid).await;
    assert_asks(&registry).await;
    log_in_again(&registry, &registry.next_code(&app)).await;
    let client = log_in_again(&registry, &recovery_codes[0]).await;
    let facts = client.facts(SECURITY).await;
    assert_eq!(facts["recovery_codes"]["left"], json!(9));
}

async fn a_mail_of_before_takes_them_away(registry: Registry) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let uuid = new_device(&registry, "").await;
    owner.add_app().await;
    owner.post(TOTP, &[]).await;
    take_back(&registry, &uuid).await;
    let facts = log_in_again(&registry, "").await.facts(SECURITY).await;
    assert_eq!(
        (&facts["authenticator_app"], &facts["recovery_codes"]),
        NOTHING
    );
}

/// Whoever reads the mail only does not get past them.
async fn a_mail_of_later_keeps_them(registry: Registry) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let SecondFactor {
        app,
        recovery_codes,
    } = owner.add_app().await;
    let uuid = new_device(&registry, &registry.next_code(&app)).await;
    take_back(&registry, &uuid).await;
    assert_asks(&registry).await;
    log_in_again(&registry, &registry.next_code(&app)).await;
    log_in_again(&registry, &recovery_codes[0]).await;
}

async fn a_mail_puts_older_recovery_codes_in_the_place_of_newer_ones(registry: Registry) {
    let owner = registry.confirmed(PROGRAM, ADA).await;
    let SecondFactor {
        app,
        recovery_codes,
    } = owner.add_app().await;
    let uuid = new_device(&registry, &registry.next_code(&app)).await;
    let made = owner.post("/account/recovery-codes", &[]).await.json();
    let newer = made["recovery_codes"][0].as_str().unwrap();
    take_back(&registry, &uuid).await;
    let fields = [("email", ADA), ("password", OTHER), ("code", newer)];
    let refused = registry.program().post("/auth/login", &fields).await;
    refused.assert_refused(PROGRAM, 401, "This code is not valid", Some("code"));
    log_in_again(&registry, &registry.next_code(&app)).await;
    let client = log_in_again(&registry, &recovery_codes[0]).await;
    let facts = client.facts(SECURITY).await;
    assert_eq!(facts["recovery_codes"]["left"], json!(9));
}

async fn deletion_ends_them(registry: Registry) {
    let owner = registry.signed_up(PROGRAM, ADA).await;
    owner.add_app().await;
    let waits = waiting(&registry, ADA).await;
    let fields = [("email", ADA), ("current_password", PASSWORD)];
    let deleted = owner.post("/account/delete", &fields).await;
    deleted.assert_done(PROGRAM, "Account deleted", "");
    waits
        .get(SECOND_FACTOR)
        .await
        .assert_leads_to("/auth/login");
    let next = registry.signed_up(PROGRAM, ADA).await;
    let facts = next.facts(SECURITY).await;
    assert_eq!(
        (&facts["authenticator_app"], &facts["recovery_codes"]),
        NOTHING
    );
    log_in(&registry, ADA, "")
        .await
        .assert_done(PROGRAM, DONE, "/");
}

async fn an_export_tells_of_them_without_secrets(registry: Registry) {
    let owner = registry.signed_up(PROGRAM, ADA).await;
    let SecondFactor { recovery_codes, .. } = owner.add_app().await;
    let begun = owner.post(TOTP, &[]).await.json();
    let waits = waiting(&registry, ADA).await;
    let export = owner.facts("/account/export").await;
    let app = json!({ "added_at": export["authenticator_app"]["added_at"], "used_at": null });
    let codes = json!({ "made_at": export["recovery_codes"]["made_at"], "left": 10 });
    assert_eq!(
        (
            &export["authenticator_app"],
            &export["recovery_codes"],
            &export["passkeys"]
        ),
        (&app, &codes, &json!([]))
    );
    assert!(is_now(&registry, &app["added_at"]) && is_now(&registry, &codes["made_at"]));
    assert!(is_now(
        &registry,
        &export["sessions"][0]["second_factor_at"]
    ));
    assert!(export["authenticator_app_to_confirm_until"].is_string());
    let waiting = json!([{
        "expires_at": export["waiting_logins"][0]["expires_at"],
        "network": "10.0.0.0/24",
        "device": "Unknown device",
        "of_known_device": false,
    }]);
    assert_eq!(export["waiting_logins"], waiting);
    let text = export.to_string().to_lowercase();
    let pending = waits.cookie("pending").unwrap();
    let secret = begun["secret"].as_str().unwrap();
    let texts = recovery_codes
        .iter()
        .map(String::as_str)
        .chain([pending.as_str(), secret]);
    for secret in texts {
        assert!(
            !text.contains(&secret.to_lowercase()),
            "{secret} is in {text}"
        );
    }
    for word in ["digest\":", "secret\":", "sealed", "form\":", "step\":"] {
        assert!(!text.contains(word), "{word} is in {text}");
    }
}
