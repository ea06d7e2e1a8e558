//! How an operator has the second factors of a user end, who has lost them, and how the owner objects.

use fpm_registry::accounts::operator::request::Act;
use serde_json::{Value, json};

use crate::{
    ADA, DAY, MINUTE, PROGRAM,
    code_of_app::code_of_app,
    common::{
        Client, Kept, PASSWORD, Registry,
        mails::{NOT_ME, link_to},
    },
};

contract! {
    second_factors_end_a_day_after_an_operator_asked
    second_factors_stay_if_the_owner_objects_by_mail
    second_factors_stay_if_the_owner_logs_in_with_one
}

const PAGE: &str = "/account/security";
const ASKED: &str = "All second factors of your fpm-registry account are to be removed";
const ENDED: &str = "All second factors of your fpm-registry account were removed";
const CODE_ASKED: &str = "Enter the code of your second factor";

/// Ada, who adds an authenticator app and then loses it, and her recovery codes.
async fn with_app(registry: &Registry) -> (Client<'_>, Vec<String>) {
    let ada = registry.confirmed(PROGRAM, ADA).await;
    let begun = ada.post("/account/totp", &[]).await.json();
    let code = code_of_app(begun["secret"].as_str().unwrap());
    let added = ada.post("/account/totp/confirm", &[("code", &code)]).await;
    assert_eq!(added.status, 200, "{}", added.body);
    let codes = added.json()["recovery_codes"].clone();
    (ada, serde_json::from_value(codes).unwrap())
}

async fn end(ada: &Client<'_>) -> Value {
    let [page, export] = [PAGE, "/account/export"].map(|path| ada.facts(path));
    let end = page.await["second_factors_end_at"].clone();
    assert_eq!(export.await["second_factors_end_at"], end);
    end
}

async fn history(ada: &Client<'_>) -> Vec<Value> {
    let facts = ada.facts("/account/history").await;
    let events = facts["events"].as_array().unwrap().iter();
    events.map(|event| event["kind"].clone()).collect()
}

async fn assert_asks_for_code(registry: &Registry, password: &str) {
    let answer = registry.program().login(ADA, password).await;
    answer.assert_refused(PROGRAM, 401, CODE_ASKED, Some("code"));
}

async fn second_factors_end_a_day_after_an_operator_asked(registry: Registry) {
    let (ada, _) = with_app(&registry).await;
    let warning = "All your second factors end on";
    assert_eq!(end(&ada).await, Value::Null);
    registry.operate(ADA, Act::EndSecondFactors).await;
    let mail = registry.mail(ADA, ASKED).await;
    assert!(link_to(&mail, NOT_ME).is_some(), "{}", mail.text);
    let words = "use the link below, or log in with one of them before";
    assert!(mail.text.contains(words), "{}", mail.text);
    let at = end(&ada).await;
    let page = ada.get_with(PAGE, "accept", "text/html").await;
    assert!(page.body.contains(warning), "{}", page.body);
    assert!(page.body.contains(&format!("datetime={at}")), "{at}");

    registry.wait(DAY - MINUTE);
    assert_eq!(registry.do_due().await, 0);
    assert_asks_for_code(&registry, PASSWORD).await;
    registry.wait(MINUTE);
    assert_eq!(registry.do_due().await, 1);
    registry.mail(ADA, ENDED).await;
    assert_eq!(registry.do_due().await, 0);
    let facts = ada.facts(PAGE).await;
    for fact in [
        "second_factors_end_at",
        "authenticator_app",
        "recovery_codes",
    ] {
        assert_eq!(facts[fact], Value::Null, "{fact}");
    }
    let answer = registry.program().login(ADA, PASSWORD).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    let kinds = [
        "new-device",
        "second-factors-ended",
        "end-of-second-factors-asked",
    ];
    assert_eq!(history(&ada).await[..3], kinds.map(|kind| json!(kind)));
}

async fn second_factors_stay_if_the_owner_objects_by_mail(registry: Registry) {
    const NEW: &str = "plum tractor glow";
    with_app(&registry).await;
    registry.operate(ADA, Act::EndSecondFactors).await;
    let mail = registry.mail(ADA, ASKED).await;
    let link = link_to(&mail, NOT_ME).unwrap();
    registry.wait(DAY - MINUTE);
    let answer = registry.program().post(NOT_ME, &[("uuid", &link)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    registry.wait(MINUTE);
    registry.do_due().await;
    let reset = registry.mailed_uuid(ADA).await;
    let fields = [("uuid", &*reset), ("password", NEW)];
    let program = registry.program();
    let answer = program.post("/auth/reset-password", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_asks_for_code(&registry, NEW).await;
}

async fn second_factors_stay_if_the_owner_logs_in_with_one(registry: Registry) {
    let (ada, codes) = with_app(&registry).await;
    registry.operate(ADA, Act::EndSecondFactors).await;
    assert_asks_for_code(&registry, PASSWORD).await;
    assert_ne!(end(&ada).await, Value::Null);
    let fields = [("email", ADA), ("password", PASSWORD), ("code", &codes[0])];
    let answer = registry.program().post("/auth/login", &fields).await;
    answer.assert_done(PROGRAM, "Login successful", "/");
    assert_eq!(end(&ada).await, Value::Null);
    let stopped = json!("end-of-second-factors-stopped");
    assert!(history(&ada).await.contains(&stopped));
    registry.wait(2 * DAY);
    registry.do_due().await;
    assert_asks_for_code(&registry, PASSWORD).await;
    let subjects = registry.subjects_to(ADA).await;
    assert!(!subjects.contains(&ENDED), "{subjects:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_one_ends_second_factors() {
    let registry = Registry::start(Kept::Mongo).await;
    let twin = registry.twin().await;
    let (ada, _) = with_app(&registry).await;
    registry.operate(ADA, Act::EndSecondFactors).await;
    for process in [&registry, &twin] {
        process.wait(DAY);
    }
    tokio::join!(registry.do_due(), twin.do_due());
    let ended = json!("second-factors-ended");
    let times = history(&ada)
        .await
        .into_iter()
        .filter(|kind| *kind == ended);
    assert_eq!(times.count(), 1);
    let mut subjects = registry.subjects_to(ADA).await;
    subjects.extend(twin.subjects_to(ADA).await);
    let mails = subjects.iter().filter(|subject| **subject == ENDED);
    assert_eq!(mails.count(), 1);
}
